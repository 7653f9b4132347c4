"""What is in the demo's account before the job runs."""

import boto3

s3 = boto3.client("s3")
for bucket in ["shop-orders", "shop-reports"]:
    s3.create_bucket(Bucket=bucket)
s3.put_object(Bucket="shop-orders", Key="2026/monday.csv", Body=b"order,amount\n1001,250\n1002,75\n")
s3.put_object(Bucket="shop-orders", Key="2026/tuesday.csv", Body=b"order,amount\n1003,1200\n")
boto3.client("secretsmanager").create_secret(Name="shop/db", SecretString="a password")
boto3.client("sqs").create_queue(QueueName="totals")
boto3.client("dynamodb").create_table(
    TableName="totals",
    KeySchema=[{"AttributeName": "day", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "day", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
