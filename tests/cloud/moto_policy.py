"""Answers requests with moto's IAM policy engine: a line in is {"policies": [document], "action", "resource"}, a line out is
allowed, explicit_deny or implicit_deny."""

import json
import sys

from moto.iam.access_control import IAMPolicy, PermissionResult


def answer(line):
    case = json.loads(line)
    results = [
        IAMPolicy({"policy_document": json.dumps(document)}).is_action_permitted(case["action"], case["resource"])
        for document in case["policies"]
    ]
    # As moto's own access control does with the policies of one principal.
    if PermissionResult.DENIED in results:
        return "explicit_deny"
    return "allowed" if PermissionResult.PERMITTED in results else "implicit_deny"


for line in sys.stdin:
    print(answer(line))
