//! Whom a name means, what is merged, what is a hole and what is enough.

use whittle_schemas::table::{
    CoverageRow, EndpointRow, Outcome, SubjectRow, Tables, UsageRow, sample,
};

use super::*;
use crate::evidence::watch::Sight;

/// A job of some runs, each a window of its own, that does the same each time: complete, and enough.
pub(crate) fn job(runs: i64) -> Tables {
    let mut tables = Tables::default();
    for run in 0..runs {
        let window_start_us = sample::START_US + run * 1_000_000_000;
        tables.usage.push(UsageRow {
            window_start_us,
            first_seen_us: window_start_us + 1,
            last_seen_us: window_start_us + 2,
            ..sample::cloud_usage()
        });
        tables.subjects.push(SubjectRow {
            window_start_us,
            executable: b"/usr/bin/python3".to_vec(),
            script: Some(b"/srv/nightly/job.py".to_vec()),
            instance_id: format!("i-{run}"),
            ..sample::subject()
        });
        for family in [
            "process",
            "file",
            "socket",
            "payload",
            "capability",
            "syscall",
        ] {
            tables.coverage.push(CoverageRow {
                window_start_us,
                family: family.to_owned(),
                ..sample::coverage()
            });
        }
        tables.endpoints.push(EndpointRow {
            window_start_us,
            ..sample::endpoint()
        });
    }
    tables
}

fn all_holes(tables: &Tables) -> Vec<String> {
    let who = Who::find("job.py", tables).expect("the job is there");
    holes(&History::of_cloud(&who, tables), tables, &[Sight::Cloud], 0)
}

#[test]
fn a_name_means_a_principal_a_key_a_subject_or_a_part_of_one() {
    let tables = job(1);
    let find = |asked: &str| Who::find(asked, &tables);
    let role = "arn:aws:iam::123456789012:role/nightly";
    assert_eq!(find(role), Ok(Who::Principal(role.to_owned())));
    let session = "arn:aws:sts::123456789012:assumed-role/nightly/run-1";
    assert_eq!(find(session), Ok(Who::Principal(session.to_owned())));
    let key = "ASIAQNZGKIQY56JQ7WML";
    assert_eq!(find(key), Ok(Who::AccessKey(key.to_owned())));
    for part in ["s-1", "job.py", "/srv/nightly", "python3"] {
        assert_eq!(find(part), Ok(Who::Subject("s-1".to_owned())), "{part}");
    }
}

#[test]
fn nobody_and_several_are_errors_that_say_who_there_is() {
    let mut tables = job(1);
    tables.subjects.push(SubjectRow {
        subject_id: "s-2".to_owned(),
        executable: b"/usr/bin/python3".to_vec(),
        script: Some(b"/srv/nightly/other.py".to_vec()),
        ..sample::subject()
    });
    let said = |asked: &str| Who::find(asked, &tables).expect_err("nobody").to_string();
    assert!(said("nightly").contains(
        "s-1 (/usr/bin/python3 /srv/nightly/job.py), s-2 (/usr/bin/python3 /srv/nightly/other.py)"
    ));
    assert!(
        said("arn:aws:iam::123456789012:role/x")
            .contains("in this data are arn:aws:iam::123456789012:role/nightly")
    );
    assert!(said("").contains("nothing recorded belongs to \"\""));
    assert!(
        Who::find("x", &Tables::default())
            .expect_err("nobody")
            .to_string()
            .contains("nobody is in this data")
    );
}

#[test]
fn the_whole_name_of_one_program_goes_before_parts_of_others() {
    let mut tables = job(1);
    tables.subjects.push(SubjectRow {
        subject_id: "s-2".to_owned(),
        executable: b"/srv/nightly/job.py.backup".to_vec(),
        ..sample::subject()
    });
    assert_eq!(
        Who::find("job.py", &tables),
        Ok(Who::Subject("s-1".to_owned()))
    );
}

#[test]
fn rows_of_all_windows_are_one_access_and_a_key_becomes_its_role() {
    let mut tables = job(3);
    // The answer that says whose key it is came after the first call.
    tables.usage[0].principal = tables.usage[0].access_key_id.clone();
    let who = Who::Principal("arn:aws:iam::123456789012:role/nightly".to_owned());
    let history = History::of_cloud(&who, &tables);
    assert_eq!(history.accesses.len(), 1);
    assert_eq!((history.accesses[0].count, history.windows.len()), (6, 3));
}

#[test]
fn a_key_that_belongs_to_two_roles_belongs_to_none() {
    let mut tables = job(2);
    tables.usage[1].principal = Some("arn:aws:iam::123456789012:role/other".to_owned());
    tables.usage[0].principal = None;
    tables.usage.push(UsageRow {
        principal: Some("arn:aws:iam::123456789012:role/nightly".to_owned()),
        ..tables.usage[0].clone()
    });
    let principal = Identities::of(&tables).principal(&tables.usage[0]);
    assert_eq!(principal.as_deref(), Some("ASIAQNZGKIQY56JQ7WML"));
}

#[test]
fn a_complete_history_has_no_hole() {
    assert_eq!(all_holes(&job(2)), Vec::<String>::new());
}

#[test]
fn each_hole_is_named() {
    let check = |change: &dyn Fn(&mut Tables), expected: &str| {
        let mut tables = job(2);
        change(&mut tables);
        let found = all_holes(&tables);
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{expected}: {found:?}"
        );
    };
    check(
        &|tables| {
            tables
                .coverage
                .retain(|row| row.window_start_us != sample::START_US);
        },
        "1 of 2 windows",
    );
    check(
        &|tables| {
            let row = &mut tables.coverage[3];
            (row.seen, row.lost, row.lost_ring_full) = (7, 7, 7);
        },
        "7 records were lost",
    );
    check(
        &|tables| tables.coverage[3].backend = "none".to_owned(),
        "were not watched",
    );
    check(
        &|tables| {
            let row = &mut tables.endpoints[1];
            row.connections = 5;
            row.unreadable_reason = Some("no OpenSSL found in the process".to_owned());
        },
        "no OpenSSL found in the process",
    );
    check(
        &|tables| {
            let row = &mut tables.usage[1];
            (row.action, row.operation) = ("s3:*".to_owned(), Some(UNMAPPED.to_owned()));
        },
        "2 calls ask for operations that are not known",
    );
}

#[test]
fn only_runs_and_windows_with_use_count_and_never_the_clock() {
    let growth = |tables: &Tables| {
        let history = History::of_cloud(&Who::Everyone, tables);
        let windows: Vec<_> = history
            .accesses
            .iter()
            .map(|access| access.windows.clone())
            .collect();
        Growth::of(&history, windows.iter())
    };
    assert_eq!(
        growth(&job(2)).lacks().as_deref(),
        Some("2 runs so far, and 3 is the least: record more")
    );
    assert_eq!(growth(&job(3)).lacks(), None);
    // One run that goes on for a year of windows is one run.
    let mut service = job(9_000);
    service
        .subjects
        .iter_mut()
        .for_each(|row| row.instance_id = "i".to_owned());
    assert_eq!(growth(&service).runs, 1);
    assert!(growth(&service).lacks().is_some());
    // Something new in the last run.
    let mut grown = job(9);
    grown.usage[8].resource = b"arn:aws:s3:::orders/new".to_vec();
    assert_eq!(growth(&grown).quiet_windows, 0);
    assert_eq!(
        growth(&grown).lacks().as_deref(),
        Some("the last 0 windows of 9 used nothing new, and 3 is the least: record more")
    );
    assert_eq!(
        growth(&Tables::default()).lacks().as_deref(),
        Some("nothing was used")
    );
}

#[test]
fn a_workload_is_what_shares_its_container_without_what_set_it_up() {
    let mut tables = Tables::default();
    let subject = |id: &str, executable: &str, container: Option<&str>| SubjectRow {
        subject_id: id.to_owned(),
        executable: executable.as_bytes().to_vec(),
        container_id: container.map(str::to_owned),
        cgroup: Some("/system".to_owned()),
        ..sample::subject()
    };
    tables.subjects = vec![
        subject("app", "/app", Some("c1")),
        subject("child", "/bin/ls", Some("c1")),
        subject(
            "init",
            "/memfd:runc_cloned:/proc/self/exe (deleted)",
            Some("c1"),
        ),
        subject("sealed", "", Some("c1")),
        subject("runc", "/usr/sbin/runc", None),
        subject("other", "/app", Some("c2")),
    ];
    tables.subjects[0].first_seen_us += 1;
    for id in ["app", "child", "init", "sealed", "other", "runc"] {
        tables.usage.push(UsageRow {
            subject_id: id.to_owned(),
            outcome: Outcome::Allowed,
            ..sample::usage()
        });
    }
    let history = History::of_host(&Who::Subject("app".to_owned()), &tables);
    assert_eq!(
        history.subject_ids().into_iter().collect::<Vec<_>>(),
        ["app", "child"]
    );
}
