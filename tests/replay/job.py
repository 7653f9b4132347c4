"""The part of the captured run that a shell cannot do: odd names, files without a name, deep folders, sockets."""

import os
import socket

os.close(os.open(b"line\nbreak \xff", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
os.close(os.open("copy", os.O_PATH))

# Files that have no name any more, or never had one.
deleted = os.open("deleted", os.O_WRONLY | os.O_CREAT, 0o600)
os.unlink("deleted")
memory = os.memfd_create("code")
reader, writer = os.pipe()
for descriptor in (deleted, memory, reader):
    os.close(os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY))

# A path of PATH_MAX bytes, which the kernel refuses, and a file that is deeper than the probes walk.
try:
    os.open("/tmp/" + "a/" * 2046, os.O_RDONLY)
except OSError:
    pass
here = os.open(".", os.O_RDONLY)
for _ in range(600):
    os.chdir("d")
os.close(os.open("bottom", os.O_WRONLY | os.O_CREAT, 0o600))
os.fchdir(here)


def attempt(call, *arguments):
    """The outcome is part of the record, whatever it is."""
    try:
        call(*arguments)
    except OSError:
        pass


stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
attempt(stream.connect, ("127.0.0.1", 9))
attempt(socket.socket(socket.AF_INET6, socket.SOCK_STREAM).connect, ("::1", 9))
datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
attempt(datagram.sendto, b"x", ("127.0.0.1", 9))
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
attempt(server.bind, "socket")
attempt(server.listen)
client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
attempt(client.connect, "socket")
attempt(server.accept)
attempt(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind, b"\0whittle capture")

# Names and attributes.
os.mkdir("folder", 0o700)
os.rename("copy", "folder/renamed")
os.chmod("folder/renamed", 0o640)
attempt(os.rmdir, "folder")
