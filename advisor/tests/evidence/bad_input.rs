//! What cannot be used ends in one sentence on stderr, says what to do, and gives no report.

use super::*;

/// Runs the report with grants of this text, and holds it to one sentence with these words.
fn refused(text: &str, arguments: &[&str], words: &[&str]) {
    let job = nightly();
    let data = job.write();
    let grants = job.file("grants.json", text);
    refused_file(&data, &grants, arguments, words);
}

fn refused_file(data: &Path, grants: &Path, arguments: &[&str], words: &[&str]) {
    let output = report(data, grants, arguments);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(output.stdout.is_empty());
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    assert!(message.starts_with("whittle: "), "{message}");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in: {message}");
    }
}

#[test]
fn files_that_are_no_grants_are_refused_in_one_sentence() {
    refused("", &[], &["grants.json", "is empty"]);
    refused("{\"RoleDetailList\": [", &[], &["grants.json", "JSON"]);
    refused(
        "{\"Version\":\"2012-10-17\",\"Statement\":[",
        &[],
        &["grants.json"],
    );
    refused(
        "{\"Roles\":[{\"AssumeRolePolicyDocument\":{\"Statement\":[]}}]}",
        &[],
        &["list-roles"],
    );
    refused("[1, 2]", &[], &["grants.json"]);
    refused("not a policy", &[], &["grants.json"]);
    refused("\u{0}\u{ff}", &[], &["grants.json"]);
    let action = r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":5,"Resource":"*"}]}"#;
    refused(action, &["--principal", ROLE], &["statement 1 (A), Action"]);
    let policy =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    refused(policy, &[], &["grants.json", "--principal"]);
}

#[test]
fn a_policy_over_size_and_a_missing_file_are_refused_in_one_sentence() {
    let long = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:*","Resource":"{}"}}]}}"#,
        "x".repeat(1 << 20)
    );
    refused(&long, &["--principal", ROLE], &["grants.json", "1048576"]);
    let job = nightly();
    let data = job.write();
    refused_file(
        &data,
        &job.path("gone.json"),
        &[],
        &["gone.json", "check that it is there"],
    );
    fs::create_dir(job.path("empty")).expect("the folder is ours");
    refused_file(&data, &job.path("empty"), &[], &["holds no policy"]);
}

#[test]
fn a_principal_that_is_not_in_the_data_is_answered_with_those_that_are() {
    let policy =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let other = "arn:aws:iam::123456789012:role/other";
    let seen = "arn:aws:iam::123456789012:role/nightly";
    refused(
        policy,
        &["--principal", other],
        &[other, "the data has", seen],
    );
    let mut job = nightly();
    job.tables.usage.retain(|row| row.surface != Surface::Cloud);
    let data = job.write();
    let grants = job.file("grants.json", policy);
    let words = ["no cloud calls of anybody", "record a job"];
    refused_file(&data, &grants, &["--principal", other], &words);
}

#[test]
fn a_key_without_its_arn_is_bad_usage() {
    for text in ["AKIA", "=arn:aws:iam::1:role/x", "AKIA=role"] {
        let output = nightly().report(&["--principal-of", text]);
        assert_eq!(output.status.code(), Some(2), "{text}");
    }
}
