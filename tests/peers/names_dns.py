"""A name server, and resolvers that are not glibc's: `names_dns.py server|wait|ask NAME HOW`."""

import os
import socket
import struct
import sys
import threading

SERVER = ("127.0.0.1", 53)


def answer(question):
    """One address for a question of type A, none for any other."""
    end = question.index(b"\0", 12) + 5
    is_a = question[end - 4 : end - 2] == b"\0\1"
    head = question[:2] + b"\x81\x80" + struct.pack(">4H", 1, int(is_a), 0, 0)
    record = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 60, 4) + bytes([192, 0, 2, 7])
    return head + question[12:end] + (record if is_a else b"")


def serve():
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(SERVER)
    streams = socket.create_server(SERVER)

    def tcp():
        while True:
            connection, _ = streams.accept()
            question = connection.recv(4096)
            if question:
                reply = answer(question[2:])
                connection.sendall(struct.pack(">H", len(reply)) + reply)
            connection.close()

    threading.Thread(target=tcp, daemon=True).start()
    while True:
        question, address = datagrams.recvfrom(4096)
        datagrams.sendto(answer(question), address)


def question(name):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


def ask(name, how):
    if how == "tcp":
        connection = socket.create_connection(SERVER)
        connection.sendall(struct.pack(">H", len(question(name))) + question(name))
        assert connection.recv(4096)[2:] == answer(question(name))
        return
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if how == "read":
        asking.connect(SERVER)
        asking.send(question(name))
        reply = os.read(asking.fileno(), 4096)
    else:
        asking.sendto(question(name), SERVER)
        reply = asking.recvmsg(4096)[0] if how == "recvmsg" else asking.recvfrom(4096)[0]
    assert reply == answer(question(name))


def wait():
    while True:
        try:
            return socket.create_connection(SERVER).close()
        except ConnectionRefusedError:
            os.sched_yield()


if sys.argv[1] == "server":
    serve()
elif sys.argv[1] == "wait":
    wait()
else:
    ask(*sys.argv[2:])
