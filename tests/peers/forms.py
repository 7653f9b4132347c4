"""Asks an HTTP server on one connection, each request and answer by another of the calls that send and receive:
`forms.py calls|uring PORT`. With `uring` by io_uring, and by the call that sends several messages at once."""

import ctypes
import os
import socket
import sys

from uring import ASYNC, Ring

ANSWER = b"HTTP/1.1 200 OK\r\nX-Number: 1\r\nContent-Length: 3\r\n\r\nok\n"
MSG_WAITALL = 0x100
READV, WRITEV, SENDMSG, RECVMSG, READ, WRITE, SEND, RECV = 1, 2, 9, 10, 22, 23, 26, 27
connection = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
descriptor = connection.fileno()
kept = []


def request(name, body=b"hello"):
    return b"POST /%s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (name.encode(), len(body)) + body


def parts(data):
    """Uneven ones, the first of them empty."""
    found, size = [], 0
    while data:
        found.append(data[:size])
        data, size = data[size:], 2 * size + 3
    return found


def whole(receive):
    answer = b""
    while len(answer) < len(ANSWER):
        answer += receive(len(ANSWER) - len(answer))
    assert answer == ANSWER, answer


def into(receive):
    def received(most):
        buffers = [bytearray(1), bytearray(0), bytearray(20), bytearray(most)]
        count = receive(buffers)
        return b"".join(buffers)[:count]

    return received


def looked_at_twice(most):
    seen = connection.recv(most, socket.MSG_PEEK)
    assert seen == connection.recv(len(seen))
    return seen


def calls():
    sends = {
        "write": lambda data: os.write(descriptor, data),
        "send": connection.send,
        "writev": lambda data: os.writev(descriptor, parts(data)),
        "sendmsg": lambda data: connection.sendmsg(parts(data)),
        "byte": lambda data: sum(connection.send(data[at : at + 1]) for at in range(len(data))),
    }
    receives = [
        lambda most: os.read(descriptor, most),
        looked_at_twice,
        into(lambda buffers: os.readv(descriptor, buffers)),
        into(lambda buffers: connection.recvmsg_into(buffers)[0]),
        lambda _: connection.recv(1),
    ]
    for (name, send), receive in zip(sends.items(), receives):
        data = request(name)
        assert send(data) == len(data)
        whole(receive)


def memory(data):
    kept.append(ctypes.create_string_buffer(data, len(data)))
    return ctypes.addressof(kept[-1])


def vector(buffers):
    """Address and length of an array of `struct iovec`."""
    words = [word for data in buffers for word in (memory(data), len(data))]
    kept.append((ctypes.c_size_t * len(words))(*words))
    return ctypes.addressof(kept[-1]), len(buffers)


def message(buffers):
    """The words of a `struct msghdr`."""
    return [0, 0, *vector(buffers), 0, 0, 0]


def at_once(data):
    words = [word for half in (data[:30], data[30:]) for word in (*message(parts(half)), 0)]
    kept.append((ctypes.c_size_t * len(words))(*words))
    assert ctypes.CDLL(None).sendmmsg(descriptor, kept[-1], 2, 0) == 2
    return len(data)


def uring():
    ring = Ring()

    def ask(operation, flags, **arguments):
        ring.submit(operation, descriptor, flags=flags, **arguments)
        result = ring.wait()
        assert result > 0, os.strerror(-result)
        return result

    def plain(operation):
        return lambda data, flags: ask(operation, flags, address=memory(data), length=len(data))

    def several(operation):
        def moved(data, flags):
            address, length = vector(parts(data))
            return ask(operation, flags, address=address, length=length)

        return moved

    def described(operation, options=0):
        def moved(data, flags):
            words = message(parts(data))
            kept.append((ctypes.c_size_t * len(words))(*words))
            return ask(operation, flags, address=ctypes.addressof(kept[-1]), length=1, options=options)

        return moved

    def received(move):
        def receive(most):
            first = len(kept)
            count = move(bytes(most), 0)
            buffers = [part.raw for part in kept[first:] if isinstance(part, ctypes.Array) and part._type_ is ctypes.c_char]
            return b"".join(buffers)[:count]

        return receive

    pairs = [
        ("write", plain(WRITE), plain(READ)),
        ("writev", several(WRITEV), several(READV)),
        ("send", plain(SEND), plain(RECV)),
        ("sendmsg", described(SENDMSG), described(RECVMSG)),
    ]
    for flags in (0, ASYNC):
        for name, send, receive in pairs:
            data = request(name)
            assert send(data, flags) == len(data)
            whole(received(receive))
    # More than there is room for: it is sent piece by piece, and goes on in the middle of a buffer.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    data = request("pieces", bytes(range(256)) * 200)
    while data:
        data = data[described(SENDMSG, MSG_WAITALL)(data, 0) :]
    whole(received(plain(RECV)))
    data = request("several-messages")
    assert at_once(data) == len(data)
    whole(connection.recv)


{"calls": calls, "uring": uring}[sys.argv[1]]()
