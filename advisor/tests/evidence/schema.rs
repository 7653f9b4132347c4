//! The published JSON Schema is that of the types, and what the command prints is valid under it.

use super::*;

fn schema() -> Value {
    let schema = schemars::schema_for!(whittle_schemas::document::Report);
    serde_json::to_value(schema).expect("a schema is JSON")
}

fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/published/report.schema.json")
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let mut now = serde_json::to_string_pretty(&schema()).expect("a schema is JSON");
    now.push('\n');
    if std::env::var_os("WHITTLE_PUBLISH").is_some() {
        fs::write(published(), &now).expect("the repository can be written");
    }
    let published = fs::read_to_string(published()).unwrap_or_default();
    assert!(
        published == now,
        "schemas/published/report.schema.json is stale: run this test with WHITTLE_PUBLISH=1, and commit it"
    );
}

#[test]
fn what_the_command_prints_is_valid_under_the_published_schema() {
    let text = fs::read_to_string(published()).expect("the schema is published");
    let schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let report = parsed(&nightly().report(&["--format", "json"]));
    let errors: Vec<_> = validator
        .iter_errors(&report)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // The validator refuses what it should.
    let mut other = report.clone();
    other["principals"][0]["evidence"][0]["status"] = json!("maybe");
    assert!(!validator.is_valid(&other));
    let mut other = report.clone();
    other["principals"][0]["evidence"][0]["more"] = json!(1);
    assert!(!validator.is_valid(&other));
}

#[test]
fn the_form_is_the_one_that_was_promised() {
    let report = parsed(&nightly().report(&["--format", "json"]));
    let keys = |value: &Value| {
        let members = value.as_object().expect("an object");
        members.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(&report), ["coverage", "principals", "subjects"]);
    let principal = &report["principals"][0];
    assert_eq!(keys(principal), ["evidence", "granted", "principal"]);
    let wanted = [
        "confidence",
        "count",
        "first_seen",
        "last_seen",
        "permission",
        "reason",
        "resource",
        "status",
        "subjects",
    ];
    assert_eq!(keys(&principal["evidence"][0]), wanted);
    assert_eq!(principal["granted"], 5);
    assert_eq!(report["coverage"]["principals"][0]["covered_hours"], 1.0);
}
