"""smithy-rpc-v2-cbor for moto, which does not speak it: a request is handed on as the json that the same service also
takes, and the answer comes back as CBOR."""

import base64
import datetime
import io
import json

import botocore.session
import cbor2
from botocore.parsers import create_parser

_session = botocore.session.get_session()
_services = {}
# Read from the path only: `/service/NAME/operation/OPERATION`.
_NAMES = {
    "CodeBuild_20161006": "codebuild",
    "GraniteServiceVersion20100801": "cloudwatch",
    "ResourceGroupsTaggingAPI_20170126": "resourcegroupstaggingapi",
    "Route53AutoNaming_v20170314": "servicediscovery",
}


class Translated:
    """A WSGI application around another."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        if environ.get("HTTP_SMITHY_PROTOCOL") != "rpc-v2-cbor":
            return self.application(environ, start_response)
        _, _, prefix, _, operation = environ["PATH_INFO"].split("/")
        model = service(_NAMES[prefix])
        content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        body = json.dumps(cbor2.loads(content) if content else {}, default=to_json).encode()
        inner = {
            **environ,
            "PATH_INFO": "/",
            "RAW_URI": "/",
            "REQUEST_URI": "/",
            "CONTENT_TYPE": f"application/x-amz-json-{model.metadata['jsonVersion']}",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_X_AMZ_TARGET": f"{model.metadata['targetPrefix']}.{operation}",
            "wsgi.input": io.BytesIO(body),
            "test.translated": True,
        }
        answer = {}

        def keep(status, headers, *_):
            answer.update(status=status, headers=dict(headers))

        body = b"".join(self.application(inner, keep))
        code = int(answer["status"].split()[0])
        body = cbor2.dumps(parsed(model, operation, code, answer["headers"], body), datetime_as_timestamp=True)
        headers = [("smithy-protocol", "rpc-v2-cbor"), ("Content-Type", "application/cbor")]
        start_response(answer["status"], [*headers, ("Content-Length", str(len(body)))])
        return [body]


def service(name):
    if name not in _services:
        _services[name] = _session.get_service_model(name)
    return _services[name]


def parsed(model, operation, status, headers, body):
    """The answer's members; of an error, its name and message."""
    if status >= 400:
        error = json.loads(body) if body.startswith(b"{") else {}
        return {"__type": error.get("__type", "InternalFailure"), "message": error.get("message", body.decode())}
    shape = model.operation_model(operation).output_shape
    response = {"status_code": status, "headers": headers, "body": body}
    answer = create_parser("json").parse(response, shape)
    answer.pop("ResponseMetadata", None)
    return answer


def to_json(value):
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"no JSON for {type(value)}")
