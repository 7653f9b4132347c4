//! Which crate may depend on which, and what the node agent must not link.

use std::process::Command;

use serde_json::Value;

/// Each crate, and the crates of this repository that it may depend on.
const ALLOWED: [(&str, &[&str]); 8] = [
    ("whittle-schemas", &[]),
    ("whittle-protocol", &[]),
    ("whittle-grants", &[]),
    ("whittle-ebpf", &["whittle-schemas"]),
    ("whittle-agent", &["whittle-schemas", "whittle-protocol"]),
    (
        "whittle",
        &[
            "whittle-schemas",
            "whittle-protocol",
            "whittle-grants",
            "whittle-agent",
        ],
    ),
    ("xtask", &[]),
    (
        "whittle-tests",
        &[
            "whittle-schemas",
            "whittle-protocol",
            "whittle-grants",
            "whittle-agent",
            "xtask",
        ],
    ),
];
/// Beginnings of the names of SQL engines and cloud SDKs.
const TOO_HEAVY: [&str; 12] = [
    "datafusion",
    "sqlparser",
    "duckdb",
    "libduckdb",
    "rusqlite",
    "sqlx",
    "polars",
    "aws-",
    "azure",
    "google-cloud",
    "gcloud",
    "rusoto",
];

#[test]
fn crates_depend_on_each_other_as_designed() {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata prints JSON");
    let packages = metadata["packages"]
        .as_array()
        .expect("cargo metadata lists packages");
    let edges = packages.iter().flat_map(|package| {
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        let ours = dependencies.filter(|dependency| !dependency["path"].is_null());
        ours.map(|dependency| (name(package), name(dependency)))
            .collect::<Vec<_>>()
    });
    let breaches: Vec<String> = edges.filter_map(|(from, to)| breach(&from, &to)).collect();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
    let unknown = packages
        .iter()
        .map(name)
        .find(|package| !ALLOWED.iter().any(|(known, _)| known == package));
    assert_eq!(unknown, None, "a crate that this rule does not know");
}

#[test]
fn the_node_agent_links_no_sql_engine_and_no_cloud_sdk() {
    let tree = cargo(&[
        "tree",
        "--package",
        "whittle-agent",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--all-features",
    ]);
    assert!(
        tree.contains("whittle-schemas"),
        "cargo tree lists what the agent links: {tree}"
    );
    assert_eq!(too_heavy(&tree), Vec::<&str>::new());
}

fn name(value: &Value) -> String {
    value["name"]
        .as_str()
        .expect("a package has a name")
        .to_owned()
}

fn breach(from: &str, to: &str) -> Option<String> {
    let allowed = ALLOWED
        .iter()
        .find(|(name, _)| *name == from)
        .is_some_and(|(_, to_these)| to_these.contains(&to));
    (!allowed && from != to).then(|| format!("{from} depends on {to}"))
}

fn too_heavy(tree: &str) -> Vec<&str> {
    tree.lines()
        .filter(|line| TOO_HEAVY.iter().any(|name| line.starts_with(name)))
        .collect()
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(xtask::places::repository())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

#[test]
fn a_planted_breach_is_found() {
    assert!(breach("whittle-schemas", "whittle-agent").is_some());
    assert!(breach("whittle-agent", "whittle").is_some());
    assert!(breach("whittle-ebpf", "whittle-agent").is_some());
    assert!(breach("whittle", "whittle-agent").is_none());
    assert_eq!(
        too_heavy("arrow v59.3.0\ndatafusion-common v55.2.0\naws-sdk-s3 v1.0.0").len(),
        2
    );
    assert!(too_heavy("parquet v59.3.0\nobject v0.37.3").is_empty());
}
