//! Whose a use is: a principal's, here or elsewhere, or a key's of which it is not known.

use super::*;

#[test]
fn a_principal_that_is_used_elsewhere_has_nothing_unused() {
    let clean = case(&allow(r#""s3:GetObject""#, "*")).with(call(
        "s3:ListBucket",
        "arn:aws:s3:::orders",
        Outcome::Denied,
    ));
    let last_used = |at_us, region: &str| {
        let mut case = clean.clone();
        let region = Some(region.to_owned());
        case.grants.used_last(ROLE, LastUsed { at_us, region });
        case
    };
    let is = |case: &Case, status, reason| case.check("s3:GetObject", "*", status, reason);
    is(&last_used(END_US, "eu-west-1"), Status::Unused, "");
    is(
        &last_used(END_US, "us-east-1"),
        Status::Unknown,
        "us-east-1",
    );
    is(
        &last_used(END_US + 86_400_000_000, "eu-west-1"),
        Status::Unknown,
        "RoleLastUsed",
    );
    is(&last_used(0, "eu-west-1"), Status::Unknown, "RoleLastUsed");
    for name in [ROLE, "nightly"] {
        let mut said = clean.clone();
        said.options.used_elsewhere = vec![name.into()];
        is(&said, Status::Unknown, "--used-elsewhere");
    }
}

#[test]
fn a_principal_that_nobody_acted_as_has_only_unknown_grants() {
    let mut case = case(&allow(r#""s3:Get*""#, "*"));
    case.tables.subjects[0].principals = None;
    let evidence = case.evidence();
    assert!(evidence.len() > 20);
    let is_unknown = |entry: &Evidence| entry.status == Status::Unknown;
    assert!(evidence.iter().all(is_unknown));
}

#[test]
fn a_key_is_its_principals_where_the_user_or_other_rows_say_so() {
    let policy = allow(r#"["s3:GetObject","s3:PutObject"]"#, "*");
    let by_key = UsageRow {
        principal: Some(KEY.into()),
        ..call("s3:GetObject", OBJECT, Outcome::Allowed)
    };
    let mut case = case(&policy).with(by_key);
    case.tables.subjects[0].principals = None;
    let report = case.report();
    let names: Vec<_> = report
        .principals
        .iter()
        .map(|p| p.principal.as_str())
        .collect();
    assert_eq!(
        names,
        [ROLE, &format!("key {KEY} (principal not observed)")]
    );
    assert!(
        report.notes[0].contains("--principal-of"),
        "{:?}",
        report.notes
    );
    case.check("s3:GetObject", "*", Status::Unknown, "nobody was seen");
    case.check("s3:PutObject", "*", Status::Unknown, "nobody was seen");

    let mut said = case.clone();
    said.options.principal_of = vec![(KEY.into(), ROLE.into())];
    said.check("s3:GetObject", OBJECT, Status::Used, "");
    said.check("s3:PutObject", "*", Status::Unused, "");
    assert_eq!(said.report().principals.len(), 1);

    let session = "arn:aws:sts::123456789012:assumed-role/nightly/i-0abc";
    let bound = UsageRow {
        principal: Some(session.into()),
        ..call("s3:GetObject", OBJECT, Outcome::Allowed)
    };
    let case = case.with(bound);
    case.check("s3:GetObject", OBJECT, Status::Used, "");
    assert_eq!(case.report().principals.len(), 1);
}

#[test]
fn what_an_unknown_key_used_may_be_anybodys_of_its_account() {
    let clean = case(&allow(r#"["s3:GetObject","s3:PutObject"]"#, "*"));
    for (account, status) in [
        (Some("123456789012"), Status::Unknown),
        (None, Status::Unknown),
        (Some("999999999999"), Status::Unused),
    ] {
        let row = UsageRow {
            principal: Some(KEY.into()),
            subject_id: "s-2".into(),
            account: account.map(str::to_owned),
            ..call("s3:GetObject", OBJECT, Outcome::Allowed)
        };
        let case = clean.clone().with(row);
        assert_eq!(case.of("s3:GetObject", "*").expect("granted").0, status);
        case.check("s3:PutObject", "*", Status::Unused, "");
    }
}
