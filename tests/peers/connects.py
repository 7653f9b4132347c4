"""Connects by TCP to ports of its own without waiting, and prints how each ended, by what the socket says itself: resource, outcome and
error. The last is left in progress by a process that outlives this one."""

import errno
import json
import os
import select
import socket
import sys

HOST = "127.0.0.1"
done = []


def told(port, error):
    name = errno.errorcode[error] if error else None
    done.append([f"{HOST}:{port}/tcp", "failed" if error else "allowed", name])


def listener(backlog):
    opened = socket.socket()
    opened.bind((HOST, 0))
    opened.listen(backlog)
    return opened, opened.getsockname()[1]


def closed_port():
    opened = socket.socket()
    opened.bind((HOST, 0))
    port = opened.getsockname()[1]
    opened.close()
    return port


def begin(port):
    opened = socket.socket()
    opened.setblocking(False)
    # The second and last time is asked after a second, and given up two later.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
    error = opened.connect_ex((HOST, port))
    if error not in (0, errno.EINPROGRESS):
        sys.exit(f"connect: {os.strerror(error)}")
    return opened


def end(opened):
    select.select([], [opened], [])
    return opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def full():
    """A port whose one place is taken: the kernel drops who comes next."""
    opened, port = listener(0)
    first = socket.create_connection((HOST, port))
    told(port, 0)
    select.select([opened], [], [])
    return port, (opened, first)


def leave(port):
    """A process that goes on by itself, once its connect is under way."""
    ready, started = os.pipe()
    if os.fork() == 0:
        opened = begin(port)
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        os.write(started, b".")
        end(opened)
        os._exit(0)
    os.close(started)
    os.read(ready, 1)
    told(port, errno.EINPROGRESS)


_, port = kept = listener(1)
told(port, end(begin(port)))
port = closed_port()
told(port, end(begin(port)))
port = closed_port()
told(port, socket.socket().connect_ex((HOST, port)))
port, kept_too = full()
told(port, end(begin(port)))
begin(port).close()
told(port, errno.EINPROGRESS)
leave(port)
print(json.dumps(done), flush=True)
