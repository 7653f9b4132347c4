"""Writes down each call that boto3 makes, with botocore's own event hooks: an account of the calls that whittle has no
part in. The number of the call travels in a header, by which the fake AWS finds it in the log again."""

import functools
import itertools
import json
import os
import threading

LOG = os.environ["CALLS"]
HEADER = "x-test-call"

_numbers = itertools.count(1)
_lock = threading.Lock()


def watch(session, role):
    """Logs every call of the clients that `session` makes from now on, as calls of the role."""
    events = session.events
    events.register_last("before-parameter-build", functools.partial(_write, role))
    events.register("before-call", _number)


def _write(role, params, model, context, **_):
    with _lock:
        number = next(_numbers)
        context["test_call"] = number
        line = {
            "call": number,
            "role": role,
            "service": model.service_model.service_name,
            "operation": model.name,
            "region": context.get("client_region", "us-east-1"),
            "params": params,
        }
        with open(LOG, "a") as log:
            print(json.dumps(line, default=_text), file=log)


def _number(params, context, **_):
    if "test_call" in context:
        params["headers"][HEADER] = header(context["test_call"])


def header(number):
    """What the header of this call says: its log and its number there."""
    return f"{os.path.basename(LOG)}#{number}"


def last():
    """The number of the latest call, for a request that is sent by hand."""
    with open(LOG) as log:
        return json.loads(log.readlines()[-1])["call"]


def _text(value):
    return "bytes" if isinstance(value, bytes) else str(value)
