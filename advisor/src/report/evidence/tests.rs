//! What the terminal shows of a report with everything in it.

use super::*;
use crate::{
    evidence::{Confidence, Endpoint, Evidence, Observation, Principal, Subject},
    report::sample,
};

fn entry(permission: &str, resource: &str, status: Status, reason: &str) -> Evidence {
    let is_seen = !matches!(status, Status::Implied | Status::Unused | Status::Unknown);
    Evidence {
        permission: permission.into(),
        resource: resource.into(),
        status,
        count: if is_seen { 12 } else { 0 },
        seen_us: is_seen.then_some((sample::START_US, sample::START_US + 1)),
        subjects: Vec::new(),
        confidence: Confidence::Observed,
        reason: reason.into(),
    }
}

fn observation(of: &str, hole: Option<&str>) -> Observation {
    Observation {
        observed: true,
        covered_us: 1_500_000,
        windows: 2,
        subjects: [of.to_owned()].into(),
        holes: hole.map(str::to_owned).into_iter().collect(),
    }
}

/// What the kernel grants the job.
fn host() -> Vec<Evidence> {
    let bound = "no use in 0.00042 covered hours: at 95 % fewer than 7200 uses an hour";
    let mut host = vec![
        entry("use", "CAP_NET_BIND_SERVICE", Status::Used, "it was used"),
        entry(
            "run as",
            "uid 0",
            Status::Implied,
            "capabilities were used, which uid 0 brings with it",
        ),
        entry(
            "write",
            "/data",
            Status::Unknown,
            "no file below it was opened for writing; folders made, files renamed or removed are seen with --syscalls only",
        ),
        entry("read", "/run/secrets/token", Status::Unused, bound),
    ];
    for capability in 0..30 {
        host.push(entry(
            "use",
            &format!("CAP_{capability}"),
            Status::Unused,
            bound,
        ));
    }
    host
}

fn everything() -> Report {
    let role = "arn:aws:iam::123456789012:role/nightly";
    let bound = "no use in 0.00042 covered hours: at 95 % fewer than 7200 uses an hour";
    let hole = "payload: 3 records were lost in 1 of 2 windows";
    let long = format!("arn:aws:s3:::orders/{}/leaf.csv", "folder/".repeat(20));
    let mut evidence = vec![
        entry(
            "s3:GetObject",
            &long,
            Status::Used,
            "used, and allowed by identity work#1",
        ),
        entry(
            "sqs:SendMessage",
            "arn:aws:sqs:eu-west-1:123456789012:jobs",
            Status::Used,
            "used; whether it is allowed hangs on aws:SourceVpc, which was not observed",
        ),
        entry(
            "s3:PutObject",
            "arn:aws:s3:::orders/1",
            Status::Attempted,
            "denied each time (AccessDenied), though the known policies allow it",
        ),
        entry(
            "sqs:DeleteQueue",
            "arn:aws:sqs:eu-west-1:123456789012:jobs",
            Status::Ungranted,
            "no statement of its policies allows it",
        ),
        entry(
            "kms:Decrypt",
            "*",
            Status::Implied,
            "AWS may use it on behalf of s3:GetObject, which was used",
        ),
    ];
    for action in [
        "iam:PassRole",
        "iam:CreateAccessKey",
        "s3:ListBucket",
        "s3:PutObjectTagging",
    ] {
        evidence.push(entry(action, "*", Status::Unused, bound));
    }
    for action in ["ec2:RunInstances", "ec2:DescribeInstances"] {
        evidence.push(entry(action, "*", Status::Unknown, hole));
    }
    let principal = |principal: &str, observed, evidence: Vec<Evidence>| Principal {
        principal: principal.to_owned(),
        granted: 10,
        evidence,
        observation: if observed {
            observation("job", Some(hole))
        } else {
            Observation::default()
        },
    };
    let host = host();
    Report {
        principals: vec![
            principal(role, true, evidence),
            principal("arn:aws:iam::123456789012:role/other", false, Vec::new()),
        ],
        subjects: vec![Subject {
            subject: "job".to_owned(),
            name: "/usr/bin/python3.11 /tmp/demo/job.py".to_owned(),
            granted: host.len(),
            evidence: host,
            observation: observation("job", None),
        }],
        endpoints: vec![Endpoint {
            endpoint: "orders.s3.eu-west-1.amazonaws.com:443".to_owned(),
            connections: 3,
            readable: 2,
            decoded: 2,
            reasons: ["no OpenSSL found in the process".to_owned()].into(),
            ..Endpoint::default()
        }],
        notes: vec![
            "The principal of key AKIA was not observed: name it with --principal-of AKIA=ARN."
                .to_owned(),
        ],
    }
}

fn shown(width: u16) -> String {
    let summary = Summary::of(&sample::tables(), None);
    let style = Style {
        colour: false,
        width,
        all: false,
    };
    render(&everything(), &summary, Format::Text, style)
}

#[test]
fn the_evidence_of_a_run_reads_well() {
    insta::assert_snapshot!(shown(100));
}

#[test]
fn no_line_of_evidence_is_wider_than_a_terminal_of_80_columns() {
    for line in shown(80).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn all_lists_every_permission() {
    let summary = Summary::of(&sample::tables(), None);
    let style = Style {
        colour: true,
        width: 100,
        all: true,
    };
    let text = render(&everything(), &summary, Format::Text, style);
    for permission in ["s3:ListBucket  *", "iam:PassRole  *", "CAP_29"] {
        assert!(text.contains(permission), "{permission}");
    }
    assert!(text.contains("\x1b[31m"));
}

#[test]
fn a_condition_holds_for_principals_and_subjects() {
    assert!(fails(&everything(), &[FailOn::Ungranted]));
    assert!(!fails(&everything(), &[]));
    let mut report = everything();
    report.principals.clear();
    assert!(fails(&report, &[FailOn::Unused]) && !fails(&report, &[FailOn::Ungranted]));
}
