"""Prints the managed policies that moto ships, as {name: document}."""

import json
import sys

from moto.iam.aws_managed_policies import aws_managed_policies_data

policies = json.loads(aws_managed_policies_data)
json.dump({name: policy["Document"] for name, policy in policies.items()}, sys.stdout)
