//! The status of recommendations, and that they are the same for the same usage.

use whittle_grants::aws::Document;
use whittle_schemas::{
    document::recommendation::Status,
    table::{Outcome, Tables, UsageRow},
};

use super::*;
use crate::evidence::LastUsed;
use crate::history::tests::job;

pub(crate) const OPTIONS: Options = Options {
    include_attempted: false,
    include_implied: false,
    generalise: 10,
    attach: Attach::Managed,
    unmapped: Unmapped::Service,
    unread: 0,
    grants: Grants {
        holders: Vec::new(),
    },
    used_elsewhere: Vec::new(),
};

pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/nightly";

fn aws(asked: &str, tables: &Tables) -> Recommendation {
    let who = Who::find(asked, tables).expect("somebody has this name");
    recommend(asked, &who, tables, Format::AwsIam, &OPTIONS).expect("one identity")
}

/// The status of what is recommended for the role, and its first reason.
fn check(change: impl Fn(&mut Tables), status: Status, reason: &str) {
    let mut tables = job(5);
    change(&mut tables);
    let found = aws(ROLE, &tables);
    assert_eq!(found.status, status, "{:?}", found.reasons);
    assert!(found.reasons[0].contains(reason), "{:?}", found.reasons);
    assert_eq!(found.replay.denied, 0);
}

#[test]
fn ready_takes_complete_evidence_that_has_stopped_growing() {
    check(
        |_| {},
        Status::Ready,
        "5 runs in 5 windows that used something, the last 4 of which used nothing new",
    );
}

#[test]
fn too_few_runs_or_something_new_in_the_last_make_a_draft() {
    check(|tables| *tables = job(2), Status::Draft, "2 runs so far");
    check(
        |tables| tables.usage[4].resource = b"arn:aws:s3:::orders/new".to_vec(),
        Status::Draft,
        "the last 0 windows of 5 used nothing new",
    );
}

#[test]
fn a_loss_an_unread_connection_and_an_unknown_call_hold_it() {
    check(
        |tables| tables.coverage[3].lost = 1,
        Status::Held,
        "records were lost",
    );
    check(
        |tables| tables.endpoints[0].readable = 0,
        Status::Held,
        "were not read to their end",
    );
    check(
        |tables| {
            tables.usage[0].action = "s3:*".to_owned();
            tables.usage[0].operation = Some("unmapped".to_owned());
        },
        Status::Held,
        "operations that are not known",
    );
}

#[test]
fn an_identity_that_is_unknown_or_used_elsewhere_holds_it() {
    let mut tables = job(5);
    tables.usage.push(UsageRow {
        subject_id: "s-2".to_owned(),
        ..tables.usage[0].clone()
    });
    let found = aws("s-1", &tables);
    assert_eq!(found.status, Status::Held);
    assert!(
        found.reasons[0].contains("was used elsewhere too, by 1 other subjects"),
        "{:?}",
        found.reasons
    );
    assert_eq!(aws(ROLE, &tables).status, Status::Ready);

    for row in &mut tables.usage {
        row.principal = None;
    }
    let found = aws("s-1", &tables);
    assert_eq!(found.status, Status::Held);
    assert!(
        found.reasons[0].contains("whose key ASIAQNZGKIQY56JQ7WML is was not observed"),
        "{:?}",
        found.reasons
    );
    assert_eq!(found.principal, None);
}

#[test]
fn a_role_that_is_used_where_nobody_watches_holds_it() {
    let tables = job(5);
    let who = Who::find(ROLE, &tables).expect("the role is there");
    let ask = |options: &Options| {
        recommend(ROLE, &who, &tables, Format::AwsIam, options).expect("one identity")
    };
    assert_eq!(ask(&OPTIONS).status, Status::Ready);
    let said = Options {
        used_elsewhere: vec!["nightly".to_owned()],
        ..OPTIONS
    };
    let found = ask(&said);
    assert_eq!(found.status, Status::Held);
    assert!(
        found.reasons[0].contains("--used-elsewhere"),
        "{:?}",
        found.reasons
    );
    let other = Options {
        used_elsewhere: vec!["another".to_owned()],
        ..OPTIONS
    };
    assert_eq!(ask(&other).status, Status::Ready);

    let mut grants = Grants::default();
    let document =
        Document::parse(r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"#).expect("a policy");
    grants.add_document(ROLE, "work", document);
    grants.holders[0].last_used = Some(LastUsed {
        at_us: 1,
        region: None,
    });
    let found = ask(&Options { grants, ..OPTIONS });
    assert_eq!(found.status, Status::Held);
    assert!(
        found.reasons[0].contains("RoleLastUsed"),
        "{:?}",
        found.reasons
    );
}

#[test]
fn a_subject_with_two_identities_has_no_one_policy() {
    let mut tables = job(5);
    tables.usage[1].principal = Some("arn:aws:iam::123456789012:role/other".to_owned());
    let who = Who::find("job.py", &tables).expect("the job is there");
    let error = recommend("job.py", &who, &tables, Format::AwsIam, &OPTIONS).expect_err("two");
    assert!(
        error
            .to_string()
            .contains("--for arn:aws:iam::123456789012:role/other"),
        "{error}"
    );
}

#[test]
fn files_that_could_not_be_read_hold_it() {
    let tables = job(5);
    let who = Who::find(ROLE, &tables).expect("the role is there");
    let options = Options {
        unread: 2,
        ..OPTIONS
    };
    let found = recommend(ROLE, &who, &tables, Format::AwsIam, &options).expect("one identity");
    assert_eq!(found.status, Status::Held);
}

#[test]
fn the_order_of_rows_does_not_change_a_byte() {
    let mut tables = job(5);
    for (index, row) in tables.usage.iter_mut().enumerate() {
        row.resource = format!("arn:aws:s3:::orders/{}", index * 7 % 5).into_bytes();
    }
    let before = aws(ROLE, &tables);
    tables.usage.reverse();
    tables.subjects.reverse();
    tables.coverage.reverse();
    assert_eq!(aws(ROLE, &tables), before);
}

#[test]
fn what_was_only_denied_is_not_allowed_unless_asked_for() {
    let mut tables = job(5);
    tables.usage[0].outcome = Outcome::Denied;
    tables.usage[0].action = "s3:DeleteObject".to_owned();
    let who = Who::find(ROLE, &tables).expect("the role is there");
    let text = |options: &Options| {
        let found = recommend(ROLE, &who, &tables, Format::AwsIam, options).expect("one identity");
        found.documents[0].text.clone()
    };
    assert!(!text(&OPTIONS).contains("DeleteObject"));
    let options = Options {
        include_attempted: true,
        ..OPTIONS
    };
    assert!(text(&options).contains("s3:DeleteObject"));
}
