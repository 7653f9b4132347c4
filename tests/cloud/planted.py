"""A job full of secrets: in its environment, a file, headers, bodies, queries, garbage, and in what the metadata service and
STS answer. PLANTED names the file that takes what nobody may find again, in every form that it might be written in.

With GO set, it makes its calls, says `waiting`, and waits for a line from that pipe."""

import base64
import http.client
import json
import os
import ssl
import urllib.parse
import urllib.request

import boto3

import metadata

REGION = "us-east-1"
FORMS = [
    lambda secret: [secret],
    lambda secret: [urllib.parse.quote(secret, safe="")],
    lambda secret: [secret.encode().hex()],
    # Wherever it begins in a longer text; without the first and last letters, which depend on what is beside it.
    lambda secret: [base64.b64encode(b"\0" * at + secret.encode()).decode()[4:-4] for at in range(3)],
]


def plant(secret):
    with open(os.environ["PLANTED"], "a") as file:
        for form in FORMS:
            for text in form(secret):
                print(text, file=file)


def main():
    for secret in [os.environ["A_SECRET"], open("secret.txt").read(), metadata.TOKEN]:
        plant(secret)
    session = boto3.Session(region_name=REGION)
    session.events.register("before-send", plant_headers)
    credentials = session.get_credentials().get_frozen_credentials()
    plant(credentials.secret_key)
    plant(credentials.token)
    from_environment_and_file(session)
    from_sts(session)
    by_hand()
    if "GO" in os.environ:
        print("waiting", flush=True)
        open(os.environ["GO"]).readline()
    print("done")


def plant_headers(request, **_):
    """What signs a request, and what carries the session."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    for name, part in [("authorization", "Signature="), ("x-amz-security-token", "")]:
        value = headers.get(name, "")
        value = value.decode() if isinstance(value, bytes) else value
        if value:
            plant(value.rsplit(part, 1)[1] if part else value)


def from_environment_and_file(session):
    secrets = session.client("secretsmanager")
    made = secrets.create_secret(Name="prod/db", SecretString=os.environ["A_SECRET"])["ARN"]
    assert secrets.get_secret_value(SecretId=made)["SecretString"] == os.environ["A_SECRET"]
    session.client("ssm").put_parameter(Name="p", Value=open("secret.txt").read(), Type="SecureString")
    s3 = session.client("s3", config=boto3.session.Config(signature_version="s3v4"))
    s3.create_bucket(Bucket="orders")
    s3.put_object(Bucket="orders", Key="k", Body=open("secret.txt").read().encode())
    s3.get_object(Bucket="orders", Key="k")["Body"].read()
    presigned = s3.generate_presigned_url("get_object", Params={"Bucket": "orders", "Key": "k"})
    plant(urllib.parse.parse_qs(urllib.parse.urlsplit(presigned).query)["X-Amz-Signature"][0])
    urllib.request.urlopen(presigned).read()
    table = {"AttributeName": "id", "AttributeType": "S"}
    dynamodb = session.client("dynamodb")
    dynamodb.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[table],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="t", Item={"id": {"S": os.environ["A_SECRET"]}})


def from_sts(session):
    role = "arn:aws:iam::123456789012:role/reader"
    answer = session.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    plant(answer["SecretAccessKey"])
    plant(answer["SessionToken"])
    reader = boto3.Session(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"], REGION)
    reader.events.register("before-send", plant_headers)
    reader.client("s3").get_object(Bucket="orders", Key="k")["Body"].read()


def by_hand():
    """Secrets where no SDK would put them."""
    secret = os.environ["A_SECRET"]
    quoted = urllib.parse.quote(secret, safe="")
    context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    requests = [
        ("GET", f"/?token={quoted}", {"Authorization": f"Bearer {secret}", "Cookie": f"session={secret}"}, None),
        ("POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, f"Action=NoSuchAction&Password={quoted}"),
        ("POST", "/", {"X-Amz-Target": "No.Such", "X-Api-Key": secret}, json.dumps({"Password": secret})),
    ]
    for method, path, headers, body in requests:
        connection = http.client.HTTPSConnection("sts.us-east-1.amazonaws.com", context=context)
        connection.request(method, path, body, headers)
        connection.getresponse().read()
        connection.close()
    connection = http.client.HTTPSConnection("sts.us-east-1.amazonaws.com", context=context)
    connection.connect()
    connection.sock.sendall(f"\x00garbage {secret}\r\n{secret}\r\n\r\n".encode())
    connection.close()
    request = urllib.request.Request(f"http://169.254.169.254/latest/meta-data/?password={quoted}")
    request.add_header("X-aws-ec2-metadata-token", secret)
    try:
        urllib.request.urlopen(request)
    except urllib.error.HTTPError as refused:
        assert refused.code == 401


main()
