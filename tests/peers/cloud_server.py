"""A server that answers as clouds do, on plain HTTP and on TLS. Its answers hold planted secrets. It prints its two ports,
and ends with its input."""

import http.server
import json
import ssl
import sys
import threading

KEYS = {"AccessKeyId": "ASIAQNZGKIQY56JQ7WML", "SecretAccessKey": "planted-secret", "Token": "planted-token"}
ASSUMED = b"""<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROA:job</AssumedRoleId>
<Arn>arn:aws:sts::029608264753:assumed-role/deploy/job</Arn></AssumedRoleUser><Credentials>
<AccessKeyId>ASIAQNZGKIQYYYYYYYYY</AccessKeyId><SecretAccessKey>planted-secret</SecretAccessKey>
<SessionToken>planted-token</SessionToken></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
DENIED = b"<Error><Code>AccessDenied</Code><Message>planted-message</Message></Error>"


class Cloud(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.body()
        if "security-credentials/nightly" in self.path:
            self.give(200, json.dumps(KEYS).encode())
        elif b"Action=AssumeRole" in body:
            self.give(200, ASSUMED)
        elif "denied" in self.path:
            self.give(403, DENIED)
        elif "large" in self.path:
            self.give(200, b"planted-object" * 50_000, chunk=40_000)
        else:
            self.give(200, b"planted-object")

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def give(self, status, body, chunk=None):
        self.send_response(status)
        self.send_header("Set-Cookie", "planted-cookie")
        if chunk is None:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(body), chunk):
            part = body[at : at + chunk]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")


def serve(context):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cloud)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


certificate, key = sys.argv[1:]
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate, key)
print(serve(None), serve(tls), flush=True)
sys.stdin.read()
