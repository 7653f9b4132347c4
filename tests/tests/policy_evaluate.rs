//! `whittle policy evaluate` as a program: the documentation's cases through it, and what it says of bad lines, in one sentence each.

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;
use whittle_tests::recorded;

const VECTORS: &str = include_str!("../../grants/tests/vectors.jsonl");

fn evaluate(input: &[u8]) -> Result<Output> {
    let mut child = recorded::whittle()?
        .args(["policy", "evaluate", "--requests", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("it is piped")?;
    let input = input.to_vec();
    // Apart, so that neither side waits for a pipe that the other has to empty.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output()?;
    writer.join().expect("the writer does not panic")?;
    Ok(output)
}

#[test]
fn every_case_of_the_documentation_is_answered_as_it_says() -> Result<()> {
    let output = evaluate(VECTORS.as_bytes())?;
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let answers = String::from_utf8(output.stdout)?;
    assert_eq!(answers.lines().count(), VECTORS.lines().count());
    for (asked, answer) in VECTORS.lines().zip(answers.lines()) {
        let (asked, answer): (Value, Value) =
            (serde_json::from_str(asked)?, serde_json::from_str(answer)?);
        assert_eq!(answer["id"], asked["id"]);
        assert_eq!(answer["decision"], asked["expected"], "{asked}");
        let is_implicit = answer["decision"] == "implicit_deny";
        assert_eq!(
            answer["statement"].is_null(),
            is_implicit,
            "{answer} to {asked}"
        );
        let missing = asked
            .get("missing")
            .cloned()
            .unwrap_or_else(|| Value::Array(Vec::new()));
        assert_eq!(answer["missing_context"], missing, "{asked}");
    }
    Ok(())
}

#[test]
fn bad_lines_are_named_one_by_one_and_the_others_are_answered() -> Result<()> {
    let good = VECTORS.lines().next().context("there are vectors")?;
    let long = format!("{{\"id\":\"{}\"}}", "x".repeat(17 << 20));
    let no_effect = r#"{"action":"s3:A","policies":{"identity":[{"Statement":[{"Sid":"S","Action":"s3:*"}]}]}}"#;
    let mut input = Vec::new();
    for line in [good, "garbage", "[]", "{}", no_effect, long.as_str(), good] {
        input.extend_from_slice(line.as_bytes());
        input.push(b'\n');
    }
    input.extend_from_slice(b"\xff\xfe\n");
    let output = evaluate(&input)?;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stdout)?.lines().count(), 2);
    let told = String::from_utf8(output.stderr)?;
    let told: Vec<&str> = told.lines().collect();
    let shape = "write an object with principal, action, resource, context and policies";
    assert_eq!(
        told,
        [
            format!("whittle: -, line 2: is no request (no object): {shape}"),
            format!("whittle: -, line 3: is no request (no object): {shape}"),
            format!("whittle: -, line 4: is no request (missing field `action`): {shape}"),
            "whittle: -, line 5: policies.identity[0]: statement 1 (S), Effect: is missing: write \"Allow\" or \"Deny\"".to_owned(),
            "whittle: -, line 6: is longer than 16777216 bytes: split what it asks".to_owned(),
            "whittle: -, line 8: is not UTF-8: write JSON".to_owned(),
        ]
    );
    Ok(())
}

#[test]
fn bad_usage_is_2_and_a_file_that_is_not_there_is_1() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let missing = folder.path().join("none.jsonl");
    let empty = folder.path().join("empty.jsonl");
    fs::write(&empty, "\n\n")?;
    let status = |path: &std::path::Path| -> Result<Option<i32>> {
        let mut whittle = recorded::whittle()?;
        let output = whittle
            .args(["policy", "evaluate", "--requests"])
            .arg(path)
            .output()?;
        Ok(output.status.code())
    };
    assert_eq!(status(&missing)?, Some(1));
    assert_eq!(status(&empty)?, Some(0));
    let usage = recorded::whittle()?.args(["policy", "evaluate"]).output()?;
    assert_eq!(usage.status.code(), Some(2));
    Ok(())
}
