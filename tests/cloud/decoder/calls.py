"""Calls as programs make them, with the actions and resources that AWS's documentation says each needs.

The SDK's own clients make the requests, endpoint rules and all; they are caught before they are sent. Each line is what
`whittle decode` reads, and its id is the call and what is expected of it. The expectations are written by hand from the
Service Authorization Reference, not from the decoder's table. Usage:

    python calls.py > requests.jsonl
"""

import base64
import json

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

KEY = "ASIAQNZGKIQY56JQ7WML"
ACCOUNT = "029608264753"
REGION = "eu-west-1"
HERE = f"{REGION}:{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/job"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/orders"


def arn(service, resource):
    return f"arn:aws:{service}:{HERE}:{resource}"


def iam(resource):
    return f"arn:aws:iam::{ACCOUNT}:{resource}"


def s3(resource):
    return f"arn:aws:s3:::{resource}"


TABLE = arn("dynamodb", "table/orders")
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
TAGS = [{"Key": "a", "Value": "b"}]

# (service, method, parameters, {action: resources}); resources are a list, or None for `*`.
CALLS = [
    ("s3", "list_buckets", {}, {"s3:ListAllMyBuckets": None}),
    ("s3", "create_bucket", {"Bucket": "data", "CreateBucketConfiguration": {"LocationConstraint": REGION}}, {"s3:CreateBucket": [s3("data")]}),
    ("s3", "head_bucket", {"Bucket": "data"}, {"s3:ListBucket": [s3("data")]}),
    ("s3", "list_objects", {"Bucket": "data"}, {"s3:ListBucket": [s3("data")]}),
    ("s3", "list_objects_v2", {"Bucket": "data", "Prefix": "a/"}, {"s3:ListBucket": [s3("data")]}),
    ("s3", "list_object_versions", {"Bucket": "data"}, {"s3:ListBucketVersions": [s3("data")]}),
    ("s3", "list_objects_v2", {"Bucket": "dotted.bucket.name"}, {"s3:ListBucket": [s3("dotted.bucket.name")]}),
    ("s3", "get_object", {"Bucket": "data", "Key": "a/b c+d.txt"}, {"s3:GetObject": [s3("data/a/b c+d.txt")]}),
    ("s3", "get_object", {"Bucket": "data", "Key": "k", "VersionId": "3"}, {"s3:GetObjectVersion": [s3("data/k")]}),
    ("s3", "head_object", {"Bucket": "data", "Key": "k"}, {"s3:GetObject": [s3("data/k")]}),
    ("s3", "put_object", {"Bucket": "data", "Key": "k", "Body": b"x"}, {"s3:PutObject": [s3("data/k")]}),
    ("s3", "put_object", {"Bucket": "data", "Key": "k", "Body": b"x", "Tagging": "a=b", "ACL": "private"}, {"s3:PutObject": [s3("data/k")], "s3:PutObjectAcl": [s3("data/k")], "s3:PutObjectTagging": [s3("data/k")]}),
    ("s3", "copy_object", {"Bucket": "data", "Key": "to", "CopySource": {"Bucket": "from", "Key": "a b"}}, {"s3:PutObject": [s3("data/to")], "s3:GetObject": [s3("from/a b")]}),
    ("s3", "delete_object", {"Bucket": "data", "Key": "k"}, {"s3:DeleteObject": [s3("data/k")]}),
    ("s3", "delete_objects", {"Bucket": "data", "Delete": {"Objects": [{"Key": "a"}, {"Key": "b/c&d"}]}}, {"s3:DeleteObject": [s3("data/a"), s3("data/b/c&d")]}),
    ("s3", "create_multipart_upload", {"Bucket": "data", "Key": "k"}, {"s3:PutObject": [s3("data/k")]}),
    ("s3", "upload_part", {"Bucket": "data", "Key": "k", "UploadId": "u", "PartNumber": 1, "Body": b"x"}, {"s3:PutObject": [s3("data/k")]}),
    ("s3", "complete_multipart_upload", {"Bucket": "data", "Key": "k", "UploadId": "u", "MultipartUpload": {"Parts": [{"ETag": "e", "PartNumber": 1}]}}, {"s3:PutObject": [s3("data/k")]}),
    ("s3", "abort_multipart_upload", {"Bucket": "data", "Key": "k", "UploadId": "u"}, {"s3:AbortMultipartUpload": [s3("data/k")]}),
    ("s3", "list_parts", {"Bucket": "data", "Key": "k", "UploadId": "u"}, {"s3:ListMultipartUploadParts": [s3("data/k")]}),
    ("s3", "get_object_tagging", {"Bucket": "data", "Key": "k"}, {"s3:GetObjectTagging": [s3("data/k")]}),
    ("s3", "put_bucket_lifecycle_configuration", {"Bucket": "data", "LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "Prefix": "", "ID": "r", "Expiration": {"Days": 1}}]}}, {"s3:PutLifecycleConfiguration": [s3("data")]}),
    ("s3", "put_bucket_replication", {"Bucket": "data", "ReplicationConfiguration": {"Role": ROLE, "Rules": [{"Status": "Enabled", "Destination": {"Bucket": s3("other")}}]}}, {"s3:PutReplicationConfiguration": [s3("data")], "iam:PassRole": [ROLE]}),
    ("s3", "get_bucket_location", {"Bucket": "data"}, {"s3:GetBucketLocation": [s3("data")]}),
    ("s3", "get_object", {"Bucket": f"arn:aws:s3:{HERE}:accesspoint/ap", "Key": "a/b"}, {"s3:GetObject": [arn("s3", "accesspoint/ap/object/a/b")]}),
    ("s3", "list_objects_v2", {"Bucket": f"arn:aws:s3:{HERE}:accesspoint/ap"}, {"s3:ListBucket": [arn("s3", "accesspoint/ap")]}),
    ("s3", "get_object", {"Bucket": f"arn:aws:s3-object-lambda:{HERE}:accesspoint/ol", "Key": "k"}, {"s3-object-lambda:GetObject": [arn("s3-object-lambda", "accesspoint/ol")]}),
    ("dynamodb", "put_item", {"TableName": "orders", "Item": {"TableName": {"S": "not this"}}}, {"dynamodb:PutItem": [TABLE]}),
    ("dynamodb", "get_item", {"TableName": "orders", "Key": {"id": {"S": "1"}}}, {"dynamodb:GetItem": [TABLE]}),
    ("dynamodb", "query", {"TableName": "orders", "KeyConditionExpression": "a = b"}, {"dynamodb:Query": [TABLE]}),
    ("dynamodb", "query", {"TableName": "orders", "IndexName": "by-date", "KeyConditionExpression": "a = b"}, {"dynamodb:Query": [TABLE + "/index/by-date"]}),
    ("dynamodb", "scan", {"TableName": TABLE, "IndexName": "i"}, {"dynamodb:Scan": [TABLE + "/index/i"]}),
    ("dynamodb", "batch_get_item", {"RequestItems": {"orders": {"Keys": [{"id": {"S": "1"}}]}, "users": {"Keys": [{"id": {"S": "1"}}]}}}, {"dynamodb:BatchGetItem": [TABLE, arn("dynamodb", "table/users")]}),
    ("dynamodb", "transact_write_items", {"TransactItems": [{"Put": {"TableName": "orders", "Item": {}}}, {"Delete": {"TableName": "users", "Key": {}}}]}, {"dynamodb:PutItem": [TABLE], "dynamodb:DeleteItem": [arn("dynamodb", "table/users")]}),
    ("dynamodb", "execute_statement", {"Statement": "SELECT * FROM \"orders\".\"by-date\" WHERE id = 'x'"}, {"dynamodb:PartiQLSelect": [TABLE + "/index/by-date"]}),
    ("dynamodb", "execute_statement", {"Statement": "insert into orders value {'id':'from users'}"}, {"dynamodb:PartiQLInsert": [TABLE]}),
    ("dynamodb", "list_tables", {}, {"dynamodb:ListTables": None}),
    ("dynamodb", "describe_table", {"TableName": "orders"}, {"dynamodb:DescribeTable": [TABLE]}),
    ("dynamodb", "create_table", {"TableName": "orders", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST"}, {"dynamodb:CreateTable": [TABLE]}),
    ("sqs", "send_message", {"QueueUrl": QUEUE, "MessageBody": "hi"}, {"sqs:SendMessage": [arn("sqs", "orders")]}),
    ("sqs", "send_message_batch", {"QueueUrl": QUEUE, "Entries": [{"Id": "1", "MessageBody": "hi"}]}, {"sqs:SendMessage": [arn("sqs", "orders")]}),
    ("sqs", "receive_message", {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/111122223333/theirs"}, {"sqs:ReceiveMessage": [f"arn:aws:sqs:{REGION}:111122223333:theirs"]}),
    ("sqs", "create_queue", {"QueueName": "orders"}, {"sqs:CreateQueue": [arn("sqs", "orders")]}),
    ("sqs", "get_queue_url", {"QueueName": "orders"}, {"sqs:GetQueueUrl": [arn("sqs", "orders")]}),
    ("sqs", "create_queue", {"QueueName": "orders", "tags": {"a": "b"}}, {"sqs:CreateQueue": [arn("sqs", "orders")], "sqs:TagQueue": [arn("sqs", "orders")]}),
    ("sqs", "list_queues", {}, {"sqs:ListQueues": None}),
    ("sns", "create_topic", {"Name": "news"}, {"sns:CreateTopic": [arn("sns", "news")]}),
    ("sns", "publish", {"TopicArn": arn("sns", "news"), "Message": "hi"}, {"sns:Publish": [arn("sns", "news")]}),
    ("sns", "publish", {"PhoneNumber": "+123", "Message": "hi"}, {"sns:Publish": None}),
    ("sns", "publish_batch", {"TopicArn": arn("sns", "news"), "PublishBatchRequestEntries": [{"Id": "1", "Message": "m"}]}, {"sns:Publish": [arn("sns", "news")]}),
    ("sns", "subscribe", {"TopicArn": arn("sns", "news"), "Protocol": "sqs", "Endpoint": arn("sqs", "orders")}, {"sns:Subscribe": [arn("sns", "news")]}),
    ("sns", "unsubscribe", {"SubscriptionArn": arn("sns", "news:0f1e")}, {"sns:Unsubscribe": [arn("sns", "news")]}),
    ("sns", "list_topics", {}, {"sns:ListTopics": None}),
    ("lambda", "invoke", {"FunctionName": "f", "Payload": b"{}"}, {"lambda:InvokeFunction": [arn("lambda", "function:f")]}),
    ("lambda", "invoke", {"FunctionName": "f", "Qualifier": "live"}, {"lambda:InvokeFunction": [arn("lambda", "function:f:live")]}),
    ("lambda", "invoke", {"FunctionName": arn("lambda", "function:f")}, {"lambda:InvokeFunction": [arn("lambda", "function:f")]}),
    ("lambda", "create_function", {"FunctionName": "f", "Role": ROLE, "Code": {"ZipFile": b"x"}, "Runtime": "python3.13", "Handler": "h"}, {"lambda:CreateFunction": [arn("lambda", "function:f")], "iam:PassRole": [ROLE]}),
    ("lambda", "list_functions", {}, {"lambda:ListFunctions": None}),
    ("lambda", "get_function", {"FunctionName": "f"}, {"lambda:GetFunction": [arn("lambda", "function:f")]}),
    ("lambda", "delete_function", {"FunctionName": "f"}, {"lambda:DeleteFunction": [arn("lambda", "function:f")]}),
    ("iam", "create_role", {"RoleName": "job", "AssumeRolePolicyDocument": "{}"}, {"iam:CreateRole": [iam("role/job")]}),
    ("iam", "create_role", {"RoleName": "job", "Path": "/team/", "AssumeRolePolicyDocument": "{}"}, {"iam:CreateRole": [iam("role/team/job")]}),
    ("iam", "get_role", {"RoleName": "job"}, {"iam:GetRole": [iam("role/job")]}),
    ("iam", "attach_role_policy", {"RoleName": "job", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, {"iam:AttachRolePolicy": [iam("role/job")]}),
    ("iam", "put_role_policy", {"RoleName": "job", "PolicyName": "p", "PolicyDocument": "{}"}, {"iam:PutRolePolicy": [iam("role/job")]}),
    ("iam", "create_policy", {"PolicyName": "p", "PolicyDocument": "{}"}, {"iam:CreatePolicy": [iam("policy/p")]}),
    ("iam", "get_policy", {"PolicyArn": iam("policy/p")}, {"iam:GetPolicy": [iam("policy/p")]}),
    ("iam", "list_roles", {}, {"iam:ListRoles": None}),
    ("iam", "get_user", {"UserName": "u"}, {"iam:GetUser": [iam("user/u")]}),
    ("iam", "add_role_to_instance_profile", {"InstanceProfileName": "ip", "RoleName": "job"}, {"iam:AddRoleToInstanceProfile": [iam("instance-profile/ip")], "iam:PassRole": [iam("role/job")]}),
    ("sts", "get_caller_identity", {}, {"sts:GetCallerIdentity": None}),
    ("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "s"}, {"sts:AssumeRole": [ROLE]}),
    ("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "s", "Tags": TAGS}, {"sts:AssumeRole": [ROLE], "sts:TagSession": [ROLE]}),
    ("sts", "assume_role_with_web_identity", {"RoleArn": ROLE, "RoleSessionName": "s", "WebIdentityToken": "token-token"}, {"sts:AssumeRoleWithWebIdentity": [ROLE]}),
    ("kms", "decrypt", {"CiphertextBlob": b"x", "KeyId": KEY_ID}, {"kms:Decrypt": [arn("kms", f"key/{KEY_ID}")]}),
    ("kms", "encrypt", {"Plaintext": b"x", "KeyId": "alias/app"}, {"kms:Encrypt": [arn("kms", "key/*")]}),
    ("kms", "generate_data_key", {"KeyId": arn("kms", f"key/{KEY_ID}"), "KeySpec": "AES_256"}, {"kms:GenerateDataKey": [arn("kms", f"key/{KEY_ID}")]}),
    ("kms", "re_encrypt", {"CiphertextBlob": b"x", "SourceKeyId": "a", "DestinationKeyId": "b"}, {"kms:ReEncryptFrom": [arn("kms", "key/a")], "kms:ReEncryptTo": [arn("kms", "key/b")]}),
    ("kms", "list_keys", {}, {"kms:ListKeys": None}),
    ("kms", "create_alias", {"AliasName": "alias/app", "TargetKeyId": KEY_ID}, {"kms:CreateAlias": [arn("kms", "alias/app"), arn("kms", f"key/{KEY_ID}")]}),
    ("secretsmanager", "get_secret_value", {"SecretId": "db"}, {"secretsmanager:GetSecretValue": [arn("secretsmanager", "secret:db-??????")]}),
    ("secretsmanager", "get_secret_value", {"SecretId": arn("secretsmanager", "secret:db-a1B2c3")}, {"secretsmanager:GetSecretValue": [arn("secretsmanager", "secret:db-a1B2c3")]}),
    ("secretsmanager", "create_secret", {"Name": "db", "SecretString": "x"}, {"secretsmanager:CreateSecret": [arn("secretsmanager", "secret:db-??????")]}),
    ("secretsmanager", "list_secrets", {}, {"secretsmanager:ListSecrets": None}),
    ("ssm", "get_parameter", {"Name": "/app/db"}, {"ssm:GetParameter": [arn("ssm", "parameter/app/db")]}),
    ("ssm", "get_parameter", {"Name": "plain:3"}, {"ssm:GetParameter": [arn("ssm", "parameter/plain")]}),
    ("ssm", "get_parameters", {"Names": ["/a", "b"]}, {"ssm:GetParameters": [arn("ssm", "parameter/a"), arn("ssm", "parameter/b")]}),
    ("ssm", "get_parameters_by_path", {"Path": "/app"}, {"ssm:GetParametersByPath": [arn("ssm", "parameter/app")]}),
    ("ssm", "put_parameter", {"Name": "/app/db", "Value": "v", "Type": "String"}, {"ssm:PutParameter": [arn("ssm", "parameter/app/db")]}),
    ("ssm", "describe_parameters", {}, {"ssm:DescribeParameters": None}),
    ("logs", "create_log_group", {"logGroupName": "/app"}, {"logs:CreateLogGroup": [arn("logs", "log-group:/app")]}),
    ("logs", "create_log_stream", {"logGroupName": "/app", "logStreamName": "s"}, {"logs:CreateLogStream": [arn("logs", "log-group:/app:log-stream:s")]}),
    ("logs", "put_log_events", {"logGroupName": "/app", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]}, {"logs:PutLogEvents": [arn("logs", "log-group:/app:log-stream:s")]}),
    ("logs", "filter_log_events", {"logGroupName": "/app"}, {"logs:FilterLogEvents": [arn("logs", "log-group:/app")]}),
    ("ec2", "describe_instances", {}, {"ec2:DescribeInstances": None}),
    ("ec2", "start_instances", {"InstanceIds": ["i-1", "i-2"]}, {"ec2:StartInstances": [arn("ec2", "instance/i-1"), arn("ec2", "instance/i-2")]}),
    ("ec2", "run_instances", {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1, "SubnetId": "subnet-1", "SecurityGroupIds": ["sg-1"], "IamInstanceProfile": {"Name": "ip"}}, {
        "ec2:RunInstances": [f"arn:aws:ec2:{REGION}::image/ami-1", arn("ec2", "instance/*"), arn("ec2", "network-interface/*"), arn("ec2", "volume/*"), arn("ec2", "security-group/sg-1"), arn("ec2", "subnet/subnet-1")],
        "iam:PassRole": [iam("role/*")]}),
    ("ec2", "create_tags", {"Resources": ["i-1", "vpc-1"], "Tags": TAGS}, {"ec2:CreateTags": [arn("ec2", "instance/i-1"), arn("ec2", "vpc/vpc-1")]}),
    ("ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16", "TagSpecifications": [{"ResourceType": "vpc", "Tags": TAGS}]}, {"ec2:CreateVpc": [arn("ec2", "vpc/*")], "ec2:CreateTags": [arn("ec2", "vpc/*")]}),
    ("ec2", "delete_vpc", {"VpcId": "vpc-1"}, {"ec2:DeleteVpc": [arn("ec2", "vpc/vpc-1")]}),
    ("ec2", "create_security_group", {"GroupName": "g", "Description": "d", "VpcId": "vpc-1"}, {"ec2:CreateSecurityGroup": [arn("ec2", "security-group/*"), arn("ec2", "vpc/vpc-1")]}),
    ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1}]}, {"cloudwatch:PutMetricData": None}),
    ("cloudwatch", "put_metric_alarm", {"AlarmName": "a", "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold"}, {"cloudwatch:PutMetricAlarm": [arn("cloudwatch", "alarm:a")]}),
    ("cloudwatch", "delete_alarms", {"AlarmNames": ["a", "b"]}, {"cloudwatch:DeleteAlarms": [arn("cloudwatch", "alarm:a"), arn("cloudwatch", "alarm:b")]}),
    ("cloudwatch", "list_metrics", {}, {"cloudwatch:ListMetrics": None}),
    ("kinesis", "put_record", {"StreamName": "clicks", "Data": b"x", "PartitionKey": "k"}, {"kinesis:PutRecord": [arn("kinesis", "stream/clicks")]}),
    ("kinesis", "describe_stream", {"StreamARN": arn("kinesis", "stream/clicks")}, {"kinesis:DescribeStream": [arn("kinesis", "stream/clicks")]}),
    ("kinesis", "list_streams", {}, {"kinesis:ListStreams": None}),
    ("ecs", "run_task", {"cluster": "c", "taskDefinition": "web:3", "overrides": {"taskRoleArn": ROLE}}, {"ecs:RunTask": [arn("ecs", "task-definition/web:3")], "iam:PassRole": [ROLE]}),
    ("ecs", "run_task", {"taskDefinition": "web"}, {"ecs:RunTask": [arn("ecs", "task-definition/web:*")]}),
    ("ecs", "register_task_definition", {"family": "web", "executionRoleArn": ROLE, "containerDefinitions": [{"name": "c", "image": "i"}]}, {"ecs:RegisterTaskDefinition": [arn("ecs", "task-definition/web:*")], "iam:PassRole": [ROLE]}),
    ("ecs", "describe_services", {"cluster": "c", "services": ["s"]}, {"ecs:DescribeServices": [arn("ecs", "service/c/s")]}),
    ("ecs", "update_service", {"cluster": arn("ecs", "cluster/c"), "service": "s"}, {"ecs:UpdateService": [arn("ecs", "service/c/s")]}),
    ("ecs", "stop_task", {"cluster": "c", "task": "0f"}, {"ecs:StopTask": [arn("ecs", "task/c/0f")]}),
    ("ecs", "list_clusters", {}, {"ecs:ListClusters": None}),
    ("ecr", "get_authorization_token", {}, {"ecr:GetAuthorizationToken": None}),
    ("ecr", "describe_images", {"repositoryName": "app"}, {"ecr:DescribeImages": [arn("ecr", "repository/app")]}),
    ("ecr", "batch_get_image", {"repositoryName": "team/app", "imageIds": [{"imageTag": "1"}]}, {"ecr:BatchGetImage": [arn("ecr", "repository/team/app")]}),
    ("stepfunctions", "start_execution", {"stateMachineArn": arn("states", "stateMachine:m")}, {"states:StartExecution": [arn("states", "stateMachine:m")]}),
    ("stepfunctions", "create_state_machine", {"name": "m", "definition": "{}", "roleArn": ROLE}, {"states:CreateStateMachine": [arn("states", "stateMachine:m")], "iam:PassRole": [ROLE]}),
    ("stepfunctions", "describe_execution", {"executionArn": arn("states", "execution:m:e")}, {"states:DescribeExecution": [arn("states", "execution:m:e")]}),
    ("events", "put_events", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}", "EventBusName": "bus"}]}, {"events:PutEvents": [arn("events", "event-bus/bus")]}),
    ("events", "put_events", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]}, {"events:PutEvents": [arn("events", "event-bus/default")]}),
    ("events", "put_rule", {"Name": "r", "ScheduleExpression": "rate(1 day)"}, {"events:PutRule": [arn("events", "rule/r")]}),
    ("events", "put_rule", {"Name": "r", "EventBusName": "bus", "EventPattern": "{}"}, {"events:PutRule": [arn("events", "rule/bus/r")]}),
    ("events", "put_targets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": arn("sqs", "orders"), "RoleArn": ROLE}]}, {"events:PutTargets": [arn("events", "rule/r")], "iam:PassRole": [ROLE]}),
    ("firehose", "put_record", {"DeliveryStreamName": "d", "Record": {"Data": b"x"}}, {"firehose:PutRecord": [arn("firehose", "deliverystream/d")]}),
    ("apigateway", "get_rest_api", {"restApiId": "abc"}, {"apigateway:GET": [f"arn:aws:apigateway:{REGION}::/restapis/abc"]}),
    ("apigatewayv2", "create_api", {"Name": "a", "ProtocolType": "HTTP"}, {"apigateway:POST": [f"arn:aws:apigateway:{REGION}::/apis"]}),
    ("cloudformation", "create_stack", {"StackName": "s", "TemplateBody": "{}", "RoleARN": ROLE}, {"cloudformation:CreateStack": [arn("cloudformation", "stack/s/*")], "iam:PassRole": [ROLE]}),
    ("cloudformation", "describe_stacks", {"StackName": "s"}, {"cloudformation:DescribeStacks": [arn("cloudformation", "stack/s/*")]}),
    ("route53", "change_resource_record_sets", {"HostedZoneId": "Z1", "ChangeBatch": {"Changes": [{"Action": "CREATE", "ResourceRecordSet": {"Name": "a", "Type": "A"}}]}}, {"route53:ChangeResourceRecordSets": ["arn:aws:route53:::hostedzone/Z1"]}),
    ("rds", "describe_db_instances", {"DBInstanceIdentifier": "db"}, {"rds:DescribeDBInstances": [arn("rds", "db:db")]}),
    ("rds", "delete_db_instance", {"DBInstanceIdentifier": "db", "SkipFinalSnapshot": True}, {"rds:DeleteDBInstance": [arn("rds", "db:db")]}),
    ("athena", "start_query_execution", {"QueryString": "select 1", "WorkGroup": "w"}, {"athena:StartQueryExecution": [arn("athena", "workgroup/w")]}),
    ("glue", "get_table", {"DatabaseName": "d", "Name": "t"}, {"glue:GetTable": [arn("glue", "catalog"), arn("glue", "database/d"), arn("glue", "table/d/t")]}),
    ("eks", "create_cluster", {"name": "c", "roleArn": ROLE, "resourcesVpcConfig": {}}, {"eks:CreateCluster": None, "iam:PassRole": [ROLE]}),
    ("eks", "describe_cluster", {"name": "c"}, {"eks:DescribeCluster": [arn("eks", "cluster/c")]}),
    ("elbv2", "describe_load_balancers", {}, {"elasticloadbalancing:DescribeLoadBalancers": None}),
    ("elb", "describe_load_balancers", {}, {"elasticloadbalancing:DescribeLoadBalancers": None}),
    ("bedrock-runtime", "converse", {"modelId": "anthropic.claude-3-haiku-20240307-v1:0", "messages": []}, {"bedrock:InvokeModel": [f"arn:aws:bedrock:{REGION}::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"]}),
    ("resourcegroupstaggingapi", "get_resources", {}, {"tag:GetResources": None}),
    ("cognito-idp", "admin_get_user", {"UserPoolId": f"{REGION}_abc", "Username": "u"}, {"cognito-idp:AdminGetUser": [arn("cognito-idp", f"userpool/{REGION}_abc")]}),
]


def catch(client):
    """The request that the next call of `client` would send."""
    caught = []

    def stop(request, **_):
        caught.append(request)
        return AWSResponse(request.url, 200, {}, Nothing())

    client.meta.events.register("before-send", stop)
    return caught


class Nothing:
    def stream(self, **_):
        return iter([b""])

    def read(self, *_):
        return b""


def body(request):
    content = request.body or b""
    if hasattr(content, "read"):
        content = content.read()
    return content.encode() if isinstance(content, str) else bytes(content)


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def main():
    session = boto3.Session(KEY, "not-a-secret", "not-a-token", REGION)
    # A call that is answered with nothing may not be understood, nor is it to be tried again.
    config = Config(retries={"max_attempts": 0}, parameter_validation=False)
    clients = {}
    for service, method, parameters, expected in CALLS:
        client = clients.setdefault(service, session.client(service, config=config))
        caught = catch(client)
        try:
            getattr(client, method)(**parameters)
        except Exception as error:
            assert caught, f"{service}.{method} was not sent: {error}"
        request = caught[0]
        _, rest = request.url.split("://", 1)
        host, _, path = rest.partition("/")
        expected = {action: found or ["*"] for action, found in expected.items()}
        operation = client.meta.method_to_api_mapping[method]
        line = {
            "id": {"operation": operation, "parameters": repr(parameters), "expected": expected},
            "method": request.method,
            "host": host,
            "path": "/" + path,
            "headers": {text(k): text(v) for k, v in request.headers.items()},
            "body_base64": base64.b64encode(body(request)).decode(),
        }
        print(json.dumps(line))


main()
