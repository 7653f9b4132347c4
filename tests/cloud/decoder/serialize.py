"""Writes requests of every operation that botocore knows, in every protocol that its service lists, for `whittle decode`.

botocore's own serializers and signers make them; parameters are random, from a seed. Each line has what `whittle decode`
reads, and its id says what was asked. Usage:

    python serialize.py SEED VARIANTS > requests.jsonl
"""

import base64
import io
import json
import random
import string
import sys
from datetime import datetime, timezone

import botocore.session
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.credentials import Credentials
from botocore.model import ServiceModel
from botocore.serialize import create_serializer

CREDENTIALS = Credentials("AKIAQNZGKIQY56JQ7WML", "not-a-secret", None)
REGION = "eu-west-1"
DEPTH = 5


class Parameters:
    """Random values for a shape: what is required, and some of the rest."""

    def __init__(self, source):
        self.source = source

    def of(self, shape, depth=0):
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, depth)
        if kind == "list":
            count = self.source.randint(1, 2)
            return [self.of(shape.member, depth + 1) for _ in range(count)]
        if kind == "map":
            return {self.text(shape.key): self.of(shape.value, depth + 1)}
        if kind == "string":
            return self.text(shape)
        if kind in ("integer", "long"):
            return self.source.randint(1, 100)
        if kind in ("float", "double"):
            return 0.5
        if kind == "boolean":
            return self.source.random() < 0.5
        if kind == "timestamp":
            return datetime(2026, 11, 22, tzinfo=timezone.utc)
        if kind == "blob":
            return b"bytes"
        raise AssertionError(f"a kind of shape that is not known: {kind}")

    def structure(self, shape, depth):
        if getattr(shape, "is_document_type", False):
            return {"document": "any"}
        if shape.is_tagged_union:
            names = [self.source.choice(sorted(shape.members))]
        else:
            required = set(shape.required_members)
            likely = 0.4 if depth < DEPTH else 0.0
            names = [
                name
                for name in shape.members
                if name in required or self.source.random() < likely
            ]
        # Recursive structures end here.
        if depth > 2 * DEPTH:
            names = []
        return {name: self.of(shape.members[name], depth + 1) for name in names}

    def text(self, shape):
        if getattr(shape, "enum", None):
            return self.source.choice(shape.enum)
        length = max(shape.metadata.get("min", 0), self.source.randint(3, 12))
        letters = string.ascii_lowercase + string.digits
        return "".join(self.source.choice(letters) for _ in range(min(length, 60)))


def versions(session, loader):
    for service in session.get_available_services():
        for version in loader.list_api_versions(service, "service-2"):
            description = loader.load_service_model(service, "service-2", version)
            yield service, version, ServiceModel(description, service_name=service)


def host(model, variant):
    """The first variant asks AWS, the second a host that says nothing."""
    if variant % 2:
        return "https://localhost:5000"
    return f"https://{model.endpoint_prefix}.{REGION}.amazonaws.com"


def request(model, protocol, name, variant, source):
    operation = model.operation_model(name)
    shape = operation.input_shape
    parameters = Parameters(source).of(shape) if shape is not None else {}
    serializer = create_serializer(protocol, include_validation=False)
    serialized = serializer.serialize_to_request(parameters, operation)
    streamed = serialized.get("body")
    if isinstance(streamed, io.IOBase):
        serialized["body"] = streamed.read()
    if not isinstance(serialized["body"], (bytes, bytearray, dict, str)):
        serialized["body"] = b""
    prefix = serialized.pop("host_prefix", None)
    endpoint = host(model, variant)
    if prefix and not variant % 2:
        endpoint = endpoint.replace("https://", f"https://{prefix}")
    prepare_request_dict(serialized, endpoint, context={})
    made = create_request_object(serialized)
    signer = S3SigV4Auth if model.signing_name.startswith("s3") else SigV4Auth
    # This one signs as the endpoint rules say, not as the model does.
    express = model.service_name == "s3" and name == "ListDirectoryBuckets"
    signing_name = "s3express" if express else model.signing_name
    signer(CREDENTIALS, signing_name, REGION).add_auth(made)
    return made.prepare()


def line(identity, prepared):
    scheme, rest = prepared.url.split("://", 1)
    authority, _, path = rest.partition("/")
    body = prepared.body or b""
    if isinstance(body, str):
        body = body.encode()
    if not isinstance(body, (bytes, bytearray)):
        body = body.read()
    decoded = lambda text: text.decode("latin-1") if isinstance(text, bytes) else str(text)
    return json.dumps(
        {
            "id": identity,
            "method": prepared.method,
            "host": authority,
            "path": "/" + path,
            "headers": {decoded(k): decoded(v) for k, v in prepared.headers.items()},
            "body_base64": base64.b64encode(body).decode(),
        }
    )


def main(seed, variants):
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    source = random.Random(seed)
    for service, version, model in versions(session, loader):
        protocols = model.metadata.get("protocols") or [model.metadata["protocol"]]
        for protocol in protocols:
            for name in model.operation_names:
                for variant in range(variants):
                    identity = {
                        "service": service,
                        "version": version,
                        "protocol": protocol,
                        "operation": name,
                        "signing_name": model.signing_name,
                        "at_aws": variant % 2 == 0,
                    }
                    prepared = request(model, protocol, name, variant, source)
                    print(line(identity, prepared))


main(int(sys.argv[1]), int(sys.argv[2]))
