"""Requests that no SDK sends, over TLS: garbage, a request byte by byte, a head of a megabyte, half a request."""

import os
import socket
import ssl

HOST = "s3.us-east-1.amazonaws.com"
SIGNED = (
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIAQNZGKIQYWMHUVKMV/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=0000\r\n"
)


def connected():
    context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    return context.wrap_socket(socket.create_connection((HOST, 443)), server_hostname=HOST)


def request(path, headers=""):
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{SIGNED}{headers}Connection: close\r\n\r\n".encode()


def answered(connection):
    """Reads to the end; a server may hang up on any of this."""
    try:
        while connection.recv(65536):
            pass
    except OSError:
        pass
    connection.close()


def main():
    garbage = connected()
    garbage.sendall(bytes(range(256)) * 8)
    answered(garbage)
    split = connected()
    for byte in request("/bucket/byte-by-byte"):
        split.sendall(bytes([byte]))
    answered(split)
    head = connected()
    try:
        head.sendall(request("/bucket/long-head", "x-long: " + "a" * (1 << 20) + "\r\n"))
    except OSError:
        pass
    answered(head)
    half = connected()
    half.sendall(request("/bucket/half")[:-20])
    half.close()
    whole = connected()
    whole.sendall(request("/bucket/after-all-that"))
    answered(whole)
    print("done")


main()
