//! Every form of an address, and what it says.

use super::{Asked, forms::check};
use crate::aws::{KeyKind, Reason, Style};

#[test]
fn buckets_are_found_in_every_kind_of_host() {
    for (host, path, bucket, dual_stack, fips) in [
        ("b.s3.eu-west-1.amazonaws.com", "/k", "b", false, false),
        ("a.b.s3.amazonaws.com", "/k", "a.b", false, false),
        ("b.s3-eu-west-1.amazonaws.com:443", "/k", "b", false, false),
        (
            "b.s3.dualstack.eu-west-1.amazonaws.com",
            "/k",
            "b",
            true,
            false,
        ),
        ("b.s3-fips.us-east-1.amazonaws.com", "/k", "b", false, true),
        (
            "b.s3-fips.dualstack.us-east-1.amazonaws.com",
            "/k",
            "b",
            true,
            true,
        ),
        ("b.s3-accelerate.amazonaws.com", "/k", "b", false, false),
        (
            "b.s3-accelerate.dualstack.amazonaws.com",
            "/k",
            "b",
            true,
            false,
        ),
        (
            "s3.dualstack.eu-west-1.amazonaws.com",
            "/b/k",
            "b",
            true,
            false,
        ),
        ("s3.cn-north-1.amazonaws.com.cn", "/b/k", "b", false, false),
        ("localhost:9000", "/b/k", "b", false, false),
        ("b.localhost:9000", "/k", "b", false, false),
        (
            "b.minio.example.com",
            "/k?x-id=GetObject",
            "b",
            false,
            false,
        ),
        (
            "minio.example.com",
            "/b/k?x-id=GetObject",
            "b",
            false,
            false,
        ),
    ] {
        let region = if host.contains("cn-") {
            "cn-north-1"
        } else {
            "eu-west-1"
        };
        let partition = if host.contains("cn-") {
            "aws-cn"
        } else {
            "aws"
        };
        let asked = Asked::new(&format!("{region}/s3"), "GET", host, path);
        assert_eq!(
            asked.uses(),
            [format!("s3:GetObject arn:{partition}:s3:::{bucket}/k")],
            "{host}"
        );
        asked.decoded(|found| {
            let endpoint = found.expect("it has a name").endpoint;
            assert_eq!(
                (endpoint.dual_stack, endpoint.fips),
                (dual_stack, fips),
                "{host}"
            );
        });
    }
}

#[test]
fn access_points_are_found_in_host_and_path() {
    for (scope, host, path, expected) in [
        (
            "us-west-2/s3",
            "ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com",
            "/a/k",
            "s3:GetObject arn:aws:s3:us-west-2:123456789012:accesspoint/ap/object/a/k",
        ),
        (
            "us-west-2/s3",
            "ap-123456789012.s3-accesspoint-fips.dualstack.us-west-2.amazonaws.com",
            "/k",
            "s3:GetObject arn:aws:s3:us-west-2:123456789012:accesspoint/ap/object/k",
        ),
        (
            "us-west-2/s3",
            "localhost",
            "/arn%3Aaws%3As3%3Aus-west-2%3A123456789012%3Aaccesspoint%2Fap/k",
            "s3:GetObject arn:aws:s3:us-west-2:123456789012:accesspoint/ap/object/k",
        ),
        (
            "us-west-2/s3-object-lambda",
            "ol-123456789012.s3-object-lambda.us-west-2.amazonaws.com",
            "/k",
            "s3-object-lambda:GetObject arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/ol",
        ),
        (
            "us-west-2/s3-outposts",
            "ap-123456789012.op-1.s3-outposts.us-west-2.amazonaws.com",
            "/k",
            "s3-outposts:GetObject arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/ap/object/k",
        ),
        (
            "us-west-2/s3express",
            "b--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com",
            "/k",
            "s3express:CreateSession arn:aws:s3express:us-west-2:029608264753:bucket/b--usw2-az1--x-s3",
        ),
        (
            "us-west-2/s3",
            "s3.us-west-2.amazonaws.com",
            "/ap-abc-s3alias/k",
            "s3:GetObject *",
        ),
    ] {
        assert_eq!(
            Asked::new(scope, "GET", host, path).uses(),
            [expected],
            "{host}"
        );
    }
    let alias = "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com";
    let asked = Asked::unsigned("GET", alias, "/k")
        .header("Authorization", "AWS4-ECDSA-P256-SHA256 Credential=ASIAQNZGKIQY56JQ7WML/20261122/s3/aws4_request, SignedHeaders=host, Signature=30")
        .header("X-Amz-Region-Set", "*");
    assert_eq!(
        asked.uses(),
        ["s3:GetObject arn:aws:s3::029608264753:accesspoint/mfzwi23gnjvgw.mrap/object/k"]
    );
    asked.decoded(|found| {
        let call = found.expect("it has a name");
        assert_eq!(call.region, None);
        assert!(matches!(
            call.endpoint.style,
            Style::MultiRegionAccessPoint(_)
        ));
    });
}

#[test]
fn unsigned_requests_are_named_by_host_or_by_what_says_its_service() {
    let body = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&WebIdentityToken=secret";
    for host in [
        "sts.eu-west-1.amazonaws.com",
        "sts.amazonaws.com",
        "localhost:5000",
    ] {
        let asked = Asked::unsigned("POST", host, "/").body(body);
        assert_eq!(
            asked.uses(),
            ["sts:AssumeRoleWithWebIdentity arn:aws:iam::123456789012:role/r"],
            "{host}"
        );
        asked.decoded(|found| {
            let call = found.expect("it has a name");
            assert_eq!(
                (call.access_key_id, call.key_kind, call.account),
                (None, KeyKind::Unknown, None)
            );
        });
    }
    let portal = "/federation/credentials?role_name=r&account_id=123456789012";
    let portal = Asked::unsigned("GET", "portal.sso.us-east-1.amazonaws.com", portal);
    check(
        &portal.header("x-amz-sso_bearer_token", "secret"),
        "sso.GetRoleCredentials",
    );
    let identity = Asked::unsigned("POST", "localhost", "/")
        .header("X-Amz-Target", "AWSCognitoIdentityService.GetId");
    check(&identity, "cognito-identity.GetId");
    check(
        &Asked::unsigned("GET", "b.s3.amazonaws.com", "/k"),
        "s3.GetObject",
    );
    assert_eq!(
        Asked::unsigned("GET", "example.com", "/").reason(),
        Reason::NotAws
    );
    assert_eq!(
        Asked::unsigned("GET", "console.us-east-1.amazonaws.com", "/").reason(),
        Reason::UnknownHost
    );
}

#[test]
fn what_users_made_is_named_by_its_host() {
    for (scope, method, host, path, expected) in [
        (
            "eu-west-1/execute-api",
            "POST",
            "abc.execute-api.eu-west-1.amazonaws.com",
            "/prod/pets/1",
            "execute-api:Invoke arn:aws:execute-api:eu-west-1:029608264753:abc/prod/POST/pets/1",
        ),
        (
            "eu-west-1/lambda",
            "GET",
            "abc.lambda-url.eu-west-1.on.aws",
            "/",
            "lambda:InvokeFunctionUrl arn:aws:lambda:eu-west-1:029608264753:function:*",
        ),
        (
            "eu-west-1/es",
            "GET",
            "search-logs-abc123.eu-west-1.es.amazonaws.com",
            "/i/_search",
            "es:ESHttpGet arn:aws:es:eu-west-1:029608264753:domain/logs/i/_search",
        ),
    ] {
        assert_eq!(Asked::new(scope, method, host, path).uses(), [expected]);
    }
}

#[test]
fn the_signature_alone_tells_the_service_where_the_host_does_not() {
    let asked = Asked::new("us-east-1/nothing", "GET", "s3.amazonaws.com", "/");
    assert_eq!(asked.reason(), Reason::UnknownService("nothing".to_owned()));
    let asked = Asked::new(
        "us-east-1/sqs",
        "POST",
        "proxy.example.com",
        "http://sqs.local/",
    )
    .header("x-amz-target", "AmazonSQS.ListQueues");
    check(&asked, "sqs.ListQueues");
}
