"""Which IAM actions on which ARNs each call of the jobs needs: written by hand from the AWS Service Authorization
Reference, and independent of whittle's table. Used by the tests to compare, and by the fake AWS to enforce.

    expected.py LOG    prints one JSON line per permission of each call in LOG: {"call","role","operation","action","resource"}
"""

import json
import sys
import urllib.parse

ACCOUNT = "123456789012"
REGION = "us-east-1"

S3_BUCKET = "arn:aws:s3:::{Bucket}"
S3_OBJECT = "arn:aws:s3:::{Bucket}/{Key}"
TABLE = "arn:aws:dynamodb:{region}:{account}:table/{TableName}"
QUEUE = "arn:aws:sqs:{region}:{account}:{QueueName}"
FUNCTION = "arn:aws:lambda:{region}:{account}:function:{FunctionName}"
PARAMETER = "arn:aws:ssm:{region}:{account}:parameter/{Name}"
KEY = "arn:aws:kms:{region}:{account}:key/{KeyId}"
GROUP = "arn:aws:logs:{region}:{account}:log-group:{logGroupName}"
STREAM = GROUP + ":log-stream:{logStreamName}"
KINESIS = "arn:aws:kinesis:{region}:{account}:stream/{StreamName}"
RULE = "arn:aws:events:{region}:{account}:rule/{Rule}"
ROLE = "arn:aws:iam::{account}:role/{RoleName}"
ZONE = "arn:aws:route53:::hostedzone/{HostedZoneId}"
REST = "arn:aws:apigateway:{region}::"
EC2 = "arn:aws:ec2:{region}:{account}:"
ALARM = "arn:aws:cloudwatch:{region}:{account}:alarm:{AlarmName}"
# The service adds a dash and six characters of its own to a secret's name.
SECRET = "arn:aws:secretsmanager:{region}:{account}:secret:{Name}-??????"

# Per operation: the permissions, each an action and an ARN with the call's parameters in it.
PERMISSIONS = {
    "s3.CreateBucket": [("s3:CreateBucket", S3_BUCKET)],
    "s3.ListBuckets": [("s3:ListAllMyBuckets", "*")],
    "s3.HeadBucket": [("s3:ListBucket", S3_BUCKET)],
    "s3.ListObjects": [("s3:ListBucket", S3_BUCKET)],
    "s3.ListObjectsV2": [("s3:ListBucket", S3_BUCKET)],
    "s3.GetBucketLocation": [("s3:GetBucketLocation", S3_BUCKET)],
    "s3.PutBucketVersioning": [("s3:PutBucketVersioning", S3_BUCKET)],
    "s3.GetBucketVersioning": [("s3:GetBucketVersioning", S3_BUCKET)],
    "s3.PutObject": [("s3:PutObject", S3_OBJECT)],
    "s3.GetObject": [("s3:GetObject", S3_OBJECT)],
    "s3.HeadObject": [("s3:GetObject", S3_OBJECT)],
    "s3.PutObjectTagging": [("s3:PutObjectTagging", S3_OBJECT)],
    "s3.GetObjectTagging": [("s3:GetObjectTagging", S3_OBJECT)],
    "s3.CopyObject": [("s3:GetObject", "arn:aws:s3:::{source}"), ("s3:PutObject", S3_OBJECT)],
    "s3.CreateMultipartUpload": [("s3:PutObject", S3_OBJECT)],
    "s3.UploadPart": [("s3:PutObject", S3_OBJECT)],
    "s3.UploadPartCopy": [("s3:GetObject", "arn:aws:s3:::{source}"), ("s3:PutObject", S3_OBJECT)],
    "s3.ListParts": [("s3:ListMultipartUploadParts", S3_OBJECT)],
    "s3.CompleteMultipartUpload": [("s3:PutObject", S3_OBJECT)],
    "s3.AbortMultipartUpload": [("s3:AbortMultipartUpload", S3_OBJECT)],
    "s3.DeleteObject": [("s3:DeleteObject", S3_OBJECT)],
    "s3.DeleteObjects": [("s3:DeleteObject", "arn:aws:s3:::{Bucket}/{each_key}")],
    "s3.DeleteBucket": [("s3:DeleteBucket", S3_BUCKET)],
    "route53.CreateHostedZone": [("route53:CreateHostedZone", "*")],
    "route53.ListHostedZones": [("route53:ListHostedZones", "*")],
    "route53.GetHostedZone": [("route53:GetHostedZone", "arn:aws:route53:::hostedzone/{Id}")],
    "route53.ChangeResourceRecordSets": [("route53:ChangeResourceRecordSets", ZONE)],
    "route53.ListResourceRecordSets": [("route53:ListResourceRecordSets", ZONE)],
    "lambda.CreateFunction": [("lambda:CreateFunction", FUNCTION), ("iam:PassRole", "{Role}")],
    "lambda.ListFunctions": [("lambda:ListFunctions", "*")],
    "lambda.GetFunction": [("lambda:GetFunction", FUNCTION)],
    "lambda.Invoke": [("lambda:InvokeFunction", FUNCTION)],
    "lambda.DeleteFunction": [("lambda:DeleteFunction", FUNCTION)],
    "apigateway.CreateRestApi": [("apigateway:POST", REST + "/restapis")],
    "apigateway.GetRestApis": [("apigateway:GET", REST + "/restapis")],
    "apigateway.GetRestApi": [("apigateway:GET", REST + "/restapis/{restApiId}")],
    "apigateway.GetResources": [("apigateway:GET", REST + "/restapis/{restApiId}/resources")],
    "eks.CreateCluster": [("eks:CreateCluster", "*"), ("iam:PassRole", "{roleArn}")],
    "eks.DescribeCluster": [("eks:DescribeCluster", "arn:aws:eks:{region}:{account}:cluster/{name}")],
    "eks.ListClusters": [("eks:ListClusters", "*")],
    "dynamodb.CreateTable": [("dynamodb:CreateTable", TABLE)],
    "dynamodb.DescribeTable": [("dynamodb:DescribeTable", TABLE)],
    "dynamodb.ListTables": [("dynamodb:ListTables", "*")],
    "dynamodb.PutItem": [("dynamodb:PutItem", TABLE)],
    "dynamodb.GetItem": [("dynamodb:GetItem", TABLE)],
    "dynamodb.UpdateItem": [("dynamodb:UpdateItem", TABLE)],
    "dynamodb.Query": [("dynamodb:Query", TABLE)],
    "dynamodb.Scan": [("dynamodb:Scan", TABLE)],
    "dynamodb.BatchWriteItem": [
        ("dynamodb:BatchWriteItem", "arn:aws:dynamodb:{region}:{account}:table/{each_table}"),
    ],
    "dynamodb.ExecuteStatement": [
        ("dynamodb:PartiQLSelect", "arn:aws:dynamodb:{region}:{account}:table/{statement_table}"),
    ],
    "sqs.CreateQueue": [("sqs:CreateQueue", QUEUE)],
    "sqs.ListQueues": [("sqs:ListQueues", "*")],
    "sqs.GetQueueUrl": [("sqs:GetQueueUrl", QUEUE)],
    "sqs.SendMessage": [("sqs:SendMessage", QUEUE)],
    "sqs.ReceiveMessage": [("sqs:ReceiveMessage", QUEUE)],
    "sqs.DeleteMessage": [("sqs:DeleteMessage", QUEUE)],
    "stepfunctions.CreateStateMachine": [
        ("states:CreateStateMachine", "arn:aws:states:{region}:{account}:stateMachine:{name}"),
        ("iam:PassRole", "{roleArn}"),
    ],
    "stepfunctions.ListStateMachines": [("states:ListStateMachines", "*")],
    "stepfunctions.DescribeStateMachine": [("states:DescribeStateMachine", "{stateMachineArn}")],
    "secretsmanager.CreateSecret": [("secretsmanager:CreateSecret", SECRET)],
    "secretsmanager.GetSecretValue": [("secretsmanager:GetSecretValue", "{secret}")],
    "secretsmanager.DescribeSecret": [("secretsmanager:DescribeSecret", "{secret}")],
    "secretsmanager.ListSecrets": [("secretsmanager:ListSecrets", "*")],
    "ssm.PutParameter": [("ssm:PutParameter", PARAMETER)],
    "ssm.GetParameter": [("ssm:GetParameter", PARAMETER)],
    "ssm.GetParameters": [("ssm:GetParameters", "arn:aws:ssm:{region}:{account}:parameter/{each_name}")],
    "ssm.DescribeParameters": [("ssm:DescribeParameters", "*")],
    "kms.CreateKey": [("kms:CreateKey", "*")],
    "kms.DescribeKey": [("kms:DescribeKey", KEY)],
    "kms.Encrypt": [("kms:Encrypt", KEY)],
    "kms.Decrypt": [("kms:Decrypt", KEY)],
    "kms.GenerateDataKey": [("kms:GenerateDataKey", KEY)],
    "kms.ListKeys": [("kms:ListKeys", "*")],
    "logs.CreateLogGroup": [("logs:CreateLogGroup", GROUP)],
    "logs.CreateLogStream": [("logs:CreateLogStream", STREAM)],
    "logs.PutLogEvents": [("logs:PutLogEvents", STREAM)],
    "logs.GetLogEvents": [("logs:GetLogEvents", STREAM)],
    "ecs.CreateCluster": [("ecs:CreateCluster", "arn:aws:ecs:{region}:{account}:cluster/{clusterName}")],
    "ecs.ListClusters": [("ecs:ListClusters", "*")],
    "ecs.RegisterTaskDefinition": [
        ("ecs:RegisterTaskDefinition", "arn:aws:ecs:{region}:{account}:task-definition/{family}:*"),
        ("iam:PassRole", "{taskRoleArn}"),
        ("iam:PassRole", "{executionRoleArn}"),
    ],
    "ecr.CreateRepository": [
        ("ecr:CreateRepository", "arn:aws:ecr:{region}:{account}:repository/{repositoryName}"),
    ],
    "ecr.GetAuthorizationToken": [("ecr:GetAuthorizationToken", "*")],
    "events.PutRule": [("events:PutRule", "arn:aws:events:{region}:{account}:rule/{Name}")],
    "events.PutTargets": [("events:PutTargets", RULE), ("iam:PassRole", "{each_target_role}")],
    "events.ListRules": [("events:ListRules", "*")],
    "kinesis.CreateStream": [("kinesis:CreateStream", KINESIS)],
    "kinesis.DescribeStreamSummary": [("kinesis:DescribeStreamSummary", KINESIS)],
    "kinesis.PutRecord": [("kinesis:PutRecord", KINESIS)],
    "sns.CreateTopic": [("sns:CreateTopic", "arn:aws:sns:{region}:{account}:{Name}")],
    "sns.Publish": [("sns:Publish", "{TopicArn}")],
    "sns.Subscribe": [("sns:Subscribe", "{TopicArn}")],
    "sns.ListTopics": [("sns:ListTopics", "*")],
    "iam.GetRole": [("iam:GetRole", ROLE)],
    "iam.ListRoles": [("iam:ListRoles", "*")],
    "iam.ListRolePolicies": [("iam:ListRolePolicies", ROLE)],
    "sts.GetCallerIdentity": [("sts:GetCallerIdentity", "*")],
    "sts.AssumeRole": [("sts:AssumeRole", "{RoleArn}")],
    "cloudformation.CreateStack": [
        ("cloudformation:CreateStack", "arn:aws:cloudformation:{region}:{account}:stack/{StackName}/*"),
    ],
    "cloudformation.DescribeStacks": [
        ("cloudformation:DescribeStacks", "arn:aws:cloudformation:{region}:{account}:stack/{StackName}/*"),
    ],
    "cloudformation.ListStacks": [("cloudformation:ListStacks", "*")],
    "autoscaling.DescribeAutoScalingGroups": [("autoscaling:DescribeAutoScalingGroups", "*")],
    "elbv2.DescribeLoadBalancers": [("elasticloadbalancing:DescribeLoadBalancers", "*")],
    "ec2.DescribeRegions": [("ec2:DescribeRegions", "*")],
    "ec2.DescribeInstances": [("ec2:DescribeInstances", "*")],
    "ec2.DescribeVpcs": [("ec2:DescribeVpcs", "*")],
    "ec2.CreateVpc": [("ec2:CreateVpc", EC2 + "vpc/*")],
    "ec2.DeleteVpc": [("ec2:DeleteVpc", EC2 + "vpc/{VpcId}")],
    "ec2.CreateSecurityGroup": [
        ("ec2:CreateSecurityGroup", EC2 + "security-group/*"),
        ("ec2:CreateSecurityGroup", EC2 + "vpc/{VpcId}"),
    ],
    "ec2.DeleteSecurityGroup": [("ec2:DeleteSecurityGroup", EC2 + "security-group/{GroupId}")],
    "ec2.CreateTags": [("ec2:CreateTags", EC2 + "vpc/{each_resource}")],
    "cloudwatch.PutMetricData": [("cloudwatch:PutMetricData", "*")],
    "cloudwatch.ListMetrics": [("cloudwatch:ListMetrics", "*")],
    "cloudwatch.PutMetricAlarm": [("cloudwatch:PutMetricAlarm", ALARM)],
    "cloudwatch.DescribeAlarms": [
        ("cloudwatch:DescribeAlarms", "arn:aws:cloudwatch:{region}:{account}:alarm:{each_alarm}"),
    ],
    "servicediscovery.CreateHttpNamespace": [("servicediscovery:CreateHttpNamespace", "*")],
    "servicediscovery.ListNamespaces": [("servicediscovery:ListNamespaces", "*")],
    "codebuild.CreateProject": [
        ("codebuild:CreateProject", "arn:aws:codebuild:{region}:{account}:project/{name}"),
        ("iam:PassRole", "{serviceRole}"),
    ],
    "codebuild.ListProjects": [("codebuild:ListProjects", "*")],
    "resourcegroupstaggingapi.GetResources": [("tag:GetResources", "*")],
}


def permissions(call):
    """The (action, ARN) pairs that a logged call needs."""
    operation = f"{call['service']}.{call['operation']}"
    params = call["params"]
    values = {"region": [call.get("region", REGION)], "account": [ACCOUNT], **derived(params)}
    for name, value in params.items():
        if isinstance(value, str):
            values[name] = [value]
    pairs = []
    for action, template in PERMISSIONS[operation]:
        pairs += [(action, arn) for arn in filled(template, values)]
    return pairs


def filled(template, values):
    """The template once for each value of the one list in it; no role to pass is no permission."""
    rows = [{}]
    for name in [part.split("}")[0] for part in template.split("{")[1:]]:
        rows = [{**row, name: value} for row in rows for value in values.get(name, [])]
    return [template.format(**row) for row in rows]


def derived(params):
    """What ARNs are made of and is not a parameter by itself."""
    values = {}
    if isinstance(params.get("CopySource"), str):
        values["source"] = [urllib.parse.unquote(params["CopySource"].split("?")[0].lstrip("/"))]
    elif params.get("CopySource"):
        values["source"] = ["{Bucket}/{Key}".format(**params["CopySource"])]
    if params.get("SecretId", "").startswith("arn:"):
        values["secret"] = [params["SecretId"]]
    elif "SecretId" in params:
        values["secret"] = [SECRET.format(region=REGION, account=ACCOUNT, Name=params["SecretId"])]
    if "QueueUrl" in params:
        values["QueueName"] = [params["QueueUrl"].rsplit("/", 1)[1]]
    if "Delete" in params:
        values["each_key"] = [entry["Key"] for entry in params["Delete"]["Objects"]]
    if "RequestItems" in params:
        values["each_table"] = list(params["RequestItems"])
    if "Statement" in params:
        values["statement_table"] = [params["Statement"].split('"')[1]]
    if "Targets" in params:
        values["each_target_role"] = [target["RoleArn"] for target in params["Targets"] if "RoleArn" in target]
    values["each_name"] = params.get("Names", [])
    values["each_alarm"] = params.get("AlarmNames", [])
    values["each_resource"] = params.get("Resources", [])
    return values


def read(log):
    """The calls of a log, in their order."""
    with open(log) as file:
        return [json.loads(line) for line in file]


def main():
    for call in read(sys.argv[1]):
        operation = f"{call['service']}.{call['operation']}"
        for action, arn in permissions(call):
            line = {"call": call["call"], "role": call["role"], "operation": operation, "action": action, "resource": arn}
            print(json.dumps(line))


if __name__ == "__main__":
    main()
