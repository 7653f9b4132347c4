"""Acts that each need one capability, done one after the other; ends with 1 where any of them was refused."""

import ctypes
import os
import socket
import sys


def bind_a_low_port():
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", 79))


def give_a_file_away():
    os.chown("owned", 12345, -1)


def open_a_raw_socket():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


def mount():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", b"mnt", b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")


def read_a_file_that_nobody_may_read():
    open("sealed").close()


def raise_its_own_priority():
    os.setpriority(os.PRIO_PROCESS, 0, -5)


def signal_a_process_of_root():
    os.kill(1, 0)


def map_the_first_page():
    """Below vm.mmap_min_addr, whatever that is."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_ssize_t
    libc.mmap.argtypes = (ctypes.c_void_p, *[ctypes.c_size_t] * 2, *[ctypes.c_int] * 2, ctypes.c_size_t)
    private, fixed, anonymous = 0x2, 0x10, 0x20
    if libc.mmap(0, 4096, 0, private | fixed | anonymous, -1, 0) != 0:
        raise OSError(ctypes.get_errno(), "mmap")


ACTS = (
    bind_a_low_port,
    give_a_file_away,
    open_a_raw_socket,
    mount,
    read_a_file_that_nobody_may_read,
    raise_its_own_priority,
    signal_a_process_of_root,
    map_the_first_page,
)

refused = []
for act in ACTS:
    try:
        act()
    except PermissionError:
        refused.append(act.__name__)
print("refused:", refused)
sys.exit(1 if refused else 0)
