"""Asks io_uring, by bare system calls, for files and connections, and prints each act as whittle should name it: action, resource, and
how it ended by io_uring's own result. What this kernel's io_uring has not learned yet is left out. Takes the folder to work in."""

import ctypes
import json
import mmap
import os
import socket
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
SETUP, ENTER, REGISTER = 425, 426, 427
SENDMSG, ACCEPT, CONNECT, OPENAT, RENAMEAT, UNLINKAT = 9, 13, 16, 18, 35, 36
MKDIRAT, SYMLINKAT, LINKAT, FTRUNCATE, BIND, LISTEN = 37, 38, 39, 55, 56, 57
ASYNC = 1 << 4
AT_FDCWD, AT_REMOVEDIR = -100, 0x200
DENIED = (1, 13, 30)
done = []


def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    if result < 0:
        sys.exit(f"system call {number}: {os.strerror(ctypes.get_errno())}")
    return result


class Ring:
    """One request at a time."""

    def __init__(self):
        parameters = ctypes.create_string_buffer(120)
        self.descriptor = call(SETUP, 8, parameters)
        words = struct.unpack_from("<30I", parameters)
        self.tail, self.mask, self.array = words[11], words[12], words[16]
        self.head, self.completed, self.results = words[20], words[21], words[25]
        self.last = words[1] - 1
        size = max(self.array + 4 * words[0], self.results + 16 * words[1])
        self.ring = mmap.mmap(self.descriptor, size, offset=0)
        self.requests = mmap.mmap(self.descriptor, 64 * words[0], offset=0x10000000)

    def word(self, at):
        return struct.unpack_from("<I", self.ring, at)[0]

    def known(self):
        probe = ctypes.create_string_buffer(16 + 8 * 64)
        call(REGISTER, self.descriptor, 8, probe, 64)
        entries = [struct.unpack_from("<BBH", probe, 16 + 8 * at) for at in range(64)]
        return {operation for operation, _, flags in entries if flags & 1}

    def submit(self, operation, descriptor, offset=0, address=0, length=0, options=0, flags=0):
        tail = self.word(self.tail)
        index = tail & self.word(self.mask)
        request = struct.pack("<BBHiQQII", operation, flags, 0, descriptor, offset, address, length, options)
        self.requests[64 * index : 64 * index + 64] = request.ljust(64, b"\0")
        struct.pack_into("<I", self.ring, self.array + 4 * index, index)
        struct.pack_into("<I", self.ring, self.tail, tail + 1)
        call(ENTER, self.descriptor, 1, 0, 0, None, 0)

    def wait(self):
        head = self.word(self.head)
        if head == self.word(self.completed):
            call(ENTER, self.descriptor, 0, 1, 1, None, 0)
        at = self.results + 16 * (head & self.last)
        result = struct.unpack_from("<i", self.ring, at + 8)[0]
        struct.pack_into("<I", self.ring, self.head, head + 1)
        return result


def act(result, *names):
    outcome = "allowed" if result >= 0 else "denied" if -result in DENIED else "failed"
    done.extend([action, resource, outcome] for action, resource in names)
    return result


kept = []


def text(path):
    kept.append(ctypes.create_string_buffer(os.fsencode(path)))
    return ctypes.addressof(kept[-1])


def files(ring, known, folder):
    def ask(operation, **request):
        ring.submit(operation, AT_FDCWD, **request)
        return ring.wait()

    os.chdir(folder)
    one, two, three, made = (f"{folder}/{name}" for name in ("one", "two", "three", "made"))
    for flags in (0, ASYNC):
        # By a relative path, and one that the kernel has looked up already.
        result = ask(OPENAT, address=text("one"), length=0o600, options=os.O_CREAT | os.O_WRONLY, flags=flags)
        act(result, ("write" if flags else "write+create", one))
        os.close(result)
    act(ask(OPENAT, address=text(two)), ("read", two))
    act(ask(OPENAT, address=text("/proc/version"), options=os.O_WRONLY), ("write", "/proc/version"))
    if FTRUNCATE in known:
        descriptor = act(ask(OPENAT, address=text(one), options=os.O_WRONLY), ("write", one))
        ring.submit(FTRUNCATE, descriptor, offset=3)
        act(ring.wait(), ("truncate", one))
    if MKDIRAT in known:
        act(ask(MKDIRAT, address=text("made"), length=0o700), ("mkdir", made))
        act(ask(MKDIRAT, address=text(made), length=0o700), ("mkdir", made))
        act(ask(SYMLINKAT, address=text("one"), offset=text("three")), ("symlink", three))
        act(ask(LINKAT, address=text(one), length=AT_FDCWD & 0xFFFFFFFF, offset=text(two)), ("link", one), ("link-to", two))
    if UNLINKAT in known and RENAMEAT in known:
        act(ask(RENAMEAT, address=text("one"), length=AT_FDCWD & 0xFFFFFFFF, offset=text(three)), ("rename", one), ("rename-to", three))
        act(ask(UNLINKAT, address=text("three")), ("unlink", three))
        act(ask(UNLINKAT, address=text(three)), ("unlink", three))
        act(ask(UNLINKAT, address=text("/proc/version")), ("unlink", "/proc/version"))
        act(ask(UNLINKAT, address=text(made), options=AT_REMOVEDIR), ("rmdir", made))


def address(port):
    kept.append(ctypes.create_string_buffer(struct.pack("<H", 2) + struct.pack(">H", port) + socket.inet_aton("127.0.0.1") + bytes(8), 16))
    return ctypes.addressof(kept[-1])


def sockets(ring, known):
    listener = socket.socket()
    if BIND in known:
        ring.submit(BIND, listener.fileno(), address=address(0), offset=16)
        result = ring.wait()
    else:
        result = listener.bind(("127.0.0.1", 0)) or 0
    act(result, ("bind", "127.0.0.1:0/tcp"))
    port = listener.getsockname()[1]
    if LISTEN in known:
        ring.submit(LISTEN, listener.fileno(), length=1)
        result = ring.wait()
    else:
        result = listener.listen(1) or 0
    act(result, ("listen", f"127.0.0.1:{port}/tcp"))
    for flags in (0, ASYNC):
        client = socket.socket()
        ring.submit(CONNECT, client.fileno(), address=address(port), offset=16, flags=flags)
        act(ring.wait(), ("connect", f"127.0.0.1:{port}/tcp"))
        ring.submit(ACCEPT, listener.fileno(), flags=flags)
        act(ring.wait(), ("accept", f"127.0.0.1:{port}/tcp"))
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    done.append(["bind", "127.0.0.1:0/tcp", "allowed"])
    for flags in (0, ASYNC):
        ring.submit(CONNECT, socket.socket().detach(), address=address(port), offset=16, flags=flags)
        act(ring.wait(), ("connect", f"127.0.0.1:{port}/tcp"))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    kept.append(ctypes.create_string_buffer(b"hello"))
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(kept[-1]), 5)
    message = (ctypes.c_size_t * 7)(address(7), 16, ctypes.addressof(vector), 1, 0, 0, 0)
    ring.submit(SENDMSG, sender.fileno(), address=ctypes.addressof(message), length=1)
    act(ring.wait(), ("send", "127.0.0.1:7/udp"))


if __name__ == "__main__":
    ring = Ring()
    known = ring.known()
    files(ring, known, os.path.realpath(sys.argv[1]))
    sockets(ring, known)
    print(json.dumps(done))
