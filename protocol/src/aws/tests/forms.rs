//! Every protocol. `hosts` has every form of an address.

use super::Asked;
use crate::aws::{KeyKind, Reason};

pub(super) fn check(asked: &Asked, expected: &str) {
    assert_eq!(asked.name(), expected, "{asked:?}");
}

#[test]
fn json_is_named_by_its_target() {
    let ask = |target| {
        Asked::new(
            "us-east-1/dynamodb",
            "POST",
            "dynamodb.us-east-1.amazonaws.com",
            "/",
        )
        .header("X-Amz-Target", target)
        .body("{}")
    };
    check(&ask("DynamoDB_20120810.PutItem"), "dynamodb.PutItem");
    check(
        &ask("DynamoDBStreams_20120810.GetRecords"),
        "dynamodbstreams.GetRecords",
    );
    check(
        &ask("DynamoDB_20120810.PutItems"),
        "the table has no operation `PutItems` of `dynamodb`",
    );
    check(
        &ask("Kinesis_20131202.PutRecord"),
        "the table has no operation `PutRecord` of `dynamodb`",
    );
}

#[test]
fn cbor_is_named_by_its_path() {
    let path = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
    let ask = Asked::new(
        "eu-west-1/monitoring",
        "POST",
        "monitoring.eu-west-1.amazonaws.com",
        path,
    );
    check(
        &ask.clone().header("Smithy-Protocol", "rpc-v2-cbor"),
        "cloudwatch.PutMetricData",
    );
    assert!(matches!(ask.reason(), Reason::UnknownPath { .. }));
}

#[test]
fn forms_are_named_by_action_and_version_in_body_or_query() {
    let ask = |body: &str| {
        Asked::new(
            "us-east-1/elasticloadbalancing",
            "POST",
            "localhost:4566",
            "/",
        )
        .body(body)
    };
    check(
        &ask("Action=DescribeLoadBalancers&Version=2015-12-01"),
        "elbv2.DescribeLoadBalancers",
    );
    check(
        &ask("Action=DescribeLoadBalancers&Version=2012-06-01"),
        "elb.DescribeLoadBalancers",
    );
    check(
        &ask("Version=2012-06-01&X=y&Action=DescribeLoadBalancers\n"),
        "elb.DescribeLoadBalancers",
    );
    // Both have it, and nothing says which.
    assert!(matches!(
        ask("Action=DescribeLoadBalancers").reason(),
        Reason::Ambiguous { .. }
    ));
    check(
        &ask("Action=DescribeRules&Version=2099-01-01"),
        "elbv2.DescribeRules",
    );
    let query = "/?Action=GetCallerIdentity&Version=2011-06-15";
    check(
        &Asked::new("us-east-1/sts", "GET", "sts.amazonaws.com", query),
        "sts.GetCallerIdentity",
    );
    let ec2 = Asked::new("us-east-1/ec2", "POST", "ec2.us-east-1.amazonaws.com", "/");
    check(
        &ec2.body("Action=DescribeInstances&Version=2016-11-15"),
        "ec2.DescribeInstances",
    );
}

#[test]
fn rest_is_named_by_method_path_and_query() {
    let ask = |method, path| Asked::new("us-east-1/s3", method, "s3.us-east-1.amazonaws.com", path);
    for (method, path, expected) in [
        ("GET", "/", "s3.ListBuckets"),
        ("GET", "/b", "s3.ListObjects"),
        ("GET", "/b/?list-type=2&prefix=a", "s3.ListObjectsV2"),
        ("GET", "/b?versions", "s3.ListObjectVersions"),
        ("GET", "/b?uploads=", "s3.ListMultipartUploads"),
        ("GET", "/b/k", "s3.GetObject"),
        ("GET", "/b/k/", "s3.GetObject"),
        ("GET", "/b/k?uploadId=1", "s3.ListParts"),
        ("GET", "/b/k?tagging", "s3.GetObjectTagging"),
        ("HEAD", "/b/k", "s3.HeadObject"),
        ("PUT", "/b/k", "s3.PutObject"),
        (
            "PUT",
            "/b/k?partNumber=1&uploadId=2&x-id=UploadPart",
            "s3.UploadPart",
        ),
        ("POST", "/b/k?uploads", "s3.CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=2", "s3.CompleteMultipartUpload"),
        ("POST", "/b?delete", "s3.DeleteObjects"),
        (
            "PATCH",
            "/b/k",
            "no operation of `s3` has this method, path and query",
        ),
    ] {
        check(&ask(method, path), expected);
    }
    let control =
        ask("GET", "/v20180820/accesspoint/ap").header("x-amz-account-id", "123456789012");
    check(&control, "s3control.GetAccessPoint");
    let copy = ask("PUT", "/b/k").header("x-amz-copy-source", "/a/b");
    check(&copy, "s3.CopyObject");
    let lambda = "/2015-03-31/functions/f/invocations";
    check(
        &Asked::new("us-east-1/lambda", "POST", "localhost", lambda),
        "lambda.Invoke",
    );
    // Two versions of API Gateway share a signing name.
    check(
        &Asked::new("us-east-1/apigateway", "GET", "localhost", "/v2/apis/a"),
        "apigatewayv2.GetApi",
    );
    check(
        &Asked::new("us-east-1/apigateway", "GET", "localhost", "/restapis/a"),
        "apigateway.GetRestApi",
    );
}

#[test]
fn presigned_requests_have_their_scope_in_the_query() {
    let path = "/b/k?response-content-type=text%2Fplain&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAQNZGKIQY56JQ7WML%2F20261122%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20261122T000000Z&X-Amz-Expires=60&X-Amz-Security-Token=secret&X-Amz-SignedHeaders=host&X-Amz-Signature=5ec2e7";
    let asked = Asked::unsigned("GET", "s3.eu-west-1.amazonaws.com", path);
    asked.decoded(|found| {
        let call = found.expect("it has a name");
        assert_eq!(
            (call.operation, call.region, call.key_kind),
            ("GetObject", Some("eu-west-1"), KeyKind::Static)
        );
        assert_eq!(call.access_key_id, Some("AKIAQNZGKIQY56JQ7WML"));
    });
    let path = "/b/k?AWSAccessKeyId=AKIAQNZGKIQY56JQ7WML&Signature=vjbyPxybd&Expires=1141889120&versionId=1";
    let asked = Asked::unsigned("GET", "s3.amazonaws.com", path);
    assert_eq!(asked.uses(), ["s3:GetObjectVersion arn:aws:s3:::b/k"]);
    // The token that `aws eks get-token` makes.
    let path = "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAQNZGKIQY56JQ7WML/20261122/us-east-1/sts/aws4_request&X-Amz-Signature=1";
    check(
        &Asked::unsigned("GET", "sts.us-east-1.amazonaws.com", path),
        "sts.GetCallerIdentity",
    );
}
