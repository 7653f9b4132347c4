"""A nightly job in miniature: reads orders from S3, sums them up, and tells the rest of the shop. `job.py --further` goes on
to what it has never done before, as somebody would who got hold of its credentials."""

import csv
import io
import json
import sys

import boto3

import calls

session = boto3.Session(region_name="us-east-1")
# By this log the fake AWS knows which permissions a call takes; whittle knows nothing of it.
calls.watch(session, "batch-job")

s3 = session.client("s3")
secret = session.client("secretsmanager").get_secret_value(SecretId="shop/db")["SecretString"]
keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="shop-orders", Prefix="2026/")["Contents"]]
total = 0
for key in keys:
    text = s3.get_object(Bucket="shop-orders", Key=key)["Body"].read().decode()
    total += sum(int(order["amount"]) for order in csv.DictReader(io.StringIO(text)))
summary = {"files": len(keys), "total": total}
s3.put_object(Bucket="shop-reports", Key="nightly.json", Body=json.dumps(summary).encode())
session.client("dynamodb").put_item(TableName="totals", Item={"day": {"S": "today"}, "total": {"N": str(total)}})
queue = session.client("sqs").get_queue_url(QueueName="totals")["QueueUrl"]
session.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(summary))
print(f"the job is done: {summary}")
if "--further" in sys.argv:
    s3.delete_bucket(Bucket="shop-orders")
