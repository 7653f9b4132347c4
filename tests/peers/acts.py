"""Makes privileged acts, and prints each as whittle should name it: action, resource, and how it ended by the call's own result."""

import ctypes
import json
import os
import signal

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
DENIED = (1, 13, 30)
done = []


def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    return result if result >= 0 else -ctypes.get_errno()


def act(action, resource, result):
    outcome = "allowed" if result >= 0 else "denied" if -result in DENIED else "failed"
    done.append([action, resource, outcome])
    return result


def child(work):
    """Starts a child that does `work`, and then waits to be killed."""
    ready, started = os.pipe()
    process = os.fork()
    if process == 0:
        work()
        os.write(started, b".")
        while True:
            signal.pause()
    os.read(ready, 1)
    return process


def ended(process):
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def traced():
    process = child(lambda: None)
    act("trace", "another process", call(101, 0x4206, process, None, None))
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 8)
    own = ctypes.byref(vector)
    act("reach into", "memory, reading", call(310, process, own, 1, own, 1, 0))
    act("reach into", "memory, writing", call(311, process, own, 1, own, 1, 0))
    handle = call(434, process, 0)
    act("reach into", "descriptors", call(438, handle, 0, 0))
    act("reach into", "descriptors", call(438, handle, 999, 0))
    ended(process)
    process = os.fork()
    if process == 0:
        os._exit(0 if call(101, 0, 0, None, None) == 0 else 1)
    act("trace", "by the parent", 0 if os.waitpid(process, 0)[1] == 0 else -1)
    act("trace", "another process", call(101, 16, 2**22 + 1, None, None))


def kernel():
    attributes = ctypes.create_string_buffer(128)
    act("bpf", "map_get_next_id", call(321, 12, attributes, 8))
    act("bpf", "prog_load", call(321, 5, attributes, 48))
    act("io_uring", "a ring", call(425, 1, ctypes.create_string_buffer(120)))
    act("load module", "from memory", call(175, b"nothing", 7, b""))
    act("load module", "from a file", call(313, 999, b"", 0))
    act("unload module", "a module", call(176, b"no_such_module", os.O_NONBLOCK))
    act("keyctl", "get_keyring_id", call(250, 0, -3, 0, 0, 0))
    act("keyctl", "add_key", call(248, b"user", b"whittle", b"x", 1, -3))
    act("keyctl", "request_key", call(249, b"user", b"no such key", None, 0))


def namespaces():
    process = os.fork()
    if process == 0:
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        act("make namespace", "uts", call(272, 0x4000000))
        act("make namespace", "mnt+net", call(272, 0x40020000))
        act("enter namespace", "net", call(308, own, 0x40000000))
        act("enter namespace", "of any kind", call(308, own, 0))
        act("enter namespace", "ipc", call(308, own, 0x8000000))
        made = call(56, 0x8000000 | signal.SIGCHLD, None, None, None, None)
        if made == 0:
            os._exit(0)
        act("make namespace", "ipc", made)
        os.waitpid(made, 0)
        with open("acts.child", "w") as out:
            json.dump(done, out)
        os._exit(0)
    assert os.waitpid(process, 0)[1] == 0
    with open("acts.child") as acts:
        done[:] = json.load(acts)


def signals():
    nobody = child(lambda: os.setuid(65534))
    act("signal", "SIGCONT to uid 65534", 0)
    os.kill(nobody, signal.SIGCONT)
    os.kill(os.getpid(), signal.SIGCONT)
    process = os.fork()
    if process == 0:
        os.setuid(65534)
        os._exit(0 if call(62, os.getppid(), int(signal.SIGTERM)) == -1 else 1)
    assert os.waitpid(process, 0)[1] == 0
    act("signal", "SIGTERM", -1)
    act("signal", "SIGKILL to uid 65534", 0)
    ended(nobody)


def executable():
    memory = act("make executable", "new memory, still writable", call(9, None, 4096, 7, 0x22, -1, 0))
    act("make executable", "memory that was mapped", call(10, ctypes.c_void_p(memory), 4096, 5))
    act("make executable", "memory that was mapped, still writable", call(10, None, 4096, 7))
    call(9, None, 4096, 3, 0x22, -1, 0)


traced()
executable()
kernel()
namespaces()
signals()
print(json.dumps(done))
