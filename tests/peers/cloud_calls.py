"""Calls to a cloud, as the service in cloud_server.py understands them: signed requests with planted secrets, over plain HTTP
and TLS, in one write and byte by byte, with bodies of known and of unknown length. Waits for its input to end."""

import http.client
import socket
import ssl
import sys

plain_port, tls_port, certificate = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
USER, ROLE, DEPLOY = "AKIAQNZGKIQY56JQ7WML", "ASIAQNZGKIQY56JQ7WML", "ASIAQNZGKIQYYYYYYYYY"


def signed(key, service="s3", **more):
    scope = f"{key}/20261122/eu-west-1/{service}/aws4_request"
    credential = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=planted-signature"
    return {"Authorization": credential, "X-Amz-Security-Token": "planted-token", **more}


def ask(connection, method, path, headers, body=None):
    connection.request(method, path, body=body, headers=headers, encode_chunked=body is not None and not isinstance(body, str))
    return connection.getresponse().read()


plain = http.client.HTTPConnection("127.0.0.1", plain_port)
ask(plain, "GET", "/orders/before-the-keys", signed(ROLE))
ask(plain, "GET", "/latest/meta-data/iam/security-credentials/nightly", {"X-aws-ec2-metadata-token": "planted-token"})
ask(plain, "GET", "/orders/large", signed(ROLE))
ask(plain, "PUT", "/orders/denied", signed(ROLE), "planted-body")
upload = signed(ROLE, **{"Transfer-Encoding": "chunked"})
ask(plain, "PUT", "/orders/upload", upload, iter([b"planted-body" * 100] * 20))
for _ in range(3):
    ask(plain, "GET", "/orders/again", signed(ROLE))

context = ssl.create_default_context(cafile=certificate)
cloud = http.client.HTTPSConnection("localhost", tls_port, context=context)
form = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::029608264753:role/teams/deploy&RoleSessionName=job"
ask(cloud, "POST", "/", signed(USER, "sts", **{"Content-Type": "application/x-www-form-urlencoded"}), form)
ask(cloud, "GET", "/orders/large", signed(DEPLOY))
target = signed(DEPLOY, "dynamodb", **{"X-Amz-Target": "DynamoDB_20120810.PutItem", "Content-Type": "application/x-amz-json-1.0"})
ask(cloud, "POST", "/", target, '{"TableName":"orders","Item":{"id":{"S":"planted-item"}}}')
ask(cloud, "POST", "/", signed(DEPLOY, "dynamodb", **{"X-Amz-Target": "DynamoDB_20120810.NoSuchThing"}), "{}")

raw = context.wrap_socket(socket.create_connection(("localhost", tls_port)), server_hostname="localhost")
headers = "".join(f"{name}: {value}\r\n" for name, value in signed(DEPLOY).items())
for byte in f"DELETE /orders/byte-by-byte HTTP/1.1\r\nHost: localhost:{tls_port}\r\n{headers}\r\n".encode():
    raw.send(bytes([byte]))
answer = b""
while b"planted-object" not in answer:
    answer += raw.recv(65536)

# A hello of TLS that no OpenSSL wrote: nobody can read what would follow.
name = b"kms.eu-west-1.amazonaws.com"
names = b"\0" + len(name).to_bytes(2, "big") + name
names = b"\0\0" + (len(names) + 2).to_bytes(2, "big") + len(names).to_bytes(2, "big") + names
body = b"\3\3" + bytes(32) + b"\0\0\2\xc0\x2f\1\0" + len(names).to_bytes(2, "big") + names
hello = b"\1" + len(body).to_bytes(3, "big") + body
unread = socket.create_connection(("127.0.0.1", tls_port))
unread.sendall(b"\x16\3\1" + len(hello).to_bytes(2, "big") + hello)
unread.recv(65536)
unread.close()

print("asked", flush=True)
sys.stdin.read()
