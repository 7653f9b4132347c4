//! Policies for a usage. Of any usage: `laws`, with what they allow replayed by the evaluator, and held to AWS's limits.

mod laws;

use serde_json::Value;
use whittle_grants::aws::Document;
use whittle_schemas::{
    document::{Recommendation, recommendation::Status},
    table::{Tables, UsageRow, sample},
};

use super::{
    super::{
        Format, Options,
        tests::{OPTIONS, ROLE},
    },
    *,
};
use crate::{
    history::{Who, tests::job},
    recommend::recommend,
    replay::{self, Policies},
};

/// Usage of these, each as an action and what it was done to.
fn usage(calls: &[(&str, &str)]) -> Tables {
    let mut tables = job(5);
    let row = tables.usage[0].clone();
    tables.usage = calls
        .iter()
        .map(|(action, resource)| UsageRow {
            action: (*action).to_owned(),
            resource: resource.as_bytes().to_vec(),
            operation: action.ends_with('*').then(|| "unmapped".to_owned()),
            ..row.clone()
        })
        .collect();
    tables
}

fn of(tables: &Tables, options: &Options) -> Recommendation {
    let who = Who::Principal(ROLE.to_owned());
    recommend(ROLE, &who, tables, Format::AwsIam, options).expect("one identity")
}

/// How many entries say that calls are left out.
fn left_out_calls(recommendation: &Recommendation) -> usize {
    let entries = recommendation.left_out.iter();
    entries
        .filter(|left| left.what.contains(" calls of "))
        .count()
}

fn statements(recommendation: &Recommendation) -> Vec<Value> {
    let mut statements = Vec::new();
    for document in &recommendation.documents {
        let json: Value = serde_json::from_str(&document.text).expect("a policy is JSON");
        assert_eq!(json["Version"], "2012-10-17");
        statements.extend(json["Statement"].as_array().expect("a list").clone());
    }
    statements
}

/// Actions and resources of the one statement for these calls.
fn check(calls: &[(&str, &str)], actions: &[&str], resources: &[&str]) {
    let found = of(
        &usage(calls),
        &Options {
            generalise: 2,
            ..OPTIONS
        },
    );
    let statements = statements(&found);
    assert_eq!(statements.len(), 1, "{statements:?}");
    assert_eq!(statements[0]["Action"], Value::from(actions.to_vec()));
    assert_eq!(statements[0]["Resource"], Value::from(resources.to_vec()));
    assert_eq!((found.replay.denied, found.replay.depends), (0, 0));
}

#[test]
fn actions_on_the_same_resources_are_one_statement() {
    check(
        &[
            ("s3:PutObject", "arn:aws:s3:::b/k"),
            ("s3:GetObject", "arn:aws:s3:::b/k"),
        ],
        &["s3:GetObject", "s3:PutObject"],
        &["arn:aws:s3:::b/k"],
    );
}

#[test]
fn what_can_only_be_allowed_on_everything_is_allowed_there_without_over_grant() {
    let calls = [("s3:ListAllMyBuckets", "*"), ("ec2:DescribeInstances", "*")];
    check(
        &calls,
        &["ec2:DescribeInstances", "s3:ListAllMyBuckets"],
        &["*"],
    );
    let found = of(&usage(&calls), &OPTIONS);
    assert_eq!(
        (
            found.parts[0].name.as_str(),
            found.parts[0].over_grants.len()
        ),
        ("OnAnythingOnly", 0)
    );
}

#[test]
fn a_resource_that_was_not_seen_is_an_over_grant() {
    let found = of(&usage(&[("s3:GetObject", "*")]), &OPTIONS);
    assert_eq!(found.parts[0].name, "OnUnknownResources");
    assert_eq!(found.parts[0].over_grants.len(), 1);
}

#[test]
fn many_objects_of_one_folder_become_the_folder_and_say_so() {
    let calls = [
        ("s3:GetObject", "arn:aws:s3:::b/in/1"),
        ("s3:GetObject", "arn:aws:s3:::b/in/2"),
        ("s3:GetObject", "arn:aws:s3:::b/in/3"),
        ("s3:GetObject", "arn:aws:s3:::b/x"),
    ];
    check(
        &calls,
        &["s3:GetObject"],
        &["arn:aws:s3:::b/in/*", "arn:aws:s3:::b/x"],
    );
    let found = of(
        &usage(&calls),
        &Options {
            generalise: 2,
            ..OPTIONS
        },
    );
    let over = &found.parts[0].over_grants;
    assert_eq!(
        (over.len(), over[0].stands_for, found.parts[0].stands_for),
        (1, 3, 4)
    );
    assert_eq!(
        over[0].also_allows,
        "every other object whose ARN starts with arn:aws:s3:::b/in/, now and later"
    );
}

#[test]
fn buckets_are_never_generalised_and_other_names_by_their_common_words() {
    let buckets = ["arn:aws:s3:::b1", "arn:aws:s3:::b2", "arn:aws:s3:::b3"];
    check(
        &buckets.map(|bucket| ("s3:ListBucket", bucket)),
        &["s3:ListBucket"],
        &buckets,
    );
    check(
        &[
            (
                "sqs:SendMessage",
                "arn:aws:sqs:eu-west-1:123456789012:orders-in",
            ),
            (
                "sqs:SendMessage",
                "arn:aws:sqs:eu-west-1:123456789012:orders-out",
            ),
            (
                "sqs:SendMessage",
                "arn:aws:sqs:eu-west-1:123456789012:orders-dead",
            ),
        ],
        &["sqs:SendMessage"],
        &["arn:aws:sqs:eu-west-1:123456789012:orders-*"],
    );
    check(
        &["a", "b", "c"].map(|table| {
            let arn: &str = match table {
                "a" => "arn:aws:dynamodb:eu-west-1:123456789012:table/a",
                "b" => "arn:aws:dynamodb:eu-west-1:123456789012:table/b",
                _ => "arn:aws:dynamodb:eu-west-1:123456789012:table/c",
            };
            ("dynamodb:PutItem", arn)
        }),
        &["dynamodb:PutItem"],
        &["arn:aws:dynamodb:eu-west-1:123456789012:table/*"],
    );
}

#[test]
fn wildcards_and_variables_in_a_name_stand_for_themselves() {
    check(
        &[("s3:GetObject", "arn:aws:s3:::b/a*b?c${aws:username}$d")],
        &["s3:GetObject"],
        &["arn:aws:s3:::b/a${*}b${?}c${$}{aws:username}$d"],
    );
    let found = of(
        &usage(&[("s3:GetObject", "arn:aws:s3:::b/日本 \u{1f600}\n")]),
        &OPTIONS,
    );
    assert!(found.documents[0].text.is_ascii());
    assert_eq!(found.replay.denied, 0);
}

#[test]
fn what_a_request_did_not_say_of_its_resource_stays_a_wildcard_and_is_an_over_grant() {
    for (action, resource) in [
        ("ec2:CreateVpc", "arn:aws:ec2:us-east-1:123456789012:vpc/*"),
        (
            "cloudformation:CreateStack",
            "arn:aws:cloudformation:us-east-1:123456789012:stack/small/*",
        ),
        (
            "ecs:RegisterTaskDefinition",
            "arn:aws:ecs:us-east-1:123456789012:task-definition/web:*",
        ),
        (
            "secretsmanager:CreateSecret",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-??????",
        ),
        ("s3:DeleteObject", "arn:aws:s3:::b/*"),
    ] {
        check(&[(action, resource)], &[action], &[resource]);
        let found = of(&usage(&[(action, resource)]), &OPTIONS);
        assert_eq!(found.parts[0].over_grants.len(), 1, "{resource}");
    }
    // A key may have an asterisk of its own, and then it is only that key.
    check(
        &[("s3:GetObject", "arn:aws:s3:::b/in/*")],
        &["s3:GetObject"],
        &["arn:aws:s3:::b/in/${*}"],
    );
}

#[test]
fn calls_that_are_not_known_allow_their_service_or_are_left_out_and_hold_it() {
    let calls = [
        ("s3:*", "*"),
        ("s3:GetObject", "arn:aws:s3:::b/k"),
        ("*", "*"),
    ];
    let found = of(&usage(&calls), &OPTIONS);
    assert_eq!(found.status, Status::Held);
    let whole = statements(&found);
    assert_eq!(
        whole.len(),
        1,
        "the service as a whole needs no further statement"
    );
    assert_eq!(whole[0]["Action"], Value::from(vec!["s3:*"]));
    assert_eq!(
        left_out_calls(&found),
        1,
        "no policy can allow what has no service"
    );

    let options = Options {
        unmapped: Unmapped::LeaveOut,
        ..OPTIONS
    };
    let found = of(&usage(&calls), &options);
    assert_eq!(
        statements(&found)[0]["Action"],
        Value::from(vec!["s3:GetObject"])
    );
    assert_eq!(
        (
            found.status,
            left_out_calls(&found),
            found.replay.not_replayed
        ),
        (Status::Held, 2, 2)
    );
}

#[test]
fn calls_that_nobody_signed_need_no_policy() {
    let mut tables = usage(&[
        ("sts:AssumeRoleWithWebIdentity", ROLE),
        ("s3:GetObject", "arn:aws:s3:::b/k"),
    ]);
    (tables.usage[0].principal, tables.usage[0].access_key_id) = (None, None);
    let who = Who::Subject("s-1".to_owned());
    let found = recommend("s-1", &who, &tables, Format::AwsIam, &OPTIONS).expect("one identity");
    assert_eq!(statements(&found).len(), 1);
    assert!(
        found.left_out[0].what.contains("nobody signed"),
        "{:?}",
        found.left_out
    );
}

#[test]
fn what_does_not_fit_one_document_is_split_and_more_than_ten_are_said() {
    let names: Vec<String> = (0..2_000)
        .map(|number| format!("arn:aws:s3:::bucket/folder-{number:04}/{}", "x".repeat(30)))
        .collect();
    let sizes = |count: usize| {
        let calls: Vec<_> = names[..count]
            .iter()
            .map(|name| ("s3:GetObject", name.as_str()))
            .collect();
        let found = of(
            &usage(&calls),
            &Options {
                generalise: usize::MAX,
                ..OPTIONS
            },
        );
        assert!(
            found
                .documents
                .iter()
                .all(|document| document.characters <= 6_144)
        );
        for document in &found.documents {
            let counted = document
                .text
                .chars()
                .filter(|character| !character.is_whitespace())
                .count();
            assert!(counted <= 6_144, "{counted}");
        }
        assert_eq!(found.replay.denied, 0);
        found
    };
    let found = sizes(500);
    assert!(
        (2..=10).contains(&found.documents.len()),
        "{}",
        found.documents.len()
    );
    assert_eq!(found.status, Status::Draft);
    let found = sizes(2_000);
    assert!(found.documents.len() > 10);
    assert!(
        found
            .reasons
            .iter()
            .any(|reason| reason.contains("a role takes 10")),
        "{:?}",
        found.reasons
    );

    let calls: Vec<_> = names[..500]
        .iter()
        .map(|name| ("s3:GetObject", name.as_str()))
        .collect();
    let inline = Options {
        generalise: usize::MAX,
        attach: Attach::Inline,
        ..OPTIONS
    };
    let found = of(&usage(&calls), &inline);
    assert_eq!((found.documents.len(), found.status), (1, Status::Held));
}

#[test]
fn bytes_that_are_no_text_and_names_that_are_no_actions_take_nothing_down() {
    let mut tables = usage(&[
        ("s3:GetObject", "arn:aws:s3:::b/x"),
        ("what ever", "*"),
        ("", ""),
        ("s3:GetObject", "nothing"),
    ]);
    tables.usage[0].resource = b"arn:aws:s3:::b/\xff\xfe/k".to_vec();
    let found = of(&tables, &OPTIONS);
    assert_eq!(left_out_calls(&found), 2, "{:?}", found.left_out);
    assert_eq!(found.status, Status::Held);
}

#[test]
fn a_template_fits_names_of_its_kind_alone() {
    let object = "arn:${Partition}:s3:::${BucketName}/${ObjectName}";
    let bucket = "arn:${Partition}:s3:::${BucketName}";
    assert!(arn::fits(object, "arn:aws:s3:::b/a/b"));
    assert!(!arn::fits(object, "arn:aws:s3:::b"));
    assert!(arn::fits(bucket, "arn:aws:s3:::b"));
    assert!(!arn::fits(
        "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}",
        "arn:aws:sns:r:a:q"
    ));
    assert!(arn::fits(
        "arn:${Partition}:iam::${Account}:role/${Name}",
        "arn:aws:iam::1:role/r"
    ));
}

#[test]
fn the_sample_of_the_tables_is_about_this_role() {
    assert_eq!(sample::cloud_usage().principal.as_deref(), Some(ROLE));
}
