//! Which calls come out of a conversation, and how they ended.

use whittle_schemas::table::Outcome;

use super::*;
use crate::model::{NameSource, Requested};

#[test]
fn a_call_over_tls_is_named_by_its_hello_and_read_at_openssl() {
    let mut scene = Scene::new();
    let id = scene.over_tls();
    scene.send(id, &get_object());
    scene.receive(id, &answer("200 OK", "data"));
    let [call] = &scene.calls[..] else {
        panic!("one call, not {:?}", scene.calls);
    };
    let expected = Requested {
        action: "s3:GetObject".to_owned(),
        resource: "arn:aws:s3:::b/k".to_owned(),
        outcome: Outcome::Allowed,
        error: None,
        operation: "s3.GetObject".to_owned(),
        endpoint: format!("{S3}:443"),
        region: Some("eu-west-1".to_owned()),
        account: Some("029608264753".to_owned()),
        access_key_id: Some(KEY.to_owned()),
        medium: Medium::Openssl,
    };
    assert_eq!(call.request, expected);
    assert_eq!((call.subject, call.generation), (3, 0));
    let endpoint = scene.endpoint();
    assert_eq!(endpoint.name, format!("{S3}:443"));
    assert_eq!(endpoint.name_source, Some(NameSource::Sni));
    assert_eq!(endpoint.provider, Some("aws"));
    let counts = (
        endpoint.connections,
        endpoint.readable,
        endpoint.decoded,
        endpoint.requests,
    );
    assert_eq!(counts, (1, 1, 1, 1));
    assert_eq!(endpoint.reasons, Vec::<&str>::new());
}

#[test]
fn refusals_are_told_from_failures_and_silence_is_use() {
    let mut scene = Scene::new();
    let id = scene.over_tls();
    let denied = "<Error><Code>AccessDenied</Code></Error>";
    let by_type = r#"{"__type":"com.amazonaws.x#AccessDeniedException","message":"planted"}"#;
    for (status, body) in [
        ("403 Forbidden", denied),
        ("400 Bad Request", by_type),
        ("404 Not Found", "<Error><Code>NoSuchKey</Code></Error>"),
        ("500 Internal", ""),
        ("304 Not Modified", ""),
    ] {
        scene.send(id, &get_object());
        scene.receive(id, &answer(status, body));
    }
    scene.send(id, &get_object());
    scene.close(id, 0);
    let object = "s3:GetObject arn:aws:s3:::b/k";
    let expected = [
        "denied AccessDenied",
        "denied AccessDeniedException",
        "failed NoSuchKey",
        "failed 500",
        "allowed -",
        "allowed -",
    ];
    assert_eq!(
        scene.lines(),
        expected.map(|ending| format!("{object} {ending}"))
    );
}

#[test]
fn a_request_that_is_not_known_counts_as_all_it_may_be() {
    let mut scene = Scene::new();
    let id = scene.over_tls();
    scene.send(
        id,
        &signed(
            "POST",
            "x.amazonaws.com",
            "/",
            "sqs",
            "X-Amz-Target: AmazonSQS.NewThing\r\nContent-Length: 2\r\n\r\n{}",
        ),
    );
    scene.receive(id, &answer("200 OK", ""));
    scene.send(
        id,
        &signed(
            "POST",
            "x.amazonaws.com",
            "/",
            "brand-new",
            "Content-Length: 0\r\n\r\n",
        ),
    );
    scene.receive(id, &answer("200 OK", ""));
    assert_eq!(scene.lines(), ["sqs:* * allowed -", "* * allowed -"]);
    assert!(
        scene
            .calls
            .iter()
            .all(|call| call.request.operation == "unmapped")
    );
    let endpoint = scene.endpoint();
    assert_eq!((endpoint.requests, endpoint.requests_unmapped), (2, 2));
}

#[test]
fn a_local_server_that_is_asked_with_a_signature_is_a_cloud() {
    let mut scene = Scene::new();
    scene.open(tcp(1), Transport::Tcp, "127.0.0.1:5000");
    scene.send(
        tcp(1),
        &signed("GET", "127.0.0.1:5000", "/b/k", "s3", "\r\n"),
    );
    scene.receive(tcp(1), &answer("200 OK", ""));
    assert_eq!(scene.lines(), ["s3:GetObject arn:aws:s3:::b/k allowed -"]);
    assert_eq!(scene.calls[0].request.medium, Medium::Http);
    let endpoint = scene.endpoint();
    assert_eq!(
        (endpoint.name.as_str(), endpoint.provider),
        ("127.0.0.1:5000", Some("aws"))
    );
}

#[test]
fn a_key_is_known_by_the_answer_that_handed_it_out_even_afterwards() {
    let mut scene = Scene::new();
    let id = scene.over_tls();
    scene.send(id, &get_object());
    scene.receive(id, &answer("200 OK", ""));
    assert_eq!(scene.conversations.principal(KEY), None);
    scene.socket = None;
    scene.open(tcp(5), Transport::Tcp, "169.254.169.254:80");
    scene.send(tcp(5), "GET /latest/meta-data/iam/security-credentials/nightly HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n");
    scene.receive(
        tcp(5),
        &answer(
            "200 OK",
            &format!(r#"{{"AccessKeyId":"{KEY}","SecretAccessKey":"planted","Token":"planted"}}"#),
        ),
    );
    assert_eq!(
        scene.conversations.principal(KEY),
        Some("arn:aws:iam::029608264753:role/nightly")
    );
    assert_eq!(scene.calls.len(), 1, "metadata is no cloud call");
}

#[test]
fn a_number_that_is_used_again_is_another_connection() {
    let mut scene = Scene::new();
    scene.open(tcp(1), Transport::Tcp, "127.0.0.1:5000");
    scene.send(
        tcp(1),
        &signed("GET", "127.0.0.1:5000", "/b/k", "s3", "\r\n"),
    );
    scene.offsets.clear();
    scene.open(tcp(1), Transport::Tcp, "127.0.0.1:5001");
    assert_eq!(scene.lines(), ["s3:GetObject arn:aws:s3:::b/k allowed -"]);
    scene.send(
        tcp(1),
        &signed("GET", "127.0.0.1:5001", "/b/k", "s3", "\r\n"),
    );
    scene.calls.extend(scene.conversations.finish(0));
    assert_eq!(scene.calls[1].request.endpoint, "127.0.0.1:5001");
    assert_eq!(scene.endpoints().len(), 2);
}

#[test]
fn a_process_that_ends_leaves_its_objects() {
    let mut scene = Scene::new();
    let id = scene.over_tls();
    scene.send(id, &get_object());
    scene.close(tls(0), 0);
    assert_eq!(scene.calls.len(), 1);
}

#[test]
fn what_comes_out_holds_no_secret() {
    let mut scene = Scene::new();
    let id = scene.over_tls();
    let target = "/k?X-Amz-Security-Token=planted&versionId=1";
    scene.send(
        id,
        &signed("GET", S3, target, "s3", "Cookie: planted\r\n\r\n"),
    );
    scene.receive(id, "HTTP/1.1 400 Bad\r\nSet-Cookie: planted\r\nContent-Length: 37\r\n\r\n{\"__type\":\"X\",\"message\":\"a planted b\"}");
    let put = r#"{"Name":"n","SecretString":"planted"}"#;
    let body = format!(
        "X-Amz-Target: secretsmanager.CreateSecret\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n{put}",
        put.len()
    );
    scene.send(
        id,
        &signed(
            "POST",
            "secretsmanager.eu-west-1.amazonaws.com",
            "/",
            "secretsmanager",
            &body,
        ),
    );
    scene.receive(id, &answer("200 OK", r#"{"ARN":"planted"}"#));
    assert_eq!(scene.calls.len(), 2, "{:?}", scene.lines());
    let endpoints = scene.endpoints();
    let shown = format!("{:?} {endpoints:?}", scene.calls);
    assert!(!shown.contains("planted"), "{shown}");
}
