//! Two laws, over random rows: a loss never makes anything unused, and a use never makes anything less than used.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const ACTIONS: [&str; 7] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListBucket",
    "kms:Decrypt",
    "sqs:SendMessage",
    "s3:*",
    "*",
];
const RESOURCES: [&str; 3] = [OBJECT, "arn:aws:s3:::other/2", "*"];

fn row() -> impl Strategy<Value = UsageRow> {
    let outcomes = [Outcome::Allowed, Outcome::Denied, Outcome::Failed];
    let principals = [Some(ROLE), Some(KEY), None];
    (
        0..ACTIONS.len(),
        0..RESOURCES.len(),
        0..3_usize,
        0..3_usize,
        1..3_u8,
    )
        .prop_map(
            move |(action, resource, outcome, principal, subject)| UsageRow {
                principal: principals[principal].map(str::to_owned),
                access_key_id: None,
                subject_id: format!("s-{subject}"),
                ..call(ACTIONS[action], RESOURCES[resource], outcomes[outcome])
            },
        )
}

/// Coverage that lacks something, or an endpoint that was not read.
fn lose(case: &mut Case, what: u8, family: usize) {
    let row = &mut case.tables.coverage[family % FAMILIES.len()];
    match what % 5 {
        0 => (row.seen, row.lost) = (row.seen + 1, row.lost + 1),
        1 => row.gap_us += 1,
        2 => row.backend = "none".into(),
        3 => row.recorded += 1,
        _ => case.tables.endpoints[0].decoded = 0,
    }
}

fn with_status(case: &Case, status: Status) -> BTreeSet<(String, String)> {
    let report = case.report();
    let evidence = report.principals.iter().flat_map(|principal| {
        let entries = principal.evidence.iter();
        entries.map(|entry| (principal.principal.clone(), entry))
    });
    evidence
        .filter(|(_, entry)| entry.status == status)
        .map(|(who, entry)| (who, format!("{} {}", entry.permission, entry.resource)))
        .collect()
}

fn start(rows: Vec<UsageRow>, losses: &[(u8, usize)]) -> Case {
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["s3:GetObject","s3:Put*","s3:ListBucket"],"Resource":"arn:aws:s3:::orders/*"},
        {"Effect":"Allow","Action":["kms:Decrypt","sqs:*"],"Resource":"*"}]}"#;
    let mut case = case(policy);
    case.tables.usage = rows;
    for (what, family) in losses {
        lose(&mut case, *what, *family);
    }
    case
}

proptest! {
    #[test]
    fn a_loss_makes_nothing_unused(
        rows in prop::collection::vec(row(), 0..8),
        losses in prop::collection::vec((any::<u8>(), any::<usize>()), 0..2),
        what: u8, family: usize,
    ) {
        let before = start(rows, &losses);
        let mut after = before.clone();
        lose(&mut after, what, family);
        let unused = with_status(&after, Status::Unused);
        prop_assert!(unused.is_subset(&with_status(&before, Status::Unused)));
    }

    #[test]
    fn a_further_row_makes_nothing_less_than_used(
        rows in prop::collection::vec(row(), 0..8), more in row(),
    ) {
        let before = start(rows, &[]);
        let after = before.clone().with(more);
        prop_assert!(with_status(&before, Status::Used).is_subset(&with_status(&after, Status::Used)));
        let unused = with_status(&after, Status::Unused);
        prop_assert!(unused.is_subset(&with_status(&before, Status::Unused)));
    }
}
