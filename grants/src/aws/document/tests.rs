//! What is read from documents, and what is said of bad ones.

use super::*;

const GOOD: &str = r#"{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"A","Effect":"Allow","Principal":{"AWS":["111122223333","*"],"Service":"s3.amazonaws.com"},
  "NotAction":"s3:Get*","NotResource":["arn:aws:s3:::b"],"Condition":{"NumericLessThan":{"s3:max-keys":[1,2.5]},"Bool":{"aws:SecureTransport":true}}}]}"#;

#[test]
fn a_single_statement_with_single_values_reads_like_lists() {
    let one = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#;
    let lists = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*"],"Resource":["*"]}]}"#;
    let (one, lists) = (Document::parse(one), Document::parse(lists));
    assert_eq!(
        one.expect("a policy").statements,
        lists.expect("a policy").statements
    );
}

#[test]
fn every_element_is_read() {
    let document = Document::parse(GOOD).expect("a policy");
    let statement = &document.statements[0];
    assert_eq!(document.id.as_deref(), Some("x"));
    assert_eq!(statement.action, Match::Not(vec!["s3:Get*".to_owned()]));
    assert_eq!(
        statement.resource,
        Some(Match::Not(vec!["arn:aws:s3:::b".to_owned()]))
    );
    assert_eq!(
        statement.principal,
        Some(MatchPrincipal::Any(vec![
            PrincipalEntry::Aws("111122223333".to_owned()),
            PrincipalEntry::Everyone,
            PrincipalEntry::Service("s3.amazonaws.com".to_owned()),
        ]))
    );
    let conditions = statement.conditions.iter();
    let conditions = conditions.map(|one| {
        (
            one.operator.as_str(),
            one.key.as_str(),
            one.values.join(" "),
        )
    });
    assert_eq!(
        conditions.collect::<Vec<_>>(),
        [
            ("NumericLessThan", "s3:max-keys", "1 2.5".to_owned()),
            ("Bool", "aws:SecureTransport", "true".to_owned()),
        ]
    );
}

#[test]
fn url_encoded_text_and_a_byte_order_mark_are_read() {
    let escapes: Vec<String> = GOOD.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let encoded = escapes.concat();
    let expected = Document::parse(GOOD);
    assert_eq!(Document::parse(&encoded), expected);
    assert_eq!(Document::parse(&format!("\u{feff}{GOOD}\n")), expected);
}

#[test]
fn the_size_is_what_aws_counts() {
    let spaced = "{ \"Version\" : \"2012-10-17\",\n \"Statement\": [ {\"Effect\":\"Allow\", \"Action\":\"s3:*\", \"Resource\":\"*\"} ] }";
    let short = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    assert_eq!(Document::parse(spaced).expect("a policy").size, short.len());
}

fn with(statement: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Ok","Effect":"Allow","Action":"s3:*","Resource":"*"}},{statement}]}}"#
    )
}

#[test]
fn each_bad_document_has_its_own_sentence() {
    let policy = "give a policy document: an object with Version and Statement";
    let json = "give a policy document in JSON, with a Statement";
    let list = "write a string or a list of strings";
    for (text, sentence) in [
        (String::new(), format!("is empty: {json}")),
        ("  \n".to_owned(), format!("is empty: {json}")),
        ("[]".to_owned(), format!("is a list: {policy}")),
        ("{}".to_owned(), format!("has no Statement: {policy}")),
        (r#"{"Statement":[]}"#.to_owned(), format!("has a Statement list with nothing in it: {policy}")),
        (r#"{"Roles":[]}"#.to_owned(), format!("is the output of `aws iam list-roles`, and holds no policy document: {policy}")),
        (r#"{"PolicyVersion":{}}"#.to_owned(), format!("holds PolicyVersion, with the document inside it: {policy}")),
        (r#"{"UserDetailList":[]}"#.to_owned(), format!("is the export of an account (`aws iam get-account-authorization-details`), and not a policy: {policy}")),
        (r#"{"Version":"2020-01-01","Statement":{}}"#.to_owned(), "Version: \"2020-01-01\" is no version of the policy language: write \"2012-10-17\"".to_owned()),
        (with(r#"{"Effect":"allow","Action":"s3:*"}"#), "statement 2, Effect: \"allow\" is no effect: write \"Allow\" or \"Deny\"".to_owned()),
        (with(r#"{"Sid":"B","Effect":"Allow","Resource":"*"}"#), "statement 2 (B), Action: is missing: name the actions with Action or NotAction".to_owned()),
        (with(r#"{"Effect":"Allow","Action":[],"Resource":"*"}"#), format!("statement 2, Action: is an empty list: {list}")),
        (with(r#"{"Effect":"Allow","Action":[7],"Resource":"*"}"#), format!("statement 2, Action: has a number: {list}")),
        (with(r#"{"Effect":"Allow","Action":"GetObject"}"#), "statement 2, Action: \"GetObject\" is no action: write service:Action, such as \"s3:GetObject\" or \"s3:Get*\"".to_owned()),
        (with(r#"{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}"#), "statement 2, Resource: \"bucket\" is no ARN: write an ARN, such as \"arn:aws:s3:::bucket/*\", or \"*\"".to_owned()),
        (with(r#"{"Effect":"Allow","Action":"s3:*","NotAction":"s3:*"}"#), "statement 2, NotAction: stands beside Action: keep one of the two".to_owned()),
        (with(r#"{"Effect":"Allow","Actions":"s3:*"}"#), "statement 2, Actions: is no element of a statement: check its spelling, which is case-sensitive".to_owned()),
        (with(r#"{"Sid":"Ok","Effect":"Allow","Action":"s3:*"}"#), "statement 2 (Ok), Sid: statement 1 has the same: give each statement a Sid of its own, or none".to_owned()),
        (with(r#"{"Effect":"Allow","Action":"s3:*","Condition":{"StringIs":{"a":"b"}}}"#), "statement 2, Condition.StringIs: is no condition operator: check its spelling, such as StringEquals or ForAnyValue:StringLike".to_owned()),
        (with(r#"{"Effect":"Allow","Action":"s3:*","Condition":{"StringLike":{"a":{}}}}"#), "statement 2, Condition.StringLike.a: has an object: write strings, numbers or booleans".to_owned()),
        (with(r#"{"Effect":"Allow","Action":"s3:*","Principal":{"Aws":"*"}}"#), "statement 2, Principal.Aws: is no kind of principal: write \"*\", or an object with AWS, Service, Federated or CanonicalUser".to_owned()),
        (with("7"), "statement 2, Statement: is a number: write an object with Effect, Action and Resource".to_owned()),
        (format!("\"{}\"", "x".repeat(MAX_BYTES)), format!("has {} bytes and {MAX_BYTES} are the most: give a single policy document", MAX_BYTES + 2)),
    ] {
        let error = Document::parse(&text).expect_err("it is no policy");
        assert_eq!(error.to_string(), sentence);
    }
}

#[test]
fn a_name_that_is_given_twice_is_refused() {
    let twice =
        r#"{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;
    let error = Document::parse(twice)
        .expect_err("one of the two would be lost")
        .to_string();
    assert_eq!(
        error,
        "is not JSON (\"Effect\" is given twice at line 1 column 46): give a policy document in JSON, with a Statement"
    );
}

#[test]
fn json_that_is_nested_deep_is_refused() {
    let deep = "[".repeat(100_000);
    assert!(Document::parse(&deep).is_err());
    // Each level of strings in strings doubles the escapes, so that the bound on length is one on depth, too.
    let wrap = |inner: String, _| serde_json::to_string(&inner).expect("text is JSON");
    let wrapped = (0..12).fold("{}".to_owned(), wrap);
    assert!(Document::parse(&wrapped).is_err());
}

#[test]
fn a_document_of_more_characters_than_any_is_refused() {
    let actions = vec!["\"s3:GetObject\""; 20_000].join(",");
    let long =
        format!(r#"{{"Statement":{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}}}"#);
    let error = Document::parse(&long)
        .expect_err("it is too long")
        .to_string();
    assert!(
        error.starts_with("has 300058 characters, and 262144 are the most: give"),
        "{error}"
    );
}
