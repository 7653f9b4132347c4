//! `whittle recommend` and `whittle replay` from end to end: tables written as the agent writes them, the commands, and what
//! they print. `schema` has the published forms, `bad_input` what must end in one sentence.

mod bad_input;
mod schema;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;
use whittle_agent::sink::{self, Place, Window};
use whittle_schemas::table::{
    CoverageRow, EndpointRow, Outcome, SubjectRow, Surface, Tables, UsageRow, sample,
};

const ROLE: &str = "arn:aws:iam::123456789012:role/nightly";

/// A data root of some runs of a job that reads an object, is refused another, writes a file and binds a port.
struct Data {
    folder: TempDir,
}

impl Data {
    fn of(runs: i64) -> Self {
        Self::changed(runs, |_| {})
    }

    fn without_principal(runs: i64) -> Self {
        Self::changed(runs, |row| row.principal = None)
    }

    fn changed(runs: i64, change: impl Fn(&mut UsageRow)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for run in 0..runs {
            let start_us = sample::START_US + run * 3_600_000_000;
            let window = Window {
                start_us,
                end_us: start_us + 60_000_000,
            };
            let place = Place {
                cluster: "local".to_owned(),
                node: "laptop".to_owned(),
            };
            let mut tables = tables(run, start_us);
            tables.usage.iter_mut().for_each(&change);
            sink::write_window(&folder.path().join("data"), &place, window, &tables)
                .expect("the window is written");
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn whittle(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_whittle"))
            .args(arguments)
            .arg("--data")
            .arg(self.path("data"))
            .current_dir(self.folder.path())
            .output()
            .expect("whittle starts")
    }

    /// What it prints where it ends well.
    fn printed(&self, arguments: &[&str]) -> String {
        let output = self.whittle(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.printed(arguments)).expect("JSON is printed")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn tables(run: i64, start_us: i64) -> Tables {
    let end_us = start_us + 60_000_000;
    let usage = |surface: Surface, action: &str, resource: &str, outcome: Outcome| {
        let row = if surface == Surface::Cloud {
            sample::cloud_usage()
        } else {
            sample::usage()
        };
        UsageRow {
            window_start_us: start_us,
            window_end_us: end_us,
            surface,
            action: action.to_owned(),
            resource: resource.as_bytes().to_vec(),
            outcome,
            first_seen_us: start_us + 1,
            last_seen_us: start_us + 2,
            ..row
        }
    };
    let families = [
        "process",
        "file",
        "socket",
        "payload",
        "capability",
        "syscall",
    ];
    Tables {
        usage: vec![
            usage(
                Surface::Cloud,
                "s3:GetObject",
                "arn:aws:s3:::orders/1",
                Outcome::Allowed,
            ),
            usage(
                Surface::Cloud,
                "s3:GetObject",
                "arn:aws:s3:::payroll/1",
                Outcome::Denied,
            ),
            usage(
                Surface::File,
                "write+create",
                "/var/lib/job/state",
                Outcome::Allowed,
            ),
            usage(
                Surface::Capability,
                "use",
                "CAP_NET_BIND_SERVICE",
                Outcome::Allowed,
            ),
            usage(Surface::Syscall, "call", "openat", Outcome::Allowed),
        ],
        subjects: vec![SubjectRow {
            window_start_us: start_us,
            window_end_us: end_us,
            executable: b"/usr/bin/python3".to_vec(),
            script: Some(b"/srv/job.py".to_vec()),
            instance_id: format!("i-{run}"),
            ..sample::subject()
        }],
        coverage: families
            .iter()
            .map(|family| CoverageRow {
                window_start_us: start_us,
                window_end_us: end_us,
                family: (*family).to_owned(),
                ..sample::coverage()
            })
            .collect(),
        endpoints: vec![EndpointRow {
            window_start_us: start_us,
            window_end_us: end_us,
            ..sample::endpoint()
        }],
    }
}

#[test]
fn the_policy_is_printed_alone_and_what_it_stands_on_goes_to_stderr() {
    let data = Data::of(4);
    let output = data.whittle(&["recommend", "--for", "job.py", "--as", "aws-iam"]);
    assert!(output.status.success());
    let policy: Value = serde_json::from_slice(&output.stdout).expect("a policy");
    assert_eq!(
        policy["Statement"][0]["Resource"][0],
        "arn:aws:s3:::orders/1"
    );
    let summary = text(&output.stderr);
    assert!(
        summary.starts_with(&format!(
            "aws-iam for job.py, which acted as {ROLE}\nREADY: "
        )),
        "{summary}"
    );
    assert!(summary.contains("policy.json: "), "{summary}");
}

#[test]
fn what_is_recommended_is_replayed_with_zero_denials_and_less_is_not() {
    let data = Data::of(4);
    for (format, name) in [
        ("aws-iam", "policy.json"),
        ("security-context", "pod.yaml"),
        ("seccomp", "seccomp.json"),
    ] {
        data.printed(&[
            "recommend",
            "--for",
            "job.py",
            "--as",
            format,
            "--out",
            name,
        ]);
        let replay = data.printed(&["replay", "--policy", name, "--fail-on", "uncertain"]);
        assert!(replay.contains("Zero denials"), "{format}: {replay}");
    }
    let text = fs::read_to_string(data.path("policy.json")).expect("the policy is there");
    fs::write(data.path("less.json"), text.replace("orders/1", "orders/2"))
        .expect("a file is written");
    let output = data.whittle(&[
        "replay",
        "--policy",
        "less.json",
        "--for",
        ROLE,
        "--fail-on",
        "denied",
    ]);
    assert_eq!(output.status.code(), Some(3));
    let shown = self::text(&output.stdout);
    assert!(
        shown.contains("s3:GetObject arn:aws:s3:::orders/1"),
        "{shown}"
    );
    assert!(
        shown.contains("1 of 1 different accesses that were used would have been denied"),
        "{shown}"
    );
    assert!(shown.contains("Was denied at the time"), "{shown}");
    let output = data.whittle(&["replay", "--policy", "less.json"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "without --fail-on it has done what it should"
    );
}

#[test]
fn a_key_whose_owner_was_not_observed_holds_it_until_somebody_says_whose_it_is() {
    let data = Data::without_principal(4);
    let key = "ASIAQNZGKIQY56JQ7WML";
    let recommend = |more: &[&str]| {
        let arguments = [
            "recommend",
            "--for",
            "job.py",
            "--as",
            "aws-iam",
            "--format",
            "json",
        ];
        data.json(&[&arguments, more].concat())
    };
    let found = recommend(&[]);
    assert_eq!(found["status"], "held");
    let said = format!("say it with --principal-of {key}=ARN");
    assert!(
        found["reasons"].to_string().contains(&said),
        "{}",
        found["reasons"]
    );
    let found = recommend(&["--principal-of", &format!("{key}={ROLE}")]);
    assert_eq!(
        (found["status"].as_str(), found["principal"].as_str()),
        (Some("ready"), Some(ROLE))
    );
    let output = data.whittle(&[
        "recommend",
        "--for",
        "job.py",
        "--as",
        "aws-iam",
        "--principal-of",
        key,
    ]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn documents_go_into_a_folder_that_is_made() {
    let data = Data::of(4);
    data.printed(&[
        "recommend",
        "--for",
        ROLE,
        "--as",
        "aws-iam",
        "--out",
        "new/folder/",
    ]);
    assert!(data.path("new/folder/policy.json").is_file());
}

#[test]
fn a_draft_says_so_and_fails_only_where_that_is_asked_for() {
    let data = Data::of(2);
    let recommend = |more: &[&str]| {
        let arguments = [&["recommend", "--for", ROLE, "--as", "aws-iam"], more].concat();
        data.whittle(&arguments)
    };
    assert_eq!(recommend(&[]).status.code(), Some(0));
    assert_eq!(recommend(&["--fail-on", "held"]).status.code(), Some(0));
    let output = recommend(&["--fail-on", "draft"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("DRAFT: too little was observed yet\n  - 2 runs so far"));
}

#[test]
fn the_same_usage_gives_the_same_bytes() {
    let (one, other) = (Data::of(4), Data::of(4));
    for format in ["aws-iam", "security-context", "seccomp"] {
        let arguments = [
            "recommend",
            "--for",
            "job.py",
            "--as",
            format,
            "--format",
            "json",
        ];
        assert_eq!(one.printed(&arguments), other.printed(&arguments));
    }
}
