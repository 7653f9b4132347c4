//! Evidence from end to end: tables written as the agent writes them, grants as files, the command `whittle report`, its
//! JSON. `scenarios` has the six statuses and what makes `unknown` of `unused`, `bad_input` what must end in one sentence,
//! `schema` the published form, `scale` an administrator with many rows.

mod bad_input;
mod scale;
mod scenarios;
mod schema;
mod text;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use whittle_agent::sink::{self, Place, Window};
use whittle_schemas::table::{
    CoverageRow, EndpointRow, Outcome, SubjectRow, Surface, Tables, UsageRow, sample,
};

const ROLE: &str = "arn:aws:iam::123456789012:role/jobs/nightly";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/nightly/i-0abc";
const OBJECT: &str = "arn:aws:s3:::orders/1.csv";
const FAMILIES: [&str; 5] = ["process", "file", "socket", "payload", "capability"];
/// Length of the window: an hour.
const END_US: i64 = sample::START_US + 3_600_000_000;

/// A data root and grants, in a folder of their own.
struct Job {
    folder: TempDir,
    tables: Tables,
}

/// A nightly job that read one object, was refused one, and deleted one; an hour, completely covered.
fn nightly() -> Job {
    let subject = SubjectRow {
        window_end_us: END_US,
        executable: b"/usr/bin/python3.11".to_vec(),
        script: Some(b"/srv/nightly.py".to_vec()),
        cap_permitted: Some(1 << 10 | 1 << 13),
        cap_effective: Some(1 << 10 | 1 << 13),
        secrets_mounted: Some(vec!["/run/secrets/token".into()]),
        ..sample::subject()
    };
    let coverage = FAMILIES.map(|family| CoverageRow {
        family: family.into(),
        window_end_us: END_US,
        ..sample::coverage()
    });
    let mut place = Job {
        folder: TempDir::new().expect("a temporary folder"),
        tables: Tables {
            usage: Vec::new(),
            subjects: vec![subject],
            coverage: coverage.to_vec(),
            endpoints: vec![EndpointRow {
                window_end_us: END_US,
                ..sample::endpoint()
            }],
        },
    };
    place.call("s3:GetObject", OBJECT, Outcome::Allowed);
    place.call("s3:PutObject", OBJECT, Outcome::Denied);
    place.call(
        "sqs:DeleteQueue",
        "arn:aws:sqs:eu-west-1:123456789012:jobs",
        Outcome::Allowed,
    );
    place.tables.usage.push(UsageRow {
        window_end_us: END_US,
        surface: Surface::Capability,
        action: "use".into(),
        resource: b"CAP_NET_BIND_SERVICE".to_vec(),
        ..sample::usage()
    });
    place
}

impl Job {
    fn call(&mut self, action: &str, resource: &str, outcome: Outcome) {
        self.tables.usage.push(UsageRow {
            window_end_us: END_US,
            principal: Some(SESSION.into()),
            action: action.into(),
            resource: resource.into(),
            outcome,
            error: (outcome == Outcome::Denied).then(|| "AccessDenied".into()),
            ..sample::cloud_usage()
        });
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("it is ours");
        fs::write(&path, text).expect("the folder is ours");
        path
    }

    /// Writes the tables as the agent does.
    fn write(&self) -> PathBuf {
        let data = self.path("data");
        let place = Place {
            cluster: "local".into(),
            node: "laptop".into(),
        };
        let window = Window {
            start_us: sample::START_US,
            end_us: END_US,
        };
        sink::write_window(&data, &place, window, &self.tables).expect("the tables are written");
        data
    }

    /// Runs `whittle report` over the tables and an export of the account.
    fn report(&self, arguments: &[&str]) -> Output {
        let data = self.write();
        let grants = self.file("account.json", &account(&json!({})).to_string());
        report(&data, &grants, arguments)
    }

    /// The evidence on one permission of the role, without further arguments.
    fn check(&self, permission: &str, resource: &str, status: &str) -> Value {
        let report = parsed(&self.report(&["--format", "json"]));
        let found = find(&report, permission, resource);
        assert_eq!(found["status"], status, "{found:#}");
        found.clone()
    }
}

fn report(data: &Path, grants: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_whittle"))
        .arg("report")
        .arg("--data")
        .arg(data)
        .arg("--grants")
        .arg(grants)
        .args(arguments)
        .output()
        .expect("whittle runs")
}

fn parsed(output: &Output) -> Value {
    let message = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {message}"))
}

fn find<'a>(report: &'a Value, permission: &str, resource: &str) -> &'a Value {
    let of = |list: &'a Value| list.as_array().into_iter().flatten();
    let everyone = of(&report["principals"]).chain(of(&report["subjects"]));
    let mut evidence = everyone.flat_map(|one| of(&one["evidence"]));
    evidence
        .find(|entry| entry["permission"] == permission && entry["resource"] == resource)
        .unwrap_or_else(|| panic!("nothing on {permission} {resource}: {report:#}"))
}

/// An export of an account with the role, to which `more` is added.
fn account(more: &Value) -> Value {
    let mut role = json!({
        "Path": "/jobs/", "RoleName": "nightly", "RoleId": "AROAEXAMPLE", "Arn": ROLE,
        "CreateDate": "2025-01-01T00:00:00+00:00",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]},
        "InstanceProfileList": [], "AttachedManagedPolicies": [], "Tags": [],
        "RolePolicyList": [{"PolicyName": "work", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Sid": "Objects", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "Resource": "arn:aws:s3:::orders/*"},
            {"Effect": "Allow", "Action": ["kms:Decrypt", "iam:PassRole"], "Resource": "*"}]}}],
    });
    for (name, value) in more.as_object().expect("members of the role") {
        role[name] = value.clone();
    }
    json!({"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [role], "Policies": []})
}
