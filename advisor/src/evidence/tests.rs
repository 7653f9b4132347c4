//! Each status, and what turns one into another. Rows, policies and options are built by `Case`; `scenarios` of the
//! repository's tests runs the same through files and the command.

mod host;
mod laws;
mod whose;

use whittle_grants::aws::Document;
use whittle_schemas::table::{
    CoverageRow, EndpointRow, Outcome, SubjectRow, Surface, Tables, UsageRow, sample,
};

use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/nightly";
const KEY: &str = "ASIAQNZGKIQY56JQ7WML";

/// A job of one subject in one window of an hour, completely covered, with one role.
#[derive(Clone)]
struct Case {
    tables: Tables,
    grants: Grants,
    options: Options,
}

fn case(policy: &str) -> Case {
    let mut grants = Grants::default();
    grants.add_document(ROLE, "policy", document(policy));
    Case {
        tables: Tables {
            usage: Vec::new(),
            subjects: vec![SubjectRow {
                principals: Some(vec![ROLE.into()]),
                window_end_us: END_US,
                ..sample::subject()
            }],
            coverage: FAMILIES.map(coverage).to_vec(),
            endpoints: vec![EndpointRow {
                window_end_us: END_US,
                ..sample::endpoint()
            }],
        },
        grants,
        options: Options::default(),
    }
}

const END_US: i64 = sample::START_US + 3_600_000_000;
const FAMILIES: [&str; 5] = ["process", "file", "socket", "payload", "capability"];

fn coverage(family: &str) -> CoverageRow {
    CoverageRow {
        family: family.into(),
        window_end_us: END_US,
        ..sample::coverage()
    }
}

fn document(text: &str) -> Document {
    Document::parse(text).expect("the test's policy is well-formed")
}

/// A policy of one statement.
fn allow(actions: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{actions},"Resource":"{resource}"}}]}}"#
    )
}

fn call(action: &str, resource: &str, outcome: Outcome) -> UsageRow {
    UsageRow {
        window_end_us: END_US,
        principal: Some(ROLE.into()),
        action: action.into(),
        resource: resource.into(),
        outcome,
        error: (outcome != Outcome::Allowed).then(|| "AccessDenied".into()),
        ..sample::cloud_usage()
    }
}

impl Case {
    fn with(mut self, row: UsageRow) -> Self {
        self.tables.usage.push(row);
        self
    }

    fn report(&self) -> Report {
        assess(&self.tables, &self.grants, &self.options)
    }

    fn evidence(&self) -> Vec<Evidence> {
        let report = self.report();
        let own = report
            .principals
            .into_iter()
            .find(|own| own.principal == ROLE);
        own.expect("the role is in the report").evidence
    }

    /// Status and reason of one permission on one resource.
    fn of(&self, permission: &str, resource: &str) -> Option<(Status, String)> {
        let mut evidence = self.evidence().into_iter();
        let found = evidence
            .find(|entry| &*entry.permission == permission && &*entry.resource == resource)?;
        Some((found.status, found.reason.to_string()))
    }

    fn check(&self, permission: &str, resource: &str, status: Status, reason: &str) {
        let (found, why) = self.of(permission, resource).unwrap_or_else(|| {
            panic!("nothing on {permission} {resource}: {:#?}", self.evidence())
        });
        assert_eq!(found, status, "{permission} {resource}: {why}");
        assert!(why.contains(reason), "{why}");
    }
}

const BUCKET: &str = "arn:aws:s3:::orders/*";
const OBJECT: &str = "arn:aws:s3:::orders/1.csv";

#[test]
fn what_was_allowed_is_used_with_its_resource_count_and_times() {
    let case = case(&allow(r#""s3:GetObject""#, BUCKET))
        .with(call("s3:GetObject", OBJECT, Outcome::Allowed))
        .with(call("s3:GetObject", OBJECT, Outcome::Failed))
        .with(call("s3:GetObject", OBJECT, Outcome::Denied));
    case.check("s3:GetObject", OBJECT, Status::Used, "identity policy#1");
    let evidence = case.evidence();
    assert_eq!(evidence.len(), 1, "{evidence:#?}");
    let row = sample::cloud_usage();
    let seen = Some((row.first_seen_us, row.last_seen_us));
    assert_eq!((evidence[0].count, evidence[0].seen_us), (4, seen));
    assert_eq!(evidence[0].subjects, ["s-1".into()]);
}

#[test]
fn what_was_only_denied_is_attempted_granted_or_not() {
    let case = case(&allow(r#""s3:GetObject""#, BUCKET))
        .with(call("s3:GetObject", OBJECT, Outcome::Denied))
        .with(call("s3:PutObject", OBJECT, Outcome::Denied));
    case.check("s3:GetObject", OBJECT, Status::Attempted, "AccessDenied");
    case.check("s3:PutObject", OBJECT, Status::Attempted, "no known grant");
    assert_eq!(case.evidence().len(), 2);
}

#[test]
fn what_was_granted_and_never_asked_for_is_unused_for_the_covered_time() {
    let case = case(&allow(r#"["s3:GetObject","s3:PutObject"]"#, BUCKET)).with(call(
        "s3:GetObject",
        OBJECT,
        Outcome::Allowed,
    ));
    let reason = "no use in 1.0 covered hours: at 95 % fewer than 3.0 uses an hour";
    case.check("s3:PutObject", BUCKET, Status::Unused, reason);
}

#[test]
fn what_aws_does_on_the_callers_behalf_is_implied_and_never_unused() {
    let case = case(&allow(r#"["s3:GetObject","kms:Decrypt","kms:Sign"]"#, "*")).with(call(
        "s3:GetObject",
        OBJECT,
        Outcome::Allowed,
    ));
    case.check("kms:Decrypt", "*", Status::Implied, "s3:GetObject");
    case.check("kms:Sign", "*", Status::Unused, "no use");
}

#[test]
fn what_was_used_without_a_grant_is_ungranted() {
    let case = case(&allow(r#""s3:GetObject""#, BUCKET))
        .with(call("s3:DeleteObject", OBJECT, Outcome::Allowed))
        .with(call(
            "s3:GetObject",
            "arn:aws:s3:::other/1",
            Outcome::Allowed,
        ))
        .with(call("s3:PutObject", OBJECT, Outcome::Failed))
        .with(call("sts:GetCallerIdentity", "*", Outcome::Allowed));
    case.check("s3:DeleteObject", OBJECT, Status::Ungranted, "no statement");
    case.check(
        "s3:GetObject",
        "arn:aws:s3:::other/1",
        Status::Ungranted,
        "no statement",
    );
    case.check("s3:GetObject", BUCKET, Status::Unused, "no use");
    case.check(
        "s3:PutObject",
        OBJECT,
        Status::Unknown,
        "each request failed",
    );
    case.check(
        "sts:GetCallerIdentity",
        "*",
        Status::Used,
        "nobody has to be granted",
    );
}

#[test]
fn a_loss_a_gap_and_an_unwatched_family_make_unknown_of_unused() {
    let clean = case(&allow(r#""s3:GetObject""#, BUCKET));
    let is = |case: &Case, status, reason| case.check("s3:GetObject", BUCKET, status, reason);
    is(&clean, Status::Unused, "1.0 covered");
    for (family, status) in [
        ("process", Status::Unknown),
        ("socket", Status::Unknown),
        ("payload", Status::Unknown),
        ("file", Status::Unused),
        ("capability", Status::Unused),
    ] {
        let mut lossy = clean.clone();
        let of_family = |row: &&mut CoverageRow| row.family == family;
        let row = lossy.tables.coverage.iter_mut().find(of_family);
        let row = row.expect("every family has a row");
        (row.seen, row.lost, row.lost_ring_full) = (7, 7, 7);
        let reason = if status == Status::Unknown {
            "7 records were lost"
        } else {
            "no use"
        };
        is(&lossy, status, reason);

        let mut gap = clean.clone();
        let row = gap.tables.coverage.iter_mut().find(of_family);
        let row = row.expect("every family has a row");
        (row.gap_us, row.gap_reason) = (1_500_000, Some("the recorder was killed".into()));
        is(
            &gap,
            status,
            if status == Status::Unknown {
                "1.5 s"
            } else {
                "no use"
            },
        );

        let mut without = clean.clone();
        without.tables.coverage.retain(|row| row.family != family);
        is(
            &without,
            status,
            if status == Status::Unknown {
                "not watched in 1 of 1"
            } else {
                ""
            },
        );
    }
    let mut damaged = clean;
    damaged.options.unread = 1;
    is(&damaged, Status::Unknown, "could not be read");
}

#[test]
fn an_endpoint_that_was_not_read_makes_unknown_of_unused() {
    let clean = case(&allow(r#""s3:GetObject""#, BUCKET));
    let unread = |subject: &str, provider: Option<&str>| EndpointRow {
        subject_id: subject.into(),
        provider: provider.map(str::to_owned),
        readable: 1,
        decoded: 1,
        unreadable_reason: Some("no OpenSSL found in the process".into()),
        ..sample::endpoint()
    };
    for (subject, provider, status) in [
        ("s-1", Some("aws"), Status::Unknown),
        ("s-1", None, Status::Unknown),
        ("s-1", Some("gcp"), Status::Unused),
        // Nobody knows as whom another program talked to AWS.
        ("s-2", Some("aws"), Status::Unknown),
        ("s-2", None, Status::Unused),
    ] {
        let mut case = clean.clone();
        let row = EndpointRow {
            window_end_us: END_US,
            ..unread(subject, provider)
        };
        case.tables.endpoints.push(row);
        let reason = if status == Status::Unknown {
            "no OpenSSL found"
        } else {
            "no use"
        };
        case.check("s3:GetObject", BUCKET, status, reason);
    }
}

#[test]
fn a_request_that_is_not_known_may_have_been_any_of_its_service() {
    let clean = case(&allow(r#"["s3:GetObject","sqs:SendMessage"]"#, "*"));
    for (action, outcome, s3, sqs) in [
        ("s3:*", Outcome::Allowed, Status::Unknown, Status::Unused),
        ("*", Outcome::Failed, Status::Unknown, Status::Unknown),
        ("s3:*", Outcome::Denied, Status::Unused, Status::Unused),
    ] {
        let case = clean.clone().with(call(action, "*", outcome));
        assert_eq!(
            case.of("s3:GetObject", "*").expect("granted").0,
            s3,
            "{action}"
        );
        assert_eq!(
            case.of("sqs:SendMessage", "*").expect("granted").0,
            sqs,
            "{action}"
        );
    }
}

#[test]
fn limits_take_away_only_what_they_take_for_sure() {
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"s3:*","Resource":"*"},
        {"Effect":"Deny","Action":"s3:Put*","Resource":"*"},
        {"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::secret/*"},
        {"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]}"#;
    let mut case = case(policy);
    assert_eq!(case.of("s3:PutObject", "*"), None);
    case.check("s3:GetObject", "*", Status::Unused, "");
    case.check("s3:DeleteObject", "*", Status::Unused, "");
    let scp = document(&allow(r#""s3:Get*""#, "arn:aws:s3:::*"));
    let scp = whittle_grants::aws::Policy {
        name: "scp".into(),
        document: std::sync::Arc::new(scp),
    };
    case.grants.limit(&[vec![scp]], &[]);
    assert_eq!(case.of("s3:DeleteObject", "*"), None);
    case.check("s3:GetObject", "*", Status::Unused, "");
}

#[test]
fn an_administrator_is_granted_every_action_there_is() {
    let case = case(&allow(r#""*""#, "*")).with(call("s3:GetObject", OBJECT, Outcome::Allowed));
    let report = case.report();
    let all = whittle_grants::aws::actions::all().len();
    assert_eq!(report.principals[0].granted, all);
    let tally = report.principals[0].tally();
    assert_eq!(tally.values().sum::<usize>(), all);
    assert_eq!(tally[&Status::Used], 1);
}
