"""Opens a file below a root of its own, which is a plain folder in the middle of a mount."""

import os

os.makedirs("jail/cell")
with open("jail/cell/file", "w"):
    pass
os.chroot("jail")
os.chdir("/")
os.close(os.open("cell/file", os.O_RDONLY))
