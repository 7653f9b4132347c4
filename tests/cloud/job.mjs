// The job for Node: a shorter one, over every protocol that the AWS SDK for JavaScript speaks, as the role whose credentials
// come from the instance metadata service. Its calls are written down by the SDK's own middleware, as calls.py does it.
// `job.mjs --further` ends with one call more.

import { appendFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import https from "node:https";

const require = createRequire(`${process.env.NODE_FOLDER}/`);
const sdk = (name) => require(`@aws-sdk/${name}`);
const REGION = "us-east-1";
const ACCOUNT = "123456789012";
const PASSED = `arn:aws:iam::${ACCOUNT}:role/service`;
const LOG = process.env.CALLS;

let calls = 0;

/** A client of the package, with a function per call: `client("s3", "S3Client")("GetObject", {…})`. */
function client(name, kind, options = {}) {
  const commands = sdk(`client-${name}`);
  const made = new commands[kind]({ region: REGION, ...options });
  const send = (operation, input) => {
    const number = write(kind, operation, input);
    const command = new commands[`${operation}Command`](input);
    command.middlewareStack.add(
      (next) => (args) => {
        args.request.headers["x-test-call"] = `${basename(LOG)}#${number}`;
        return next(args);
      },
      { step: "build" },
    );
    return made.send(command);
  };
  return Object.assign(send, { commands, made });
}

const SERVICES = { SFN: "stepfunctions", CloudWatch: "cloudwatch", SecretsManager: "secretsmanager", DynamoDB: "dynamodb" };

function write(kind, operation, params) {
  const service = SERVICES[kind.replace("Client", "")] ?? kind.replace("Client", "").toLowerCase();
  calls += 1;
  const text = (_, value) => (value?.type === "Buffer" ? "bytes" : value);
  const line = { call: calls, role: "batch-job", service, operation, region: REGION, params };
  appendFileSync(LOG, `${JSON.stringify(line, text)}\n`);
  return calls;
}

/** rest-xml: the bucket in the host name, in the path, and a presigned URL. */
async function objects() {
  const s3 = client("s3", "S3Client");
  const order = { Bucket: "orders", Key: "2026/one order.csv" };
  await s3("CreateBucket", { Bucket: "orders" });
  await s3("ListBuckets", {});
  await s3("PutObject", { ...order, Body: "order,amount\n1,2\n" });
  await (await s3("GetObject", order)).Body.transformToString();
  await s3("HeadObject", order);
  await s3("CopyObject", { Bucket: "orders", Key: "copy.csv", CopySource: "orders/2026/one%20order.csv" });
  await s3("ListObjectsV2", { Bucket: "orders" });
  const { UploadId } = await s3("CreateMultipartUpload", { Bucket: "orders", Key: "never.bin" });
  await s3("UploadPart", { Bucket: "orders", Key: "never.bin", UploadId, PartNumber: 1, Body: Buffer.alloc(5 << 20, 120) });
  await s3("AbortMultipartUpload", { Bucket: "orders", Key: "never.bin", UploadId });
  const { getSignedUrl } = sdk("s3-request-presigner");
  const url = await getSignedUrl(s3.made, new s3.commands.GetObjectCommand({ Bucket: "orders", Key: "copy.csv" }));
  const number = write("S3Client", "GetObject", { Bucket: "orders", Key: "copy.csv" });
  await fetched(url, `${basename(LOG)}#${number}`);
  await s3("DeleteObject", { Bucket: "orders", Key: "copy.csv" });
  const byPath = client("s3", "S3Client", { forcePathStyle: true });
  await byPath("CreateBucket", { Bucket: "by.path" });
  await byPath("PutObject", { Bucket: "by.path", Key: "k", Body: "v" });
  return s3;
}

function fetched(url, call) {
  return new Promise((resolve, reject) => {
    const request = https.get(url, { headers: { "x-test-call": call } }, (response) => {
      response.resume();
      response.on("end", () => (response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode}`))));
    });
    request.on("error", reject);
  });
}

/** json 1.0 */
async function tables() {
  const dynamodb = client("dynamodb", "DynamoDBClient");
  await dynamodb("CreateTable", {
    TableName: "orders",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    BillingMode: "PAY_PER_REQUEST",
  });
  await dynamodb("PutItem", { TableName: "orders", Item: { id: { S: "1" } } });
  await dynamodb("GetItem", { TableName: "orders", Key: { id: { S: "1" } } });
  await dynamodb("ListTables", {});
  const sqs = client("sqs", "SQSClient");
  const { QueueUrl } = await sqs("CreateQueue", { QueueName: "work" });
  await sqs("SendMessage", { QueueUrl, MessageBody: "hello" });
  await sqs("ReceiveMessage", { QueueUrl });
}

/** json 1.1 */
async function secrets() {
  const manager = client("secrets-manager", "SecretsManagerClient");
  const { ARN } = await manager("CreateSecret", { Name: "prod/db", SecretString: "hunter2" });
  await manager("GetSecretValue", { SecretId: ARN });
  const ssm = client("ssm", "SSMClient");
  await ssm("PutParameter", { Name: "limit", Value: "1", Type: "String" });
  await ssm("GetParameter", { Name: "limit" });
  const kms = client("kms", "KMSClient");
  const { KeyMetadata } = await kms("CreateKey", {});
  await kms("Encrypt", { KeyId: KeyMetadata.KeyId, Plaintext: Buffer.from("p") });
}

/** rest-json */
async function functions() {
  const lambda = client("lambda", "LambdaClient");
  const archive = Buffer.from("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==", "base64");
  await lambda("CreateFunction", {
    FunctionName: "price",
    Runtime: "nodejs20.x",
    Role: PASSED,
    Handler: "a.b",
    Code: { ZipFile: archive },
  });
  await lambda("ListFunctions", {});
  await lambda("GetFunction", { FunctionName: "price" });
}

/** query, and ec2 */
async function queries() {
  const sns = client("sns", "SNSClient");
  const { TopicArn } = await sns("CreateTopic", { Name: "news" });
  await sns("Publish", { TopicArn, Message: "m" });
  await client("iam", "IAMClient")("GetRole", { RoleName: "service" });
  await client("sts", "STSClient")("GetCallerIdentity", {});
  const ec2 = client("ec2", "EC2Client");
  await ec2("DescribeRegions", {});
  const { Vpc } = await ec2("CreateVpc", { CidrBlock: "10.9.0.0/16" });
  await ec2("DeleteVpc", { VpcId: Vpc.VpcId });
}

/** smithy-rpc-v2-cbor, with a body that the SDK may compress */
async function metrics() {
  const cloudwatch = client("cloudwatch", "CloudWatchClient");
  await cloudwatch("PutMetricData", { Namespace: "Shop", MetricData: [{ MetricName: "sold", Value: 1 }] });
  await cloudwatch("ListMetrics", { Namespace: "Shop" });
}

const s3 = await objects();
await tables();
await secrets();
await functions();
await queries();
await metrics();
if (process.argv.includes("--further")) await s3("DeleteBucket", { Bucket: "orders" });
console.log("done");
