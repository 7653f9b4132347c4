//! Resources out of bodies: each format, whole, cut and odd. A sample of real calls is in `tests/cloud/decoder/calls.py`.

use super::Asked;

fn dynamodb(operation: &str, body: &str) -> Asked {
    Asked::new("eu-west-1/dynamodb", "POST", "localhost", "/")
        .header("X-Amz-Target", &format!("DynamoDB_20120810.{operation}"))
        .body(body)
}

const TABLE: &str = "arn:aws:dynamodb:eu-west-1:029608264753:table";

#[test]
fn names_are_read_from_json_wherever_they_stand() {
    let body = r#"{"Item":{"TableName":{"S":"not this"}},"TableName":"t\u00e9"}"#;
    assert_eq!(
        dynamodb("PutItem", body).uses(),
        [format!("dynamodb:PutItem {TABLE}/té")]
    );
    assert_eq!(
        dynamodb("PutItem", "{}").uses(),
        [format!("dynamodb:PutItem {TABLE}/*")]
    );
    assert_eq!(
        dynamodb("PutItem", r#"{"TableName":5}"#).uses(),
        [format!("dynamodb:PutItem {TABLE}/*")]
    );
    assert_eq!(
        dynamodb("PutItem", "garbage").uses(),
        ["dynamodb:PutItem *"]
    );
}

#[test]
fn names_are_read_from_cbor_of_either_length_form() {
    let path = "/service/GraniteServiceVersion20100801/operation/DeleteAlarms";
    let ask = |body: &[u8]| {
        Asked::new("eu-west-1/monitoring", "POST", "localhost", path)
            .header("smithy-protocol", "rpc-v2-cbor")
            .body(body)
            .uses()
    };
    let expected = [
        "cloudwatch:DeleteAlarms arn:aws:cloudwatch:eu-west-1:029608264753:alarm:a arn:aws:cloudwatch:eu-west-1:029608264753:alarm:b",
    ];
    assert_eq!(ask(b"\xa1\x6aAlarmNames\x82\x61a\x61b"), expected);
    assert_eq!(
        ask(b"\xbf\x6aAlarmNames\x9f\x61a\x7f\x61b\xff\xff\xff"),
        expected
    );
    // A timestamp is a tagged number.
    assert_eq!(
        ask(b"\xa2\x61t\xc1\x1a\x00\x00\x00\x01\x6aAlarmNames\x82\x61a\x61b"),
        expected
    );
    assert_eq!(
        ask(b"\xa1\x6aAlarmNames\x82\x61a"),
        ["cloudwatch:DeleteAlarms arn:aws:cloudwatch:eu-west-1:029608264753:alarm:a *"]
    );
}

#[test]
fn names_are_read_from_forms() {
    let ask = |body: &str| {
        Asked::new("eu-west-1/ec2", "POST", "localhost", "/")
            .body(body)
            .uses()
    };
    assert_eq!(
        ask("Action=StopInstances&Version=2016-11-15&InstanceId.1=i-1&InstanceId.2=i-2"),
        [
            "ec2:StopInstances arn:aws:ec2:eu-west-1:029608264753:instance/i-1 arn:aws:ec2:eu-west-1:029608264753:instance/i-2"
        ]
    );
    // The last pair may be shorter than it was.
    let asked = Asked::new("eu-west-1/ec2", "POST", "localhost", "/")
        .body("Action=StopInstances&Version=2016-11-15&InstanceId.1=i-1&InstanceId.2=i-2");
    let cut = asked.body.len() - 1;
    assert_eq!(
        asked.cut(cut).uses(),
        ["ec2:StopInstances arn:aws:ec2:eu-west-1:029608264753:instance/i-1 *"]
    );
}

#[test]
fn keys_are_read_from_xml() {
    let ask = |body: &str| Asked::new("eu-west-1/s3", "POST", "localhost", "/b?delete").body(body);
    let body = "<?xml version='1.0'?><Delete xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Object><Key>a&amp;b &#233;</Key></Object><Object><Key><![CDATA[<c>]]></Key><VersionId>1</VersionId></Object></Delete>";
    assert_eq!(
        ask(body).uses(),
        [
            "s3:DeleteObject arn:aws:s3:::b/a&b é arn:aws:s3:::b/<c>",
            "s3:DeleteObjectVersion arn:aws:s3:::b/a&b é arn:aws:s3:::b/<c>"
        ]
    );
    assert_eq!(
        ask("<Delete><Object><Key>a</Key></Object><Obj")
            .cut(41)
            .uses(),
        ["s3:DeleteObject arn:aws:s3:::b/a arn:aws:s3:::b/*"]
    );
}

#[test]
fn what_a_missing_part_would_say_is_a_star() {
    let body = r#"{"TableName":"orders","Item":{}}"#;
    let asked = dynamodb("PutItem", body);
    for at in 0..body.len() {
        let star = ["dynamodb:PutItem *".to_owned()];
        let named = [format!("dynamodb:PutItem {TABLE}/orders")];
        let found = asked.clone().cut(at).uses();
        assert!(found == star || found == named, "{at}: {found:?}");
        assert_eq!(found == named, at >= 21, "{at}: {found:?}");
    }
}

#[test]
fn roles_in_the_input_are_passed() {
    let role = "arn:aws:iam::123456789012:role/service/r";
    let ask = |body: String| {
        Asked::new(
            "eu-west-1/lambda",
            "POST",
            "localhost",
            "/2015-03-31/functions",
        )
        .body(body)
        .uses()
    };
    let function = "lambda:CreateFunction arn:aws:lambda:eu-west-1:029608264753:function:f";
    assert_eq!(
        ask(format!(r#"{{"FunctionName":"f","Role":"{role}"}}"#)),
        [function.to_owned(), format!("iam:PassRole {role}")]
    );
    assert_eq!(
        ask(r#"{"FunctionName":"f","Role":"no ARN"}"#.to_owned()),
        [function]
    );
}

#[test]
fn statements_of_partiql_name_verb_and_table() {
    let ask = |statement: &str| {
        let body = serde_json::json!({ "Statement": statement }).to_string();
        dynamodb("ExecuteStatement", &body).uses()
    };
    for (statement, expected) in [
        (
            "SELECT * FROM \"orders\" WHERE a = 'FROM x'",
            "dynamodb:PartiQLSelect TABLE/orders",
        ),
        (
            " select a,\"from\" from orders.\"by-date\"",
            "dynamodb:PartiQLSelect TABLE/orders/index/by-date",
        ),
        (
            "UPDATE \"orders\" SET a=1",
            "dynamodb:PartiQLUpdate TABLE/orders",
        ),
        (
            "DELETE FROM orders WHERE a=1",
            "dynamodb:PartiQLDelete TABLE/orders",
        ),
        (
            "INSERT INTO \"orders\" VALUE {'a':1}",
            "dynamodb:PartiQLInsert TABLE/orders",
        ),
    ] {
        assert_eq!(
            ask(statement),
            [expected.replace("TABLE", TABLE)],
            "{statement}"
        );
    }
    assert_eq!(ask("what is this").len(), 4);
}

#[test]
fn actions_follow_from_headers_and_query() {
    let ask = |method: &str, path: &str| Asked::new("eu-west-1/s3", method, "localhost", path);
    assert_eq!(
        ask("PUT", "/b/k")
            .header("x-amz-copy-source", "a/b%20c?versionId=1")
            .uses(),
        [
            "s3:PutObject arn:aws:s3:::b/k",
            "s3:GetObjectVersion arn:aws:s3:::a/b c"
        ]
    );
    assert_eq!(
        ask("DELETE", "/b/k?versionId=1").uses(),
        ["s3:DeleteObjectVersion arn:aws:s3:::b/k"]
    );
    assert_eq!(
        ask("PUT", "/b/k").header("X-Amz-Tagging", "a=b").uses(),
        [
            "s3:PutObject arn:aws:s3:::b/k",
            "s3:PutObjectTagging arn:aws:s3:::b/k"
        ]
    );
    let gateway = Asked::new(
        "eu-west-1/apigateway",
        "PATCH",
        "localhost",
        "/restapis/a/stages/b",
    );
    assert_eq!(
        gateway.uses(),
        ["apigateway:PATCH arn:aws:apigateway:eu-west-1::/restapis/a/stages/b"]
    );
}
