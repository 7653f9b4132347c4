"""Makes, and removes again, $2 different files in the new folder $1."""

import os
import sys

folder, count = sys.argv[1], int(sys.argv[2])
os.mkdir(folder)
for number in range(count):
    path = f"{folder}/{number}"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    os.unlink(path)
os.rmdir(folder)
