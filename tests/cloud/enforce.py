"""What moto needs to enforce a policy that is more than `service:Operation on *`.

moto looks up the key and its role, checks the signature and reads the policies. But it asks for `signing name:Operation`
and, outside of S3, for the resource `*`, which no policy with ARNs allows. Here it is told which actions on which ARNs the
call needs, by expected.py from the log of calls; everything else stays moto's. A call that is not in the log is refused.
Each call that it asks about is written down, so that a test can tell that it asked about all of them. Not checked: the
signature of presigned and of translated requests."""

import json
import re

import flask
from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.iam.access_control import IAMPolicyStatement

import expected


class Told:
    """A WSGI application around moto: finds each request's call in the log."""

    def __init__(self, application, folder):
        self.application = application
        self.folder = folder

    def __call__(self, environ, start_response):
        called = environ.get("HTTP_X_TEST_CALL", "")
        if re.fullmatch(r"[\w.-]+#\d+", called):
            log, number = called.split("#")
            environ["test.permissions"] = self.permissions(log, int(number))
            environ["test.enforced"] = (f"{self.folder}/{log}.enforced", number)
        return self.application(environ, start_response)

    def permissions(self, log, number):
        for call in expected.read(f"{self.folder}/{log}"):
            if call["call"] == number:
                return expected.permissions(call)
        return None


def with_moto():
    """Puts this in the place of what moto asks for."""
    ActionAuthenticatorMixin._authenticate_and_authorize_action = authorize
    IAMPolicyStatement._match = staticmethod(matches)


def authorize(response, request_class, resource="*"):
    if ActionAuthenticatorMixin.request_count < settings.INITIAL_NO_AUTH_ACTION_COUNT:
        ActionAuthenticatorMixin.request_count += 1
        return
    environ = flask.request.environ
    headers = dict(response.headers)
    presigned = flask.request.args.get("X-Amz-Credential")
    if presigned:
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={presigned}, SignedHeaders=host, Signature=-"
        headers["X-Amz-Security-Token"] = flask.request.args["X-Amz-Security-Token"]
    request = request_class(
        account_id=response.current_account,
        method=response.method,
        path=environ.get("RAW_URI", response.raw_path),
        # moto signs the headers in the place of a body that is not there.
        data=response.data if response.raw_body or flask.request.form else {},
        body=response.raw_body,
        headers=headers,
        action="-",
    )
    if not presigned and not environ.get("test.translated"):
        request.check_signature()
    permissions = environ.get("test.permissions")
    if permissions is None:
        request._raise_access_denied()
    file, number = environ["test.enforced"]
    with open(file, "a") as enforced:
        print(number, file=enforced)
    for action, arn in permissions:
        request._action = action
        # A thing that is made in this call has some name, and not the wildcard that stands for it.
        request.check_action_permitted(arn if arn == "*" else re.sub(r"[*?]", "x", arn))


def matches(pattern, text):
    """IAM's wildcards, and nothing of regular expressions."""
    expression = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(expression, text, re.DOTALL)
