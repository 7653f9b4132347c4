"""The job that the tests record: more than 60 operations of more than 12 AWS services, over every protocol that boto3
speaks, as a role whose credentials come from the instance metadata service. `job.py --further` ends with one call more."""

import io
import json
import sys
import urllib.request
import zipfile

import boto3
import botocore.config
import botocore.model

import calls

ACCOUNT = "123456789012"
REGION = "us-east-1"
ROLE = "batch-job"
PASSED = f"arn:aws:iam::{ACCOUNT}:role/service"
READER = f"arn:aws:iam::{ACCOUNT}:role/reader"
PART = b"x" * (5 << 20)


def main():
    # boto3 would write its own session's hooks over ours if they came later.
    session = boto3.Session(region_name=REGION)
    calls.watch(session, ROLE)
    objects(session)
    objects_by_path(session)
    names(session)
    rest_json(session)
    json_1_0(session)
    json_1_1(session)
    streams(session)
    query(session)
    machines(session)
    cbor(session)
    as_reader(session)
    if "--further" in sys.argv:
        session.client("s3").delete_bucket(Bucket="orders")
    print("done")


def objects(session):
    """rest-xml; the bucket is in the host name."""
    s3 = session.client("s3")
    s3.create_bucket(Bucket="orders")
    s3.list_buckets()
    s3.head_bucket(Bucket="orders")
    s3.get_bucket_location(Bucket="orders")
    s3.put_bucket_versioning(Bucket="orders", VersioningConfiguration={"Status": "Suspended"})
    s3.get_bucket_versioning(Bucket="orders")
    s3.put_object(Bucket="orders", Key="2026/one order.csv", Body=b"order,amount\n1,2\n")
    s3.get_object(Bucket="orders", Key="2026/one order.csv")["Body"].read()
    s3.head_object(Bucket="orders", Key="2026/one order.csv")
    s3.put_object_tagging(Bucket="orders", Key="2026/one order.csv", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.get_object_tagging(Bucket="orders", Key="2026/one order.csv")
    s3.copy_object(Bucket="orders", Key="copy.csv", CopySource={"Bucket": "orders", "Key": "2026/one order.csv"})
    s3.list_objects(Bucket="orders")
    s3.list_objects_v2(Bucket="orders", Prefix="2026/")
    big = {"Bucket": "orders", "Key": "big.bin"}
    upload = s3.create_multipart_upload(**big)["UploadId"]
    first = s3.upload_part(**big, UploadId=upload, PartNumber=1, Body=PART)
    second = s3.upload_part_copy(**big, UploadId=upload, PartNumber=2, CopySource="orders/copy.csv")
    s3.list_parts(**big, UploadId=upload)
    parts = [
        {"PartNumber": 1, "ETag": first["ETag"]},
        {"PartNumber": 2, "ETag": second["CopyPartResult"]["ETag"]},
    ]
    s3.complete_multipart_upload(**big, UploadId=upload, MultipartUpload={"Parts": parts})
    other = {"Bucket": "orders", "Key": "never.bin"}
    s3.abort_multipart_upload(**other, UploadId=s3.create_multipart_upload(**other)["UploadId"])
    # By default boto3 still signs a URL the way that came before SigV4.
    signer = session.client("s3", config=botocore.config.Config(signature_version="s3v4"))
    presigned = signer.generate_presigned_url("get_object", Params={"Bucket": "orders", "Key": "copy.csv"})
    request = urllib.request.Request(presigned, headers={calls.HEADER: calls.header(calls.last())})
    assert urllib.request.urlopen(request).read().startswith(b"order")
    s3.delete_object(Bucket="orders", Key="big.bin")
    s3.delete_objects(Bucket="orders", Delete={"Objects": [{"Key": "copy.csv"}, {"Key": "a/b.csv"}]})


def objects_by_path(session):
    """rest-xml; the bucket is in the path."""
    s3 = session.client("s3", config=botocore.config.Config(s3={"addressing_style": "path"}))
    s3.create_bucket(Bucket="by.path")
    s3.put_object(Bucket="by.path", Key="k", Body=b"v")
    s3.get_object(Bucket="by.path", Key="k")["Body"].read()


def names(session):
    """rest-xml, of a service that is nowhere in particular."""
    route53 = session.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"].rsplit("/", 1)[1]
    route53.list_hosted_zones()
    route53.get_hosted_zone(Id=zone)
    record = {"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    route53.list_resource_record_sets(HostedZoneId=zone)


def rest_json(session):
    functions = session.client("lambda")
    functions.create_function(
        FunctionName="price", Runtime="python3.12", Role=PASSED, Handler="a.b", Code={"ZipFile": archive()}
    )
    functions.list_functions()
    functions.get_function(FunctionName="price")
    functions.invoke(FunctionName="price", Payload=b"{}")
    functions.delete_function(FunctionName="price")
    gateway = session.client("apigateway")
    api = gateway.create_rest_api(name="shop")["id"]
    gateway.get_rest_apis()
    gateway.get_rest_api(restApiId=api)
    gateway.get_resources(restApiId=api)
    eks = session.client("eks")
    network = {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    eks.create_cluster(name="blue", roleArn=PASSED, resourcesVpcConfig=network)
    eks.describe_cluster(name="blue")
    eks.list_clusters()


def json_1_0(session):
    dynamodb = session.client("dynamodb")
    dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    key = {"id": {"S": "1"}}
    dynamodb.describe_table(TableName="orders")
    dynamodb.list_tables()
    dynamodb.put_item(TableName="orders", Item=key)
    dynamodb.get_item(TableName="orders", Key=key)
    dynamodb.update_item(
        TableName="orders", Key=key, UpdateExpression="SET a = :v", ExpressionAttributeValues={":v": {"N": "1"}}
    )
    dynamodb.query(
        TableName="orders", KeyConditionExpression="id = :v", ExpressionAttributeValues={":v": {"S": "1"}}
    )
    dynamodb.scan(TableName="orders")
    dynamodb.batch_write_item(RequestItems={"orders": [{"PutRequest": {"Item": {"id": {"S": "2"}}}}]})
    dynamodb.execute_statement(Statement='SELECT * FROM "orders" WHERE id = \'1\'')
    sqs = session.client("sqs")
    url = sqs.create_queue(QueueName="work")["QueueUrl"]
    sqs.list_queues()
    sqs.get_queue_url(QueueName="work")
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    message = sqs.receive_message(QueueUrl=url)["Messages"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    states = session.client("stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    machine = states.create_state_machine(name="flow", definition=definition, roleArn=PASSED)["stateMachineArn"]
    states.list_state_machines()
    states.describe_state_machine(stateMachineArn=machine)


def json_1_1(session):
    secrets = session.client("secretsmanager")
    secret = secrets.create_secret(Name="prod/db", SecretString="hunter2")["ARN"]
    secrets.get_secret_value(SecretId=secret)
    secrets.describe_secret(SecretId=secret)
    secrets.list_secrets()
    ssm = session.client("ssm")
    ssm.put_parameter(Name="limit", Value="1", Type="String")
    ssm.get_parameter(Name="limit")
    ssm.get_parameters(Names=["limit", "other"])
    ssm.describe_parameters()
    kms = session.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.describe_key(KeyId=key)
    sealed = kms.encrypt(KeyId=key, Plaintext=b"p")["CiphertextBlob"]
    kms.decrypt(KeyId=key, CiphertextBlob=sealed)
    kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    kms.list_keys()
    ecs = session.client("ecs")
    ecs.create_cluster(clusterName="blue")
    ecs.list_clusters()
    container = {"name": "c", "image": "i", "memory": 128}
    ecs.register_task_definition(
        family="web", taskRoleArn=PASSED, executionRoleArn=PASSED, containerDefinitions=[container]
    )
    ecr = session.client("ecr")
    ecr.create_repository(repositoryName="team/web")
    ecr.get_authorization_token()


def streams(session):
    """json 1.1 as well: where things flow."""
    logs = session.client("logs")
    stream = {"logGroupName": "/job", "logStreamName": "one"}
    logs.create_log_group(logGroupName="/job")
    logs.create_log_stream(**stream)
    logs.put_log_events(**stream, logEvents=[{"timestamp": 1700000000000, "message": "m"}])
    logs.get_log_events(**stream)
    events = session.client("events")
    events.put_rule(Name="nightly", ScheduleExpression="rate(1 day)")
    target = {"Id": "1", "Arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:flow", "RoleArn": PASSED}
    events.put_targets(Rule="nightly", Targets=[target])
    events.list_rules()
    kinesis = session.client("kinesis")
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    kinesis.describe_stream_summary(StreamName="clicks")
    kinesis.put_record(StreamName="clicks", Data=b"d", PartitionKey="p")


def query(session):
    sns = session.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.publish(TopicArn=topic, Message="m")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:work")
    sns.list_topics()
    iam = session.client("iam")
    iam.get_role(RoleName="service")
    iam.list_roles()
    iam.list_role_policies(RoleName="service")
    session.client("sts").get_caller_identity()
    formation = session.client("cloudformation")
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "made"}}}}
    formation.create_stack(StackName="small", TemplateBody=json.dumps(template))
    formation.describe_stacks(StackName="small")
    formation.list_stacks()
    session.client("autoscaling").describe_auto_scaling_groups()
    session.client("elbv2").describe_load_balancers()


def machines(session):
    """The protocol that only EC2 speaks."""
    ec2 = session.client("ec2")
    ec2.describe_regions()
    ec2.describe_instances()
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.describe_vpcs(VpcIds=[vpc])
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "v"}])
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)


def cbor(session):
    """smithy-rpc-v2-cbor, which services list first and boto3 prefers json to; other SDKs take it."""
    preferred = botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS
    botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = ("smithy-rpc-v2-cbor", *preferred)
    cloudwatch = session.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "sold", "Value": 1.0}])
    cloudwatch.list_metrics(Namespace="Shop")
    cloudwatch.put_metric_alarm(
        AlarmName="few",
        MetricName="sold",
        Namespace="Shop",
        ComparisonOperator="LessThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
        Threshold=1.0,
    )
    cloudwatch.describe_alarms(AlarmNames=["few"])
    discovery = session.client("servicediscovery")
    discovery.create_http_namespace(Name="inside")
    discovery.list_namespaces()
    build = session.client("codebuild")
    build.create_project(
        name="build",
        source={"type": "S3", "location": "orders/source.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=PASSED,
    )
    build.list_projects()
    session.client("resourcegroupstaggingapi").get_resources()
    botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = preferred


def as_reader(session):
    """Another role, whose credentials come in an answer of STS."""
    answer = session.client("sts").assume_role(RoleArn=READER, RoleSessionName="nightly")["Credentials"]
    reader = boto3.Session(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"], REGION)
    calls.watch(reader, "reader")
    reader.client("s3").get_object(Bucket="by.path", Key="k")["Body"].read()
    reader.client("dynamodb").get_item(TableName="orders", Key={"id": {"S": "1"}})


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as content:
        content.writestr(zipfile.ZipInfo("a.py"), "def b(event, context): return 1\n")
    return file.getvalue()


main()
