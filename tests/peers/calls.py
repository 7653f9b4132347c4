"""Makes the calls that programs seldom make: the other forms of open and exec, sends of several
messages, addresses of odd families, and requests that cannot succeed."""

import ctypes
import os
import socket
import struct
import subprocess
import threading

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100


def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    return result if result >= 0 else -ctypes.get_errno()


def opens():
    os.mkdir("folder")
    folder = os.open("folder", os.O_PATH)
    open_, creat, openat, openat2 = 2, 85, 257, 437
    assert call(creat, b"folder/made", 0o600) >= 0
    assert call(open_, b"folder/made", os.O_RDWR) >= 0
    assert call(open_, os.path.abspath("folder/made").encode(), os.O_WRONLY | os.O_APPEND) >= 0
    assert call(openat, folder, b"made", os.O_RDONLY) >= 0
    assert call(openat, folder, b"../folder/./made", os.O_RDONLY) >= 0
    how = struct.pack("QQQ", os.O_RDWR | os.O_CREAT, 0o600, 0)
    assert call(openat2, folder, b"second", how, len(how)) >= 0
    beneath = struct.pack("QQQ", os.O_RDONLY, 0, 8)
    assert call(openat2, folder, b"../calls.py", beneath, len(beneath)) == -18
    assert call(openat, folder, b"", os.O_RDONLY) == -2
    assert call(openat, 999, b"made", os.O_RDONLY) == -9
    assert call(openat, 999, b"/etc/passwd", os.O_RDONLY) >= 0
    assert call(open_, b"/etc/passwd/below", os.O_RDONLY) == -20
    assert call(open_, b"/etc", os.O_RDWR) == -21
    assert call(open_, b"folder/made", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600) == -17
    assert call(open_, b"n" * 300, os.O_RDONLY) == -36
    os.symlink("loop", "loop")
    assert call(open_, b"loop", os.O_RDONLY) == -40
    assert call(open_, b"folder/made", 3) >= 0
    os.fchdir(folder)
    assert call(open_, b"made", os.O_RDONLY | os.O_TRUNC) >= 0
    os.chdir("..")
    os.close(folder)


def in_child(action):
    child = os.fork()
    if child == 0:
        action()
        os._exit(77)
    assert os.waitpid(child, 0)[1] == 0


def execs():
    program = os.open("/usr/bin/env", os.O_PATH)
    in_child(lambda: os.execve(program, ["env"], {}))
    folder = os.open("/usr/bin", os.O_PATH)
    null = ctypes.POINTER(ctypes.c_char_p)()
    in_child(lambda: call(322, folder, b"env", (ctypes.c_char_p * 2)(b"env", None), null, 0))
    in_child(lambda: call(59, b"//usr/bin/../bin/env", (ctypes.c_char_p * 2)(b"env", None), null))

    def from_a_thread():
        thread = threading.Thread(target=os.execv, args=("/usr/bin/env", ["env", "true"]))
        thread.start()
        thread.join()

    in_child(from_a_thread)
    with open("interpreted", "w") as out:
        out.write("#!/usr/bin/env -S sh -e\nexit 0\n")
    os.chmod("interpreted", 0o700)
    subprocess.run(["./interpreted"], check=True)
    with open("nested", "w") as out:
        out.write(f"#!{os.path.abspath('interpreted')}\n")
    os.chmod("nested", 0o700)
    subprocess.run([os.path.abspath("nested")], check=True)
    with open("broken", "w") as out:
        out.write("#!/nowhere/interpreter\n")
    os.chmod("broken", 0o700)
    for asked in ("./broken", "/etc", "folder/made/below"):
        try:
            os.execv(asked, [asked])
        except OSError:
            continue
        raise AssertionError(asked)


def sends():
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    address = struct.pack("=H", socket.AF_INET) + struct.pack("!H", receiver.getsockname()[1])
    address = ctypes.create_string_buffer(address + socket.inet_aton("127.0.0.1") + bytes(8), 16)
    data = ctypes.create_string_buffer(b"data", 4)
    vector = ctypes.create_string_buffer(struct.pack("PN", ctypes.addressof(data), 4), 16)
    header = struct.pack("PIxxxxPNPNixxxx", ctypes.addressof(address), 16, ctypes.addressof(vector), 1, 0, 0, 0)
    messages = ctypes.create_string_buffer((header + bytes(8)) * 3)
    assert call(307, sender.fileno(), messages, 3, 0) == 3
    for _ in range(3):
        assert receiver.recv(9) == b"data"
    sender.connect(receiver.getsockname())
    assert call(42, sender.fileno(), struct.pack("=H14x", socket.AF_UNSPEC), 16) == 0

    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind((0, 0))
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind("")
    one, other = socket.socketpair()
    one.sendmsg([b"x"])
    other.recv(1)
    closed = socket.socket()
    assert closed.connect_ex(("127.0.0.1", 1)) != 0
    user = os.fork()
    if user == 0:
        os.setuid(65534)
        try:
            socket.socket().bind(("127.0.0.1", 1))
        except PermissionError:
            os._exit(0)
        os._exit(0 if int(open("/proc/sys/net/ipv4/ip_unprivileged_port_start").read()) <= 1 else 1)
    assert os.waitpid(user, 0)[1] == 0


opens()
execs()
sends()
