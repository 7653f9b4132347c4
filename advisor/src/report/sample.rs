//! A small recorded run, for tests: a Python job and a child of it.

use whittle_schemas::table::{CoverageRow, Outcome, SubjectRow, Surface, Tables, UsageRow, sample};

/// Start of the run: 2026-11-22 00:18:35 UTC.
pub(crate) const START_US: i64 = 1_795_306_715_000_000;

/// Rows of one run without losses.
pub(crate) fn tables() -> Tables {
    let mut usage = Vec::new();
    let mut add = |subject: &str, action: &str, resource: &[u8], error: Option<&str>, count| {
        usage.push(access(subject, action, resource, error, count));
    };
    for module in 0..40 {
        add(
            "job",
            "read",
            format!("/usr/lib/python3.11/m{module}.py").as_bytes(),
            None,
            2,
        );
    }
    add("job", "read", b"/tmp/demo/input one.csv", None, 3);
    add("job", "read", b"/tmp/demo/bad\xff\nname", None, 1);
    add("job", "write+create", b"/tmp/demo/output.csv", None, 1);
    add("job", "write+append", b"/tmp/demo/job.log", None, 7);
    add("job", "execute", b"/usr/bin/true", None, 1);
    add("job", "connect", b"127.0.0.1:8080/tcp", None, 2);
    add(
        "job",
        "connect",
        b"unix:/run/nscd/socket",
        Some("ENOENT"),
        2,
    );
    add("job", "read", b"/root/secret.txt", Some("EACCES"), 1);
    for folder in 0..9 {
        add(
            "job",
            "read",
            format!("/opt/p{folder}/site.py").as_bytes(),
            Some("ENOENT"),
            1,
        );
    }
    add(
        "job",
        "read",
        b"/usr/lib/python3.11/gone.so",
        Some("ENOENT"),
        12,
    );
    add("child", "read", b"/etc/ld.so.cache", None, 1);
    let long = [
        b"/srv".as_slice(),
        b"/component".repeat(30).as_slice(),
        b"/leaf",
    ]
    .concat();
    add("child", "read", &long, None, 1);
    let coverage = [("process", 1), ("file", 119), ("socket", 4)];
    Tables {
        usage,
        subjects: vec![
            subject(
                "job",
                b"/usr/bin/python3.11",
                Some(b"/tmp/demo/job.py"),
                0,
                Some("root"),
            ),
            subject("child", b"/usr/bin/true", None, 65_534, None),
        ],
        coverage: coverage
            .map(|(family, seen)| self::coverage(family, seen))
            .to_vec(),
        endpoints: Vec::new(),
    }
}

fn access(
    subject: &str,
    action: &str,
    resource: &[u8],
    error: Option<&str>,
    count: u64,
) -> UsageRow {
    UsageRow {
        window_start_us: START_US,
        window_end_us: START_US + 1_500_000,
        subject_id: subject.into(),
        surface: if action == "connect" {
            Surface::Network
        } else {
            Surface::File
        },
        action: action.into(),
        resource: resource.into(),
        outcome: match error {
            None => Outcome::Allowed,
            Some("EACCES") => Outcome::Denied,
            Some(_) => Outcome::Failed,
        },
        error: error.map(str::to_owned),
        count,
        first_seen_us: START_US + 10,
        last_seen_us: START_US + 1_000_000,
        ..sample::usage()
    }
}

fn subject(
    id: &str,
    executable: &[u8],
    script: Option<&[u8]>,
    uid: u32,
    user: Option<&str>,
) -> SubjectRow {
    SubjectRow {
        window_start_us: START_US,
        window_end_us: START_US + 1_500_000,
        subject_id: id.into(),
        executable: executable.into(),
        script: script.map(<[u8]>::to_vec),
        uid,
        user: user.map(str::to_owned),
        instance_id: format!("{id}-1"),
        start_time_us: START_US,
        first_seen_us: START_US + i64::from(uid),
        last_seen_us: START_US + 1_000_000,
        ..sample::subject()
    }
}

fn coverage(family: &str, seen: u64) -> CoverageRow {
    CoverageRow {
        window_start_us: START_US,
        window_end_us: START_US + 1_500_000,
        family: family.into(),
        backend_reason: "this kernel refuses trampolines".into(),
        seen,
        recorded: seen,
        ..sample::coverage()
    }
}
