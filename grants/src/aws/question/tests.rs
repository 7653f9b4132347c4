//! What lines say, and what is said of bad ones.

use super::*;
use crate::aws::{Policies, PolicySet};

fn answer(line: &str) -> String {
    let question = match Question::parse(line) {
        Ok(question) => question,
        Err(error) => return error.to_string(),
    };
    match Policies::parse(question.policies) {
        Ok(policies) => {
            let decision = PolicySet::new(&policies).evaluate(&question.request);
            let by = decision.statement.map(|statement| statement.to_string());
            format!("{} {}", decision.verdict.name(), by.unwrap_or_default())
        }
        Err(error) => error.to_string(),
    }
}

fn ask(policies: &str) -> String {
    answer(&format!(
        r#"{{"id":1,"principal":"arn:aws:iam::123456789012:role/r","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","resource_account":"123456789012","context":{{}},"policies":{policies}}}"#
    ))
}

#[test]
fn a_statement_is_named_by_place_or_by_name() {
    let document = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":"s3:Get*","Resource":"*"},{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/secret"}]}"#;
    assert_eq!(
        ask(&format!(r#"{{"identity":[{document}]}}"#)),
        "allowed identity[0]#Read"
    );
    let named = format!(r#"{{"identity":[{{"name":"Reader","document":{document}}}]}}"#);
    assert_eq!(ask(&named), "allowed identity Reader#Read");
    let text = serde_json::to_string(document).expect("text is JSON");
    assert_eq!(
        ask(&format!(r#"{{"identity":[{text}]}}"#)),
        "allowed identity[0]#Read"
    );
    let denied = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}"#;
    let both = format!(r#"{{"identity":[{document}],"resource":{denied}}}"#);
    assert_eq!(ask(&both), "explicit_deny resource#1");
    let scp = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
    let both = format!(r#"{{"identity":[{document}],"scp":[[],[{scp}]]}}"#);
    assert_eq!(ask(&both), "explicit_deny scp[1][0]#1");
}

#[test]
fn empty_levels_limit_nothing() {
    let allow = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let policies = format!(
        r#"{{"identity":[{allow}],"boundary":[],"session":[],"scp":[[]],"rcp":[[]],"resource":null}}"#
    );
    assert_eq!(ask(&policies), "allowed identity[0]#1");
    assert_eq!(ask("{}"), "implicit_deny ");
}

#[test]
fn each_bad_line_has_its_own_sentence() {
    let shape = "write an object with principal, action, resource, context and policies";
    let lists = "write an object with the lists identity, boundary, session, scp and rcp, and with resource";
    for (line, sentence) in [
        ("", format!("is no request (no object): {shape}")),
        ("[]", format!("is no request (no object): {shape}")),
        (
            "{}",
            format!("is no request (missing field `action`): {shape}"),
        ),
        (
            r#"{"action":"s3:*"}"#,
            r#"action is "s3:*": write service:Action, without wildcards"#.to_owned(),
        ),
        (
            r#"{"action":"s3:A","resource_account":"1"}"#,
            "resource_account is no account: write its 12 digits as a string".to_owned(),
        ),
    ] {
        assert_eq!(answer(line), sentence);
    }
    let values = "write an object of keys with strings, numbers, booleans, lists of these, or null for a key that is not there";
    assert_eq!(
        answer(r#"{"action":"s3:A","context":{"k":[{}]}}"#),
        format!("context.k has an object: {values}")
    );
    assert_eq!(
        ask(r#"{"identities":[]}"#),
        format!("policies have \"identities\": {lists}")
    );
    assert_eq!(
        ask(r#"{"identity":[{"Statement":[{"Effect":"Allow","Action":"s3:*","Principal":"*"}]}]}"#),
        "policies.identity[0]: statement 1, Principal: has no place in a policy of a principal: take it out, or give the policy as a resource policy"
    );
    assert_eq!(
        ask(r#"{"scp":[[{"Statement":[{"Sid":"S","Effect":"Allow","Action":"s3:*"}]}]]}"#),
        "policies.scp[0][0]: statement 1 (S), Resource: is missing: name the resources with Resource or NotResource"
    );
}

#[test]
fn text_that_no_request_has_is_refused() {
    let long = "x".repeat(8193);
    let line = format!(r#"{{"action":"s3:A","resource":"{long}"}}"#);
    assert_eq!(
        answer(&line),
        "resource has 8193 bytes, and 8192 are the most: give what a request can have"
    );
    let line = format!(r#"{{"action":"s3:A","context":{{"k":"{long}"}}}}"#);
    assert!(answer(&line).starts_with("context.k has 8193 bytes, and 8192 are the most: write"));
}

#[test]
fn the_most_hostile_pattern_that_is_allowed_is_answered() {
    let pattern = format!("arn:aws:s3:::{}", "*a".repeat(4_000));
    let document =
        format!(r#"{{"Statement":{{"Effect":"Allow","Action":"s3:*","Resource":"{pattern}"}}}}"#);
    let resource = format!("arn:aws:s3:::{}b", "a".repeat(8_000));
    let line = format!(
        r#"{{"principal":"arn:aws:iam::111122223333:role/r","action":"s3:GetObject","resource":"{resource}","policies":{{"identity":[{document}]}}}}"#
    );
    assert_eq!(answer(&line), "implicit_deny ");
}
