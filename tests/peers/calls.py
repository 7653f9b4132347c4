"""Makes the calls that programs seldom make: the other forms of open and exec, sends of several
messages, addresses of odd families, and requests that cannot succeed."""

import ctypes
import mmap
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


def changes():
    os.mkdir("changed")
    folder = os.open("changed", os.O_PATH)
    with open("changed/a", "w") as out:
        out.write("text")
    rename, mkdir, rmdir, link, unlink, symlink = 82, 83, 84, 86, 87, 88
    chmod, fchmod, chown, fchown, lchown, utime, mknod = 90, 91, 92, 93, 94, 132, 133
    assert call(rename, b"changed/a", b"changed/b") == 0
    assert call(264, folder, b"b", folder, b"a") == 0
    assert call(316, AT_FDCWD, b"changed/a", folder, b"b", 1) == 0
    assert call(rename, b"changed/none", b"changed/b") == -2
    assert call(mkdir, b"changed/in", 0o700) == 0
    assert call(258, folder, b"in/deep", 0o700) == 0
    assert call(mkdir, b"changed/in", 0o700) == -17
    assert call(rmdir, b"changed/in") == -39
    assert call(263, folder, b"in/deep", 0x200) == 0
    assert call(rmdir, b"changed/in/") == 0
    assert call(link, b"changed/b", b"changed/c") == 0
    assert call(265, folder, b"b", AT_FDCWD, b"changed/d", 0) == 0
    assert call(unlink, b"changed/c") == 0
    assert call(263, folder, b"d", 0) == 0
    assert call(unlink, b"changed/d") == -2
    assert call(symlink, b"b", b"changed/s") == 0
    assert call(266, b"nowhere", folder, b"t") == 0
    assert call(mknod, b"changed/pipe", 0o010600, 0) == 0
    assert call(259, folder, b"file", 0o100600, 0) == 0
    assert call(chmod, b"changed/s", 0o640) == 0
    assert call(268, folder, b"b", 0o600) == 0
    assert call(chown, b"changed/b", os.getuid(), os.getgid()) == 0
    assert call(lchown, b"changed/s", os.getuid(), os.getgid()) == 0
    assert call(260, folder, b"s", os.getuid(), os.getgid(), 0x100) == 0
    assert call(utime, b"changed/b", None) == 0
    assert call(235, b"changed/b", None) == 0
    assert call(261, folder, b"b", None) == 0
    assert call(280, folder, b"b", None, 0) == 0
    assert call(76, b"changed/b", 3) == 0
    assert call(76, b"changed", 3) == -21
    file = os.open("changed/b", os.O_RDWR)
    assert call(77, file, 2) == 0
    assert call(fchmod, file, 0o644) == 0
    assert call(fchown, file, os.getuid(), os.getgid()) == 0
    assert call(280, file, None, None, 0) == 0
    assert call(fchmod, 999, 0o644) == -9
    assert call(77, folder, 1) == -9
    for number, subject in ((188, b"changed/b"), (189, b"changed/b"), (190, file)):
        assert call(number, subject, b"trusted.whittle", b"x", 1, 0) == 0
    for number, subject, result in ((197, b"changed/b", 0), (198, b"changed/b", -61), (199, file, -61)):
        assert call(number, subject, b"trusted.whittle") == result
    libc.mmap.restype = ctypes.c_void_p
    code = libc.mmap(None, 4096, mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE, file, 0)
    assert code not in (None, 2**64 - 1)

    def as_nobody():
        os.chmod("changed", 0o755)
        os.chmod(".", 0o755)
        os.setuid(65534)
        assert call(unlink, b"changed/b") == -13
        assert call(rename, b"changed/b", b"changed/z") == -13
        assert call(mkdir, b"changed/y", 0o700) == -13
        assert call(chmod, b"changed/b", 0o777) == -1
        held = os.open("changed/b", os.O_RDONLY)
        assert call(fchmod, held, 0o777) == -1
        os._exit(0)

    in_child(as_nobody)

    def in_a_namespace():
        assert libc.unshare(0x20000) == 0
        assert call(165, b"none", b"/", None, 0x44000, None) == 0
        os.mkdir("changed/mounted")
        assert call(165, b"none", b"changed/mounted", b"tmpfs", 0, None) == 0
        assert call(166, b"changed/mounted", 0) == 0
        assert call(166, b"changed/mounted", 0) == -22
        os._exit(0)

    in_child(in_a_namespace)


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


def accepts():
    os.mkdir("sockets")
    unix = socket.socket(socket.AF_UNIX)
    unix.bind("sockets/listener")
    six = socket.socket(socket.AF_INET6)
    six.bind(("::1", 0))
    four = socket.socket()
    four.bind(("127.0.0.1", 0))
    for listener in (unix, six, four):
        listener.listen()
        for accept in (43, 288):
            client = socket.socket(listener.family)
            client.connect(listener.getsockname())
            connection = call(accept, listener.fileno(), None, None, *([0] if accept == 288 else []))
            assert connection >= 0
            os.close(connection)
        listener.setblocking(False)
        assert call(288, listener.fileno(), None, None, 0) == -11


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
changes()
execs()
accepts()
sends()
