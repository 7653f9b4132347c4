//! The report of a small run, and what it says where something is missing.

use whittle_schemas::table::{CoverageRow, Outcome, Tables, UsageRow, sample::cloud_usage};

use super::{sample, *};

const PLAIN: Style = Style {
    colour: false,
    width: 100,
    all: false,
};

fn report(tables: &Tables, style: Style) -> String {
    render(&Summary::of(tables, None), style)
}

#[test]
fn the_report_of_a_run_reads_well() {
    insta::assert_snapshot!(report(&sample::tables(), PLAIN));
}

#[test]
fn the_report_lists_everything_when_asked_to() {
    insta::assert_snapshot!(report(&sample::tables(), Style { all: true, ..PLAIN }));
}

/// A short run that lost something in every way.
fn lossy() -> Tables {
    let mut tables = sample::tables();
    tables.usage.truncate(3);
    tables.coverage[1] = CoverageRow {
        recorded: 100,
        lost: 19,
        lost_ring_full: 18,
        lost_nested: 1,
        ..tables.coverage[1].clone()
    };
    let reason = Some("recorder ended before the window did".to_owned());
    tables.coverage[2] = CoverageRow {
        gap_us: 12_340_000,
        gap_reason: reason,
        truncated: 1,
        ..tables.coverage[2].clone()
    };
    let unwatched = CoverageRow {
        backend: "none".into(),
        backend_reason: "needs CAP_BPF".into(),
        ..tables.coverage[0].clone()
    };
    tables.coverage[0] = unwatched;
    tables
}

#[test]
fn losses_and_gaps_come_first_and_are_explained() {
    insta::assert_snapshot!(report(&lossy(), PLAIN));
}

#[test]
fn calls_to_a_cloud_are_listed_by_identity() {
    let call = |action: &str, resource: &str, error: Option<&str>| UsageRow {
        subject_id: "job".into(),
        action: action.into(),
        resource: resource.as_bytes().to_vec(),
        outcome: error.map_or(Outcome::Allowed, |_| Outcome::Denied),
        error: error.map(str::to_owned),
        ..cloud_usage()
    };
    let mut tables = sample::tables();
    tables.usage = vec![
        call("s3:PutObject", "arn:aws:s3:::orders/out", None),
        call("s3:GetObject", "arn:aws:s3:::orders/in", None),
        call(
            "s3:ListBucket",
            "arn:aws:s3:::payroll",
            Some("AccessDenied"),
        ),
        UsageRow {
            principal: None,
            ..call("sts:AssumeRoleWithWebIdentity", "*", None)
        },
    ];
    for number in 0..7 {
        let object = format!("arn:aws:s3:::orders/{number}");
        tables.usage.push(call("s3:DeleteObject", &object, None));
    }
    insta::assert_snapshot!(report(&tables, PLAIN));
}

#[test]
fn no_line_is_wider_than_a_terminal_of_80_columns() {
    let narrow = Style { width: 80, ..PLAIN };
    let damaged = Summary::of(&sample::tables(), None).without(2);
    let text =
        report(&sample::tables(), narrow) + &report(&lossy(), narrow) + &render(&damaged, narrow);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn colours_are_all_that_a_terminal_adds() {
    let coloured = report(
        &sample::tables(),
        Style {
            colour: true,
            ..PLAIN
        },
    );
    let mut plain = coloured.clone();
    for code in ["0", "1", "2", "31", "32", "33"] {
        plain = plain.replace(&format!("\x1b[{code}m"), "");
    }
    assert_ne!(coloured, plain);
    assert_eq!(plain, report(&sample::tables(), PLAIN));
}

#[test]
fn counts_of_all_windows_are_added_up() {
    let once = Summary::of(&sample::tables(), None);
    let mut tables = sample::tables();
    tables.usage.extend(sample::tables().usage);
    tables.coverage.extend(sample::tables().coverage);
    let twice = Summary::of(&tables, None);
    assert_eq!(twice.coverage[1].seen, 2 * once.coverage[1].seen);
    for (once, twice) in once.subjects.iter().zip(&twice.subjects) {
        for (once, twice) in once.accesses.iter().zip(&twice.accesses) {
            assert_eq!(
                Access {
                    count: 2 * once.count,
                    ..once.clone()
                },
                *twice
            );
        }
    }
}

#[test]
fn a_subject_is_found_by_any_part_of_its_names() {
    for part in ["job.py", "python3", "root", "job"] {
        let summary = Summary::of(&sample::tables(), Some(part));
        assert_eq!(summary.subjects.len(), 1, "{part}");
        assert_eq!(summary.subjects[0].subject_id, "job", "{part}");
    }
    assert!(
        Summary::of(&sample::tables(), Some("perl"))
            .subjects
            .is_empty()
    );
}

#[test]
fn silence_is_no_evidence_without_coverage() {
    let tables = Tables {
        coverage: Vec::new(),
        ..sample::tables()
    };
    assert!(!Summary::of(&tables, None).complete);
    let text = report(&tables, PLAIN);
    assert!(text.contains("No coverage was recorded"), "{text}");
    assert!(report(&Tables::default(), PLAIN).contains("Nothing was recorded"));
}

#[test]
fn a_path_that_is_not_whole_says_so_under_it() {
    let mut tables = sample::tables();
    tables.usage.truncate(2);
    let note = "path truncated: longer or deeper than what is walked";
    tables.usage[0].resource = b".../deep/leaf".to_vec();
    tables.usage[0].resource_detail = Some(note.to_owned());
    tables.usage[1].resource_detail = Some("pipe".to_owned());
    let summary = Summary::of(&tables, None);
    for all in [false, true] {
        let text = render(&summary, Style { all, ..PLAIN });
        let under = format!("  .../deep/leaf\n            {note}\n");
        assert!(text.contains(&under), "{text}");
        assert!(!text.contains("pipe"), "{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&json(&summary)).expect("it is JSON");
    let details = [0, 1].map(|index| &json["subjects"][0]["accesses"][index]["resource_detail"]);
    assert_eq!(details, [note, "pipe"]);
}

#[test]
fn a_report_of_damaged_data_is_never_complete() {
    let summary = Summary::of(&sample::tables(), None);
    assert!(summary.complete && summary.clone().without(0).complete);
    let summary = summary.without(1);
    assert!(!summary.complete && !summary.coverage.iter().any(|family| family.complete));
    let text = render(&summary, PLAIN);
    assert_eq!(text.matches("not complete: files are missing").count(), 3);
    assert!(text.contains("Not complete, files are missing:"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&json(&summary)).expect("it is JSON");
    assert_eq!(
        (&json["complete"], &json["unread"]),
        (&false.into(), &1.into())
    );

    let nothing = Summary::of(&Tables::default(), None).without(3);
    assert!(render(&nothing, PLAIN).contains("files are missing"));
}

#[test]
fn a_subject_that_no_row_describes_is_still_shown() {
    let tables = Tables {
        subjects: Vec::new(),
        ..sample::tables()
    };
    assert!(report(&tables, PLAIN).contains("unknown subject\nid job\n"));
}

#[test]
fn the_json_form_has_what_the_text_has() {
    let text = json(&Summary::of(&sample::tables(), None));
    let value: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(value["complete"], true);
    assert_eq!(value["from"], "2026-11-22T00:18:35Z");
    let accesses = value["subjects"][0]["accesses"].as_array().expect("a list");
    let denied: Vec<_> = accesses
        .iter()
        .filter(|access| access["outcome"] == "denied")
        .collect();
    assert_eq!(denied.len(), 1);
    assert_eq!(denied[0]["resource"], "/root/secret.txt");
    assert!(
        accesses
            .iter()
            .any(|access| access["resource"] == r"/tmp/demo/bad\xff\nname")
    );
}
