//! Policies, exports and requests that are wrong are told in one sentence, or counted, and never end in a panic.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use whittle_schemas::table::{Surface, UsageRow};
use whittle_tests::{
    cloud::{self, Aws, Job, ROLE},
    recorded::{self, Recording},
};

/// A folder with a recording of `true` in `data`.
fn recorded() -> Result<(tempfile::TempDir, PathBuf)> {
    let guard = tempfile::tempdir()?;
    let folder = fs::canonicalize(guard.path())?;
    recorded::record(&folder.join("data"), &folder, &["true".into()])?;
    Ok((guard, folder))
}

fn whittle(folder: &Path, words: &[&str]) -> Result<Output> {
    let mut whittle = recorded::whittle()?;
    whittle.args(words).current_dir(folder).stdin(Stdio::null());
    Ok(whittle.output()?)
}

/// The status is 1, and stderr is one line that names what is wrong.
#[track_caller]
fn check(output: &Output, names: &str) {
    let message = String::from_utf8_lossy(&output.stderr);
    let shown = format!("status {:?}, stderr:\n{message}", output.status.code());
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert_eq!(message.trim_end().lines().count(), 1, "{shown}");
    assert!(message.contains(names), "no {names:?}; {shown}");
    assert!(!message.contains("panicked"), "{shown}");
}

/// Files that are no policy, each with what the sentence has to name beside the file.
fn no_policies() -> Vec<(&'static str, String, &'static str)> {
    let statement = |inner: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{inner}]}}"#);
    let large = format!(r#""{}""#, "a".repeat(11 << 20));
    vec![
        ("empty.json", String::new(), ""),
        ("cut.json", r#"{"Statement":[{"Effect":"Al"#.to_owned(), ""),
        ("list.json", "[1, 2]".to_owned(), ""),
        ("binary.json", "\u{0}\u{1}\u{2}".to_owned(), ""),
        ("deep.json", "[".repeat(100_000), ""),
        (
            "effect.json",
            statement(r#"{"Sid":"Mine","Effect":"Perhaps","Action":"s3:*","Resource":"*"}"#),
            "Effect",
        ),
        (
            "field.json",
            statement(r#"{"Sid":"Mine","Effect":"Allow","Aktion":"s3:*","Resource":"*"}"#),
            "Aktion",
        ),
        (
            "operator.json",
            statement(
                r#"{"Sid":"Mine","Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLook":{"a":"b"}}}"#,
            ),
            "StringLook",
        ),
        ("large.json", large, ""),
    ]
}

#[test]
fn a_policy_that_is_none_is_told_by_replay() -> Result<()> {
    let (_guard, folder) = recorded()?;
    for (file, text, names) in no_policies() {
        fs::write(folder.join(file), text)?;
        let words = ["replay", "--data", "data", "--for", ROLE, "--policy", file];
        let output = whittle(&folder, &words)?;
        check(&output, file);
        check(&output, names);
    }
    let words = ["replay", "--data", "data", "--for", ROLE, "--policy", "no"];
    check(&whittle(&folder, &words)?, "no");
    Ok(())
}

#[test]
fn an_export_of_another_kind_is_told_by_every_reader_of_grants() -> Result<()> {
    let (_guard, folder) = recorded()?;
    let mut files = no_policies();
    files.push(("instances.json", r#"{"Reservations":[]}"#.to_owned(), ""));
    files.push(("roles.json", r#"{"RoleDetailList":7}"#.to_owned(), ""));
    for (file, text, _) in files {
        fs::write(folder.join(file), text)?;
        let report = ["report", "--data", "data", "--grants", file];
        check(&whittle(&folder, &report)?, file);
    }
    Ok(())
}

#[test]
fn a_principal_that_was_never_seen_is_told() -> Result<()> {
    let (_guard, folder) = recorded()?;
    for form in ["aws-iam", "security-context", "seccomp"] {
        let nobody = "arn:aws:iam::123456789012:role/nobody";
        let words = ["recommend", "--data", "data", "--for", nobody, "--as", form];
        check(&whittle(&folder, &words)?, "nobody");
    }
    Ok(())
}

#[test]
fn lines_that_are_no_requests_are_named_by_their_number() -> Result<()> {
    let (_guard, folder) = recorded()?;
    let good = r#"{"id":"1","method":"GET","host":"s3.amazonaws.com","path":"/b/k","headers":{},"body_base64":""}"#;
    for bad in [
        "",
        "{",
        "[]",
        "null",
        r#"{"id":7"#,
        "\u{0}",
        r#"{"id":"1","body_base64":"?"}"#,
    ] {
        if bad.is_empty() {
            continue;
        }
        fs::write(folder.join("lines"), format!("{good}\n{bad}\n{good}\n"))?;
        let output = whittle(&folder, &["decode", "--requests", "lines"])?;
        check(&output, "line 2");
        let answers = String::from_utf8_lossy(&output.stdout);
        assert_eq!(answers.lines().count(), 2, "{bad}: {answers}");
    }
    Ok(())
}

#[test]
fn hostile_requests_are_counted_and_those_between_them_are_read() -> Result<()> {
    let guard = tempfile::tempdir()?;
    let folder = fs::canonicalize(guard.path())?;
    let aws = Aws::start(&folder, &[])?;
    let data = folder.join("data");
    let words = Job::Hostile.command(false)?;
    let mut recorder = recorded::recorder(&data, &folder, &words)?;
    Job::Hostile.prepare(&aws, "none", &mut recorder)?;
    let recording = recorded::finish(&data, &mut aws.inside(&folder, &recorder))?;
    cloud::check(&aws, &recording.output)?;
    let messages = String::from_utf8_lossy(&recording.output.stderr);
    ensure!(!messages.contains("panicked"), "{messages}");
    for key in ["byte-by-byte", "after-all-that"] {
        let arn = format!("arn:aws:s3:::bucket/{key}");
        let found = cloud(&recording).any(|row| row.resource == arn.as_bytes());
        ensure!(
            found,
            "{arn} is missing: {:#?}",
            cloud(&recording).collect::<Vec<_>>()
        );
    }
    let mut endpoints = recording.tables.endpoints.iter();
    let endpoint = endpoints
        .find(|row| row.endpoint.starts_with("s3.us-east-1.amazonaws.com"))
        .context("the endpoint is missing")?;
    ensure!(endpoint.connections == 5, "{endpoint:?}");
    ensure!(endpoint.decoded < endpoint.connections, "{endpoint:?}");
    ensure!(endpoint.unreadable_reason.is_some(), "{endpoint:?}");
    Ok(())
}

fn cloud(recording: &Recording) -> impl Iterator<Item = &UsageRow> {
    let usage = recording.tables.usage.iter();
    usage.filter(|row| row.surface == Surface::Cloud)
}
