"""An HTTP/1.1 server that keeps what it received: `server.py FOLDER [CERTIFICATE KEY]`.

Prints its port. The plaintext of each connection goes to FOLDER/NUMBER, numbered in the order in which they were accepted.
Ends when its input does.
"""

import socket
import ssl
import sys
import threading

folder, tls = sys.argv[1], sys.argv[2:]
context = None
if tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)


def serve(connection, log):
    """Answers each request when it has come whole."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return
            log.write(more)
            data += more
        head, data = data.split(b"\r\n\r\n", 1)
        length, chunked = 0, False
        for line in head.split(b"\r\n")[1:]:
            name, value = line.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)
            if name.lower() == b"transfer-encoding":
                chunked = value.strip().lower() == b"chunked"
            if name.lower() == b"expect":
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(data) < length or chunked and not data.endswith(b"0\r\n\r\n"):
            more = connection.recv(65536)
            if not more:
                return
            log.write(more)
            data += more
        data = b"" if chunked else data[length:]
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Number: 1\r\nContent-Length: 3\r\n\r\nok\n")


def accept(raw, number):
    with open(f"{folder}/{number:04}", "wb", buffering=0) as log:
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = context.wrap_socket(raw, server_side=True) if context else raw
            serve(connection, log)
            connection.close()
        except OSError:
            pass


def listen(listener):
    number = 0
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=accept, args=(raw, number), daemon=True).start()
        number += 1


listener = socket.create_server(("127.0.0.1", 0), backlog=512)
threading.Thread(target=listen, args=(listener,), daemon=True).start()
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
