//! Answers as the services document them, with planted secrets: the key's id and its owner come out, and nothing else.

use proptest::prelude::*;

use super::*;
use crate::{Hidden, http1};

const ID: &str = "ASIAQNZGKIQY56JQ7WML";

fn exchange(request: &str, body: &str) -> Option<Binding> {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = http1::Connection::new(keep);
    let mut exchanges = connection.sent(whole(request.as_bytes()));
    exchanges.extend(connection.received(whole(answer.as_bytes())));
    let [http1::Exchange { request, response }] = &exchanges[..] else {
        panic!("one exchange, not {exchanges:?}");
    };
    let response = response.as_ref().expect("it was answered");
    let read = read(request, response);
    let shown = format!("{exchanges:?} {read:?}");
    assert!(!shown.contains("planted"), "{shown}");
    read
}

fn whole(bytes: &[u8]) -> http1::Chunk<'_> {
    http1::Chunk {
        offset: 0,
        bytes,
        length: bytes.len() as u64,
        lost_before: false,
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-aws-ec2-metadata-token: planted-token\r\n\r\n")
}

fn sts(form: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: sts.amazonaws.com\r\nAuthorization: planted\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

fn principal(arn: &str, session: Option<&str>) -> Owner {
    Owner::Principal(Principal {
        arn: arn.to_owned(),
        session: session.map(str::to_owned),
    })
}

fn issued(owner: Owner) -> Binding {
    Binding {
        key: Key::Issued(ID.to_owned()),
        owner,
    }
}

#[test]
fn instance_metadata_gives_the_role_in_its_path() {
    let body = format!(
        r#"{{"Code":"Success","LastUpdated":"2026-11-22T00:00:00Z","Type":"AWS-HMAC","AccessKeyId":"{ID}","SecretAccessKey":"planted-secret","Token":"planted-token","Expiration":"2026-11-22T06:00:00Z"}}"#
    );
    for path in [
        "/latest/meta-data/iam/security-credentials/nightly",
        "/2021-07-15/meta-data/iam/security-credentials/nightly",
    ] {
        assert_eq!(
            exchange(&get(path), &body),
            Some(issued(Owner::Role("nightly".to_owned())))
        );
    }
    assert_eq!(
        Principal::of_role("nightly", "029608264753").map(|principal| principal.arn),
        Some("arn:aws:iam::029608264753:role/nightly".to_owned())
    );
}

#[test]
fn container_answers_give_the_role_or_the_account() {
    let ecs = format!(
        r#"{{"RoleArn":"arn:aws:iam::029608264753:role/teams/task","AccessKeyId":"{ID}","SecretAccessKey":"planted","Token":"planted","Expiration":"x"}}"#
    );
    let role = principal("arn:aws:iam::029608264753:role/teams/task", None);
    assert_eq!(
        exchange(&get("/v2/credentials/3c1f"), &ecs),
        Some(issued(role))
    );
    let eks = format!(
        r#"{{"AccessKeyId":"{ID}","SecretAccessKey":"planted","Token":"planted","AccountId":"029608264753","Expiration":"x"}}"#
    );
    let account = Owner::Account("029608264753".to_owned());
    assert_eq!(
        exchange(&get("/v1/credentials"), &eks),
        Some(issued(account))
    );
}

const ASSUMED: &str = r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROAEXAMPLE:job</AssumedRoleId>
      <Arn>arn:aws:sts::029608264753:assumed-role/nightly/job-7</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAQNZGKIQY56JQ7WML</AccessKeyId>
      <SecretAccessKey>planted&amp;secret</SecretAccessKey>
      <SessionToken>planted</SessionToken>
    </Credentials>
  </AssumeRoleResult>
</AssumeRoleResponse>"#;

#[test]
fn an_assumed_role_has_the_path_that_was_asked_for_and_a_session() {
    let form = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A029608264753%3Arole%2Fteams%2Fnightly&RoleSessionName=job-7";
    let role = "arn:aws:iam::029608264753:role/teams/nightly";
    assert_eq!(
        exchange(&sts(form), ASSUMED),
        Some(issued(principal(role, Some("job-7"))))
    );
    let web = "Action=AssumeRoleWithWebIdentity&WebIdentityToken=planted";
    let role = "arn:aws:iam::029608264753:role/nightly";
    assert_eq!(
        exchange(&sts(web), ASSUMED),
        Some(issued(principal(role, Some("job-7"))))
    );
    let by_query =
        "GET /?Action=AssumeRoleWithWebIdentity&WebIdentityToken=planted HTTP/1.1\r\n\r\n";
    assert_eq!(
        exchange(by_query, ASSUMED),
        Some(issued(principal(role, Some("job-7"))))
    );
}

#[test]
fn sts_may_answer_in_json() {
    let body = format!(
        r#"{{"AssumeRoleResponse":{{"AssumeRoleResult":{{"AssumedRoleUser":{{"Arn":"arn:aws:sts::029608264753:assumed-role/nightly/job-7","AssumedRoleId":"x"}},"Credentials":{{"AccessKeyId":"{ID}","SecretAccessKey":"planted\n","SessionToken":"planted","Expiration":1.0}}}},"ResponseMetadata":{{"RequestId":"x"}}}}}}"#
    );
    let role = "arn:aws:iam::029608264753:role/nightly";
    assert_eq!(
        exchange(&sts("Action=AssumeRole"), &body),
        Some(issued(principal(role, Some("job-7"))))
    );
}

#[test]
fn the_caller_is_who_signed() {
    let body = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws-cn:iam::029608264753:user/ops/ann</Arn><UserId>AIDA</UserId><Account>029608264753</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    let expected = Binding {
        key: Key::Signing,
        owner: principal("arn:aws-cn:iam::029608264753:user/ops/ann", None),
    };
    assert_eq!(
        exchange(&sts("Action=GetCallerIdentity"), body),
        Some(expected)
    );
    let token = format!(
        "<GetSessionTokenResponse><GetSessionTokenResult><Credentials><AccessKeyId>{ID}</AccessKeyId><SecretAccessKey>planted</SecretAccessKey></Credentials></GetSessionTokenResult></GetSessionTokenResponse>"
    );
    assert_eq!(
        exchange(&sts("Action=GetSessionToken"), &token),
        Some(issued(Owner::Signer))
    );
    let federated = format!(
        "<GetFederationTokenResponse><GetFederationTokenResult><Credentials><AccessKeyId>{ID}</AccessKeyId></Credentials><FederatedUser><Arn>arn:aws:sts::029608264753:federated-user/bob</Arn></FederatedUser></GetFederationTokenResult></GetFederationTokenResponse>"
    );
    let bob = principal("arn:aws:sts::029608264753:federated-user/bob", None);
    assert_eq!(
        exchange(&sts("Action=GetFederationToken"), &federated),
        Some(issued(bob))
    );
}

#[test]
fn an_answer_that_puts_a_secret_where_a_name_belongs_gives_nothing() {
    let as_id = r#"{"AccessKeyId":"planted/wJalrXUtnFEMI/K7MDENG","AccountId":"029608264753"}"#;
    assert_eq!(exchange(&get("/v1/credentials"), as_id), None);
    let as_arn =
        format!(r#"{{"AccessKeyId":"{ID}","RoleArn":"planted secret","AccountId":"planted"}}"#);
    assert_eq!(exchange(&get("/v1/credentials"), &as_arn), None);
    let as_role = get("/latest/meta-data/iam/security-credentials/planted%20x");
    assert_eq!(
        exchange(&as_role, &format!(r#"{{"AccessKeyId":"{ID}"}}"#)),
        None
    );
}

#[test]
fn other_requests_keep_no_answer() {
    for request in [
        get("/latest/api/token"),
        get("/latest/meta-data/iam/security-credentials/"),
        get("/bucket/key"),
        sts("Action=ListUsers"),
        "PUT /latest/api/token HTTP/1.1\r\n\r\n".to_owned(),
    ] {
        let mut connection = http1::Connection::new(keep);
        connection.sent(whole(request.as_bytes()));
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nplanted";
        let exchanges = connection.received(whole(answer.as_bytes()));
        let response = exchanges[0].response.as_ref().expect("it was answered");
        assert_eq!(response.body, Hidden::default(), "{request}");
    }
}

proptest! {
    #[test]
    fn answers_of_any_kind_never_panic(body in ".{0,300}", at in 0_usize..400) {
        exchange(&sts("Action=AssumeRole"), &body.replace("planted", ""));
        let cut = ASSUMED.get(..at).unwrap_or(ASSUMED).replace("planted", "");
        exchange(&sts("Action=AssumeRole"), &cut);
    }
}
