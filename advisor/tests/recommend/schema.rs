//! The published JSON Schemas are those of the types, and what the commands print is valid under them.

use super::*;

fn published(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../schemas/published/{name}.schema.json"))
}

/// Holds a type to its published schema, and answers of a command to the schema.
fn check(name: &str, schema: schemars::Schema, answers: &[Value]) {
    let schema = serde_json::to_value(schema).expect("a schema is JSON");
    let mut now = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    now.push('\n');
    if std::env::var_os("WHITTLE_PUBLISH").is_some() {
        fs::write(published(name), &now).expect("the repository can be written");
    }
    let text = fs::read_to_string(published(name)).unwrap_or_default();
    assert!(
        text == now,
        "schemas/published/{name}.schema.json is stale: run this test with WHITTLE_PUBLISH=1, and commit it"
    );
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    for answer in answers {
        let errors: Vec<_> = validator
            .iter_errors(answer)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let mut other = answer.clone();
        other["more"] = Value::from(1);
        assert!(
            !validator.is_valid(&other),
            "the validator refuses what it should"
        );
    }
}

#[test]
fn recommendations_are_valid_under_their_published_schema() {
    let data = Data::of(4);
    let answers = ["aws-iam", "security-context", "seccomp"].map(|format| {
        data.json(&[
            "recommend",
            "--for",
            "job.py",
            "--as",
            format,
            "--format",
            "json",
        ])
    });
    check(
        "recommendation",
        schemars::schema_for!(whittle_schemas::document::Recommendation),
        &answers,
    );
}

#[test]
fn replays_are_valid_under_their_published_schema() {
    let data = Data::of(4);
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}"#;
    fs::write(data.path("p.json"), policy).expect("a file is written");
    let answer = data.json(&["replay", "--policy", "p.json", "--format", "json"]);
    assert_eq!(answer["counts"]["denied"], 1);
    check(
        "replay",
        schemars::schema_for!(whittle_schemas::document::Replay),
        &[answer],
    );
}
