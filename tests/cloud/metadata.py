"""The instance metadata service, version 2: a token for the asking, and with it a role and its credentials."""

import json

PREFIX = "/latest/meta-data/iam/security-credentials/"
TOKEN = "QVdTIG1ldGFkYXRhIHRva2VuIG9mIHRoZSB0ZXN0"


class Metadata:
    """A WSGI application."""

    def __init__(self, role, credentials):
        answer = {
            "Code": "Success",
            "LastUpdated": "2026-01-01T00:00:00Z",
            "Type": "AWS-HMAC",
            "AccessKeyId": credentials["AccessKeyId"],
            "SecretAccessKey": credentials["SecretAccessKey"],
            "Token": credentials["SessionToken"],
            "Expiration": credentials["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        self.answers = {PREFIX: role, PREFIX + role: json.dumps(answer, indent=2)}

    def __call__(self, environ, start_response):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        status, body = "404 Not Found", ""
        if (method, path) == ("PUT", "/latest/api/token"):
            status, body = "200 OK", TOKEN
        elif environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN") != TOKEN:
            status = "401 Unauthorized"
        elif method == "GET" and path in self.answers:
            status, body = "200 OK", self.answers[path]
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body.encode()]
