"""Processes that take each other's CPU while each says a text byte by byte through OpenSSL, to itself and over no network.
Arguments: how many, how many bytes each says, and a folder for a certificate. Each text names its process."""

import os
import ssl
import subprocess
import sys

processes, length, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
certificate, key = f"{folder}/certificate.pem", f"{folder}/key.pem"
request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
subprocess.run([*request, "-subj", "/CN=localhost", "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)


def pair():
    """A client and a server that are connected by memory."""
    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = context.wrap_bio(ours, theirs, server_side=True)
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    client = context.wrap_bio(theirs, ours)
    for end in (client, server, client, server):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
    return client, server


def say(number):
    client, server = pair()
    text = (f"GET /of-{number}/".encode() + bytes(97 + (number + at) % 26 for at in range(length)))[:length]
    for at in range(length):
        client.write(text[at : at + 1])
        assert server.read(1) == text[at : at + 1]
    client.write(b" HTTP/1.1\r\n\r\n")


os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
children = []
for number in range(processes):
    child = os.fork()
    if child == 0:
        say(number)
        os._exit(0)
    children.append(child)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
