//! What a replay says: verdicts, lists and bad files.

use std::fmt::Write;

use whittle_schemas::table::{Outcome, Surface, Tables, UsageRow, sample};

use super::*;
use crate::{
    history::{Who, tests::job},
    recommend::{self, Format, tests::OPTIONS},
};

const ALLOW_READS: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Sid":"Reads","Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::orders/*"},
    {"Sid":"NoOld","Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::orders/old"},
    {"Sid":"FromHome","Effect":"Allow","Action":"s3:PutObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}]}"#;

fn policies(texts: &[&str]) -> Policies {
    let files: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| (format!("p{index}"), (*text).to_owned()))
        .collect();
    Policies::parse(&files).expect("they are policies")
}

fn cloud(calls: &[(&str, &str, Outcome)]) -> History {
    let usage = calls.iter().map(|(action, resource, outcome)| UsageRow {
        action: (*action).to_owned(),
        resource: resource.as_bytes().to_vec(),
        outcome: *outcome,
        operation: action.ends_with('*').then(|| "unmapped".to_owned()),
        ..sample::cloud_usage()
    });
    let tables = Tables {
        usage: usage.collect(),
        ..Tables::default()
    };
    History::of_cloud(&Who::Everyone, &tables)
}

#[test]
fn each_answer_has_a_list_and_says_what_decided() {
    use Outcome::{Allowed, Denied, Failed};
    let history = cloud(&[
        ("s3:GetObject", "arn:aws:s3:::orders/a", Allowed),
        ("s3:GetObject", "arn:aws:s3:::orders/missing", Failed),
        ("s3:GetObject", "arn:aws:s3:::orders/old", Allowed),
        (
            "sqs:SendMessage",
            "arn:aws:sqs:eu-west-1:123456789012:q",
            Allowed,
        ),
        ("s3:PutObject", "arn:aws:s3:::orders/a", Allowed),
        ("kms:*", "*", Allowed),
        ("iam:ListUsers", "*", Denied),
        ("s3:GetObject", "arn:aws:s3:::orders/b", Denied),
    ]);
    let found = replay(Some("job"), &history, &policies(&[ALLOW_READS]));
    let shown = |list: &[Replayed]| -> Vec<String> {
        list.iter()
            .map(|one| {
                format!(
                    "{} {}: {} {}",
                    one.action,
                    one.resource,
                    one.decided_by,
                    one.missing_context.join(",")
                )
            })
            .collect()
    };
    assert_eq!(
        shown(&found.denied),
        [
            "s3:GetObject arn:aws:s3:::orders/old: identity p0#NoOld ",
            "sqs:SendMessage arn:aws:sqs:eu-west-1:123456789012:q: no statement allows it ",
        ]
    );
    assert_eq!(shown(&found.depends).len(), 1);
    assert!(
        shown(&found.depends)[0].ends_with("aws:SourceIp"),
        "{:?}",
        found.depends
    );
    assert_eq!(found.not_replayed[0].action, "kms:*");
    assert_eq!(
        shown(&found.denied_before),
        ["iam:ListUsers *: no statement allows it "]
    );
    assert_eq!(found.denied_before_only.len(), 1);
    assert_eq!(
        found.verdict,
        "2 of 5 different accesses that were used would have been denied; 1 hang on context that was not observed; 1 more could not be replayed"
    );
    let text = text::render(&found);
    assert!(text.starts_with("Would have been denied\n"), "{text}");
    assert!(text.ends_with(&format!("{}.\n", found.verdict)), "{text}");
}

#[test]
fn several_policies_are_taken_together_and_nothing_replayed_is_said() {
    let other = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}"#;
    let history = cloud(&[
        ("s3:GetObject", "arn:aws:s3:::orders/a", Outcome::Allowed),
        (
            "sqs:SendMessage",
            "arn:aws:sqs:eu-west-1:123456789012:q",
            Outcome::Allowed,
        ),
    ]);
    let found = replay(None, &history, &policies(&[ALLOW_READS, other]));
    assert_eq!(
        found.verdict,
        "Zero denials: of 2 different accesses that were used, none would have been denied"
    );
    let found = replay(None, &cloud(&[]), &policies(&[other]));
    assert!(found.verdict.starts_with("Nothing was replayed"));
}

fn host(rows: &[(Surface, &str, &str)]) -> Tables {
    let mut tables = job(5);
    tables.usage = rows
        .iter()
        .map(|(surface, action, resource)| UsageRow {
            surface: *surface,
            action: (*action).to_owned(),
            resource: resource.as_bytes().to_vec(),
            ..sample::usage()
        })
        .collect();
    for row in &mut tables.subjects {
        (row.uid, row.container_id) = (1000, Some("c".to_owned()));
    }
    tables
}

fn everything() -> Tables {
    host(&[
        (Surface::File, "execute", "/usr/bin/python3"),
        (Surface::File, "write+create", "/tmp/a/b"),
        (Surface::File, "write+append", "/data/log"),
        (Surface::File, "read", "/etc/hosts"),
        (
            Surface::File,
            "read",
            "/var/run/secrets/kubernetes.io/serviceaccount/token",
        ),
        (Surface::Network, "bind", "unix:/run/app.sock"),
        (Surface::Capability, "use", "CAP_NET_BIND_SERVICE"),
        (Surface::Syscall, "call", "openat"),
        (Surface::Syscall, "call", "bind"),
    ])
}

/// What is denied, as `resource: why`.
fn denied(tables: &Tables, text: &str) -> Vec<String> {
    let history = History::of_host(&Who::Everyone, tables);
    let found = replay(None, &history, &policies(&[text]));
    found
        .denied
        .iter()
        .map(|one| format!("{}: {}", one.resource, one.decided_by))
        .collect()
}

#[test]
fn a_container_that_may_do_nothing_is_denied_each_thing_it_did() {
    let strict = "
spec:
  automountServiceAccountToken: false
  containers:
  - name: app
    securityContext:
      capabilities: {drop: [ALL]}
      readOnlyRootFilesystem: true
      runAsUser: 7
    volumeMounts:
    - {mountPath: /data, name: d, readOnly: true}
";
    let found = denied(&everything(), strict);
    for resource in [
        "/tmp/a/b",
        "/data/log",
        "/run/app.sock",
        "CAP_NET_BIND_SERVICE",
        "/usr/bin/python3",
        "/var/run/secrets",
    ] {
        assert!(
            found.iter().any(|line| line.contains(resource)),
            "{resource} of {found:?}"
        );
    }
    assert_eq!(found.len(), 6, "{found:?}");
}

#[test]
fn a_container_of_the_defaults_is_denied_nothing() {
    assert_eq!(
        denied(
            &everything(),
            "spec: {template: {spec: {containers: [{name: app}]}}}"
        ),
        Vec::<String>::new()
    );
    assert_eq!(
        denied(&everything(), "capabilities: {drop: [NET_BIND_SERVICE]}").len(),
        1
    );
    assert_eq!(
        denied(&everything(), "privileged: true"),
        Vec::<String>::new()
    );
}

#[test]
fn a_mount_of_its_own_stays_writable() {
    let mut tables = host(&[(Surface::File, "write", "/data/x")]);
    let read_only = "readOnlyRootFilesystem: true";
    assert_eq!(denied(&tables, read_only).len(), 1);
    for row in &mut tables.subjects {
        row.mounts = Some(vec!["/data ext4 rw".to_owned()]);
    }
    assert_eq!(denied(&tables, read_only), Vec::<String>::new());
}

#[test]
fn seccomp_profiles_deny_what_they_do_not_name_and_say_what_they_hang_on() {
    let profile =
        |rule: &str| format!(r#"{{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{rule}]}}"#);
    let both = profile(r#"{"names":["openat","bind"],"action":"SCMP_ACT_ALLOW"}"#);
    assert_eq!(denied(&everything(), &both), Vec::<String>::new());
    let one = profile(r#"{"names":["openat"],"action":"SCMP_ACT_ALLOW"}"#);
    assert_eq!(
        denied(&everything(), &one),
        ["bind: p0 does not name it: SCMP_ACT_ERRNO"]
    );
    let on_arguments =
        profile(r#"{"names":["openat","bind"],"action":"SCMP_ACT_ALLOW","args":[{"index":0}]}"#);
    let history = History::of_host(&Who::Everyone, &everything());
    assert_eq!(
        replay(None, &history, &policies(&[&on_arguments]))
            .counts
            .depends,
        2
    );
    let refused = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["bind"],"action":"SCMP_ACT_KILL"}]}"#;
    assert_eq!(denied(&everything(), refused).len(), 1);
}

#[test]
fn what_is_recommended_for_a_container_denies_it_nothing() {
    for format in [Format::SecurityContext, Format::Seccomp] {
        let tables = everything();
        let found = recommend::recommend("all", &Who::Everyone, &tables, format, &OPTIONS)
            .expect("no identities");
        assert_eq!(
            (found.replay.denied, found.replay.depends),
            (0, 0),
            "{found:?}"
        );
        assert!(found.replay.allowed > 0);
    }
}

#[test]
fn a_bad_policy_is_one_sentence_that_names_the_file() {
    let said = |text: &str| {
        let error = Policies::parse(&[("p.json".to_owned(), text.to_owned())])
            .expect_err(text)
            .to_string();
        assert!(
            error.starts_with("p.json") && !error.contains('\n'),
            "{error}"
        );
        error
    };
    said("");
    said("{");
    said("[]");
    said("a: [");
    said("- - - -");
    said(r#"{"Statement":[]}"#);
    said(r#"{"Statement":[{"Effect":"Allow"}]}"#);
    said(r#"{"defaultAction":"SCMP_ACT_WHATEVER"}"#);
    said(r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":[1]}]}"#);
    said("readOnlyRootFilesystem: 7");
    said("capabilities: {drop: ALL}");
    said("spec: {containers: [{name: a}, {name: b}]}");
    said(&"x".repeat(3 << 20));
    // Each alias doubles what the one before stands for.
    let mut bomb = "a0: &a0 [x, x]\n".to_owned();
    for level in 1..40 {
        writeln!(bomb, "a{level}: &a{level} [*a{0}, *a{0}]", level - 1).expect("a String");
    }
    said(&bomb);
}
