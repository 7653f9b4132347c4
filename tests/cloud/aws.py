"""A fake AWS for tests, in namespaces of its own: moto behind TLS under AWS's names, and the instance metadata service,
which hands out the credentials of a role.

    aws.py FOLDER [POLICY...]    prints `ready` when it serves

STOCK names a program that puts things into the account first.
Without policies the role is an administrator and nothing is enforced. With policies it has these alone, and moto enforces
them (enforce.py). Left in FOLDER: `ca.pem`, and `account.json`, what `aws iam get-account-authorization-details` says."""

import datetime
import json
import os
import runpy
import ssl
import sys
import threading
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
CONTROL = "http://127.0.0.1:5000"
METADATA = "169.254.169.254"
# The tools that moto would start, and the account that it would ask, are not there.
os.environ.update(
    {
        "AWS_ACCESS_KEY_ID": "setup",
        "AWS_SECRET_ACCESS_KEY": "setup",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": CONTROL,
        "AWS_EC2_METADATA_DISABLED": "true",
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    }
)

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

import cbor
import enforce
import metadata

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
ROLES = {"batch-job": "ec2.amazonaws.com", "reader": None, "service": "lambda.amazonaws.com"}


class Handler(MotoRequestHandler):
    """Keeps connections open, as AWS does, and says nothing of each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, *_):
        pass


def main():
    folder, policies = sys.argv[1], sys.argv[2:]
    moto = DomainDispatcherApplication(create_backend_app)
    serve("127.0.0.1", 5000, moto)
    control("config", json.dumps({"lambda": {"use_docker": False}, "batch": {"use_docker": False}}).encode())
    credentials = make_roles(policies)
    with open(f"{folder}/account.json", "w") as file:
        json.dump(authorization_details(), file, default=str)
    aws = cbor.Translated(enforce.Told(moto, os.environ["CALLS_FOLDER"]))
    serve("127.0.0.1", 443, aws, certificate(folder))
    serve(METADATA, 80, metadata.Metadata("batch-job", credentials))
    # What is random from here on is the same in every run, so that a policy of one run names what the next one makes.
    control("seed?a=1", b"")
    if os.environ.get("STOCK"):
        runpy.run_path(os.environ["STOCK"])
    if policies:
        enforce.with_moto()
        control("reset-auth", b"0")
    print("ready", flush=True)
    threading.Event().wait()


def serve(address, port, application, context=None):
    server = make_server(address, port, application, threaded=True, request_handler=Handler, ssl_context=context)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def control(path, body):
    request = urllib.request.Request(f"{CONTROL}/moto-api/{path}", body, {"Content-Type": "text/plain"})
    urllib.request.urlopen(request).read()


def make_roles(policies):
    """Makes the roles; gives credentials of the first."""
    iam = boto3.client("iam")
    for name, service in ROLES.items():
        principal = {"Service": service} if service else {"AWS": "*"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
        if name == "reader" or not policies:
            iam.attach_role_policy(RoleName=name, PolicyArn=ADMINISTRATOR)
    for number, policy in enumerate(policies):
        with open(policy) as file:
            iam.put_role_policy(RoleName="batch-job", PolicyName=f"whittle-{number}", PolicyDocument=file.read())
    role = iam.get_role(RoleName="batch-job")["Role"]["Arn"]
    answer = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="i-0123456789abcdef0")
    return answer["Credentials"]


def authorization_details():
    """As the AWS command line prints it, all pages in one."""
    pages = boto3.client("iam").get_paginator("get_account_authorization_details").paginate()
    details = pages.build_full_result()
    attached = {
        policy["PolicyArn"] for role in details["RoleDetailList"] for policy in role["AttachedManagedPolicies"]
    }
    # moto lists every policy that AWS manages; AWS lists those that are attached.
    details["Policies"] = [policy for policy in details["Policies"] if policy["Arn"] in attached]
    return details


def certificate(folder):
    """A certificate for every name in `hosts`, from an authority of this run alone."""
    with open(f"{HERE}/hosts") as hosts:
        names = [name for line in hosts if not line.startswith("#") for name in line.split()[1:]]
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a fake AWS")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName(map(x509.DNSName, names)), critical=False)
    public = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for file, content in [("ca.pem", public), ("key.pem", key.private_bytes(*form))]:
        with open(f"{folder}/{file}", "wb") as written:
            written.write(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/ca.pem", f"{folder}/key.pem")
    return context


if __name__ == "__main__":
    main()
