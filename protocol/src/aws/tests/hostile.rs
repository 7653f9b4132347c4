//! Input that wants to do harm: no panic, nothing named wrongly, and no secret handed on.

use proptest::prelude::*;

use super::Asked;
use crate::aws::{Request, decode};

/// Requests of each kind of body, whole.
fn samples() -> Vec<Asked> {
    let new = |scope, path| Asked::new(scope, "POST", "localhost", path);
    vec![
        new("eu-west-1/dynamodb", "/")
            .header("X-Amz-Target", "DynamoDB_20120810.BatchGetItem")
            .body(r#"{"RequestItems":{"a":{"Keys":[{"id":{"S":"1"}}]},"b":{}}}"#),
        new("eu-west-1/elasticloadbalancing", "/")
            .body("Action=DescribeLoadBalancerAttributes&Version=2015-12-01&LoadBalancerArn=a"),
        new("eu-west-1/ec2", "/")
            .body("Action=DescribeInstanceStatus&Version=2016-11-15&InstanceId.1=i"),
        new("eu-west-1/s3", "/b?delete").body("<Delete><Object><Key>a</Key></Object></Delete>"),
        new(
            "eu-west-1/monitoring",
            "/service/GraniteServiceVersion20100801/operation/DeleteAlarms",
        )
        .header("smithy-protocol", "rpc-v2-cbor")
        .body(b"\xa1\x6aAlarmNames\x82\x61a\x61b"),
        Asked::unsigned("POST", "localhost", "/").body(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::1:role/r",
        ),
    ]
}

#[test]
fn a_body_that_is_cut_anywhere_is_never_named_wrongly() {
    for asked in samples() {
        let whole = asked.decoded(|found| found.map(|call| (call.service, call.operation)).ok());
        assert!(whole.is_some(), "{asked:?}");
        for at in 0..=asked.body.len() {
            let cut = asked.clone().cut(at);
            let found = cut.decoded(|found| found.map(|call| (call.service, call.operation)).ok());
            assert!(found.is_none() || found == whole, "{at}: {found:?}");
        }
    }
}

#[test]
fn nested_bodies_end_without_harm() {
    let deep = "{\"a\":".repeat(100_000);
    let asked = Asked::new("eu-west-1/iot", "POST", "localhost", "/rules/r").body(&deep);
    asked.decoded(|found| assert!(!found.expect("the path names it").complete));
    let target = "/service/CodeBuild_20161006/operation/CreateProject";
    let asked = Asked::new("eu-west-1/codebuild", "POST", "localhost", target)
        .header("smithy-protocol", "rpc-v2-cbor")
        .body(vec![0x81; 1_000_000]);
    asked.decoded(|found| assert!(!found.expect("the path names it").complete));
}

#[test]
fn secrets_are_in_nothing_that_comes_out() {
    let planted = ["PLANTEDsignature", "PLANTEDtoken", "PLANTEDbody"];
    for host in ["s3.amazonaws.com", "localhost", "example.com"] {
        for service in ["s3", "sts", "dynamodb", "nothing"] {
            let authorization = format!(
                "AWS4-HMAC-SHA256 Credential=AKIAQNZGKIQY56JQ7WML/20261122/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature={}",
                planted[0]
            );
            let query = format!(
                "/?X-Amz-Security-Token={}&X-Amz-Signature={}",
                planted[1], planted[0]
            );
            let asked = Asked::unsigned("POST", host, &query)
                .header("Authorization", &authorization)
                .header("X-Amz-Security-Token", planted[1])
                .header("X-Amz-Target", "DynamoDB_20120810.PutItem")
                .body(format!(
                    "Action=AssumeRole&Version=2011-06-15&Password={}",
                    planted[2]
                ));
            let told = asked.decoded(|found| format!("{found:?}"));
            assert!(
                !planted.iter().any(|secret| told.contains(secret)),
                "{told}"
            );
        }
    }
}

/// Text of what requests are made of, so that something comes of it.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("s3".to_owned()),
        Just(".amazonaws.com".to_owned()),
        Just("eu-west-1".to_owned()),
        Just("arn:aws:".to_owned()),
        Just("%2F".to_owned()),
        Just("/service/X/operation/Y".to_owned()),
        Just("Action=".to_owned()),
        Just("&Version=2011-06-15".to_owned()),
        Just("X-Amz-Credential=".to_owned()),
        Just("AKIAIOSFODNN7EXAMPLE/20261122/eu-west-1/s3/aws4_request".to_owned()),
        Just("AWS4-HMAC-SHA256 Credential=".to_owned()),
        "[/?&=%.:;+{}\\-]{0,3}",
        "\\PC{0,6}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn arbitrary_requests_never_panic(
        method in text(),
        host in text(),
        path in text(),
        authorization in text(),
        target in text(),
        body in prop::collection::vec(any::<u8>(), 0..200),
        body_complete: bool,
    ) {
        let headers: [(&str, &[u8]); 3] = [
            ("authorization", authorization.as_bytes()),
            ("x-amz-target", target.as_bytes()),
            ("smithy-protocol", b"rpc-v2-cbor"),
        ];
        let request = Request { method: &method, host: &host, path: &path, headers: &headers, body: &body, body_complete };
        let _ = format!("{:?}", decode(&request));
    }

    #[test]
    fn arbitrary_bodies_never_change_the_name_that_the_head_gives(
        body in prop::collection::vec(any::<u8>(), 0..300),
        which in 0..6_usize,
    ) {
        let asked = samples().swap_remove(which);
        let named_by_head = asked.headers.iter().any(|(name, _)| name != "Authorization") || asked.path.contains("delete");
        let whole = asked.name();
        let other = asked.body(body);
        if named_by_head {
            prop_assert_eq!(other.name(), whole);
        } else {
            let _ = other.name();
        }
    }

    #[test]
    fn a_changed_byte_in_a_body_never_panics(at in 0..100_usize, byte: u8, which in 0..6_usize) {
        let mut asked = samples().swap_remove(which);
        let at = at % asked.body.len();
        asked.body[at] = byte;
        let _ = asked.name();
    }
}
