"""Imports, reads, writes, starts children and threads, and talks to itself over every kind of socket."""

import concurrent.futures
import csv
import http.client
import http.server
import json
import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree


def files():
    with open("rows.csv", "w", newline="") as out:
        csv.writer(out).writerows([["name", "count"], ["a", 1]])
    with open("rows.csv", "a") as out:
        out.write("b,2\n")
    with open("rows.csv", "r+") as both:
        rows = list(csv.DictReader(both))
    with open("rows.json", "x") as out:
        json.dump(rows, out)
    with sqlite3.connect("rows.db") as database:
        database.execute("create table rows (name, count)")
        database.executemany("insert into rows values (:name, :count)", rows)
    for missing in ("missing", "/nowhere/missing", "./rows.csv/not-a-folder"):
        try:
            open(missing)
        except OSError:
            pass
    os.close(os.open("/etc", os.O_PATH))
    os.close(os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600))
    with tempfile.TemporaryFile() as out:
        out.write(b"x")
    folder = os.open("/", os.O_RDONLY)
    os.close(os.open("etc/passwd", os.O_RDONLY, dir_fd=folder))
    with open("/proc/self/status") as status, open(f"/proc/{os.getppid()}/status") as parent:
        status.read(), parent.read()


def children():
    subprocess.run([sys.executable, "-c", "import decimal"], check=True)
    subprocess.run("true; cat rows.csv >/dev/null", shell=True, check=True)
    with open("tool", "w") as out:
        out.write("#!/bin/sh\nexec /usr/bin/env true\n")
    os.chmod("tool", 0o755)
    subprocess.run(["./tool"], check=True)
    os.symlink("tool", "link")
    subprocess.run([os.path.abspath("link")], check=True, cwd="/")
    try:
        subprocess.run(["./missing"])
    except FileNotFoundError:
        pass
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: open(f"/proc/thread-self/comm").read(), range(16)))


def serve(family, kind, address):
    listener = socket.socket(family, kind)
    listener.bind(address)
    if kind == socket.SOCK_STREAM:
        listener.listen()
    return listener


def sockets():
    web = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    web.RequestHandlerClass.log_message = lambda *_: None
    threading.Thread(target=web.handle_request).start()
    client = http.client.HTTPConnection("127.0.0.1", web.server_port)
    client.request("GET", "/rows.csv")
    assert client.getresponse().read()

    for family, address in (
        (socket.AF_INET, ("127.0.0.1", 0)),
        (socket.AF_INET6, ("::1", 0)),
        (socket.AF_UNIX, "relative.sock"),
        (socket.AF_UNIX, os.path.abspath("absolute.sock")),
        (socket.AF_UNIX, b"\0whittle\xff" + str(os.getpid()).encode()),
    ):
        listener = serve(family, socket.SOCK_STREAM, address)
        client = socket.socket(family, socket.SOCK_STREAM)
        client.connect(listener.getsockname())
        listener.accept()[0].close()
        client.close()
        listener.close()
        if family == socket.AF_UNIX and isinstance(address, str):
            os.unlink(address)

        receiver = serve(family, socket.SOCK_DGRAM, address)
        to = receiver.getsockname()
        sender = socket.socket(family, socket.SOCK_DGRAM)
        sender.sendto(b"one", to)
        sender.sendmsg([b"two"], [], 0, to)
        sender.connect(to)
        sender.send(b"three")
        assert [receiver.recv(9) for _ in range(3)] == [b"one", b"two", b"three"]

    mapped = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener = serve(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    mapped.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
    waiting = socket.socket()
    waiting.setblocking(False)
    waiting.connect_ex(listener.getsockname())
    refusing = socket.socket()
    assert refusing.connect_ex(("127.0.0.1", 1)) != 0
    assert refusing.connect_ex(("127.0.0.1", 1)) != 0
    assert socket.socket(socket.AF_UNIX).connect_ex("/nowhere/missing.sock") != 0
    socket.getaddrinfo("localhost", 80)
    ssl.create_default_context()


files()
children()
sockets()
assert xml.etree.ElementTree.fromstring("<a/>").tag == "a"
