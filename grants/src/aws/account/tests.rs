//! What is read from exports, and what is said of bad ones.

use super::*;
use crate::aws::{Caller, Request, Verdict};

const EXPORT: &str = r#"{
  "UserDetailList": [{"Path": "/", "UserName": "ada", "UserId": "AIDA1", "Arn": "arn:aws:iam::123456789012:user/ada",
    "GroupList": ["readers"], "AttachedManagedPolicies": [], "Tags": [{"Key": "team", "Value": "data"}],
    "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22iam%3AGetUser%22%2C%22Resource%22%3A%22%2A%22%7D%7D"}]}],
  "GroupDetailList": [{"GroupName": "readers", "Arn": "arn:aws:iam::123456789012:group/readers",
    "GroupPolicyList": [], "AttachedManagedPolicies": [{"PolicyName": "Read", "PolicyArn": "arn:aws:iam::123456789012:policy/Read"}]}],
  "RoleDetailList": [{"RoleName": "etl", "Arn": "arn:aws:iam::123456789012:role/jobs/etl",
    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
      "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]},
    "InstanceProfileList": [{"Arn": "arn:aws:iam::123456789012:instance-profile/etl"}],
    "RolePolicyList": [{"PolicyName": "put", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
      {"Sid": "Put", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]}}],
    "AttachedManagedPolicies": [{"PolicyName": "Read", "PolicyArn": "arn:aws:iam::123456789012:policy/Read"},
      {"PolicyName": "Gone", "PolicyArn": "arn:aws:iam::aws:policy/Gone"}],
    "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/Read"},
    "Tags": []}],
  "Policies": [{"PolicyName": "Read", "Arn": "arn:aws:iam::123456789012:policy/Read", "DefaultVersionId": "v2",
    "PolicyVersionList": [
      {"VersionId": "v2", "IsDefaultVersion": true, "Document": {"Version": "2012-10-17", "Statement": [
        {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}},
      {"VersionId": "v1", "IsDefaultVersion": false, "Document": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"}]}}]}]
}"#;

#[test]
fn principals_have_the_policies_that_are_theirs_through_every_way() {
    let account = Account::parse(EXPORT).expect("an export");
    let names = account
        .principals()
        .iter()
        .map(|principal| principal.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["etl", "ada", "readers"]);

    let role = account.principal("arn:aws:sts::123456789012:assumed-role/etl/session");
    let role = role.expect("a session leads to its role");
    assert_eq!(role.arn, "arn:aws:iam::123456789012:role/jobs/etl");
    let policies = role
        .policies
        .iter()
        .map(|policy| (policy.name.as_str(), policy.document.is_some()));
    assert_eq!(
        policies.collect::<Vec<_>>(),
        [("put", true), ("Read", true), ("Gone", false)]
    );
    assert_eq!(
        role.boundary
            .as_ref()
            .map(|boundary| boundary.name.as_str()),
        Some("Read")
    );
    assert_eq!(
        role.instance_profiles,
        ["arn:aws:iam::123456789012:instance-profile/etl"]
    );
    assert!(role.trust.is_some());

    let user = account
        .principal("arn:aws:iam::123456789012:user/ada")
        .expect("it is there");
    let policies = user
        .policies
        .iter()
        .map(|policy| (policy.name.as_str(), policy.group.as_deref()));
    assert_eq!(
        policies.collect::<Vec<_>>(),
        [("own", None), ("Read", Some("readers"))]
    );
    assert_eq!(user.tags, [("team".to_owned(), "data".to_owned())]);
}

#[test]
fn the_default_version_and_the_boundary_decide() {
    let account = Account::parse(EXPORT).expect("an export");
    let role = "arn:aws:iam::123456789012:role/jobs/etl";
    let set = account.policy_set(role).expect("the role is there");
    let verdict = |action| {
        set.evaluate(&Request::new(
            &Caller::new(role),
            action,
            "arn:aws:s3:::b/k",
        ))
        .verdict
    };
    assert_eq!(verdict("s3:GetObject"), Verdict::Allowed);
    assert_eq!(
        verdict("s3:PutObject"),
        Verdict::ImplicitDeny,
        "outside the boundary"
    );
    assert_eq!(
        verdict("s3:DeleteObject"),
        Verdict::ImplicitDeny,
        "only the old version has it"
    );
}

#[test]
fn each_bad_export_has_its_own_sentence() {
    let advice = "give the output of `aws iam get-account-authorization-details`";
    let cases = [
        ("", "is empty"),
        ("[]", "is a list, and not an object"),
        ("{}", "is an empty object"),
        (
            r#"{"Roles": []}"#,
            "is the output of `aws iam list-roles`, which has no policies",
        ),
        (
            r#"{"Policies": []}"#,
            "is the output of `aws iam list-policies`, which has no documents",
        ),
        (
            r#"{"Statement": []}"#,
            "is a single policy document, and not an account",
        ),
        (
            r#"{"Buckets": [], "Owner": 1}"#,
            "has Buckets, Owner, and none of the lists of the export",
        ),
        (
            r#"{"RoleDetailList": {}}"#,
            "has RoleDetailList that is an object, and not a list",
        ),
    ];
    for (text, problem) in cases {
        let error = Account::parse(text).expect_err("it is no export");
        assert_eq!(error.to_string(), format!("{problem}: {advice}"));
    }
    let error = Account::parse("{").expect_err("it is no JSON").to_string();
    assert!(
        error.starts_with("is not JSON (EOF while parsing an object at line 1 column 1"),
        "{error}"
    );
}

#[test]
fn a_malformed_policy_is_named_with_its_owner_statement_and_field() {
    let broken = EXPORT.replace(
        r#""Sid": "Put", "Effect": "Allow""#,
        r#""Sid": "Put", "Effect": "allow""#,
    );
    let error = Account::parse(&broken).expect_err("the effect is wrong");
    assert_eq!(
        error.to_string(),
        "RoleDetailList etl, the inline policy put: statement 1 (Put), Effect: \"allow\" is no effect: write \"Allow\" or \"Deny\""
    );
    let broken = EXPORT.replace(
        r#""RoleName": "etl", "Arn": "arn:aws:iam::123456789012:role/jobs/etl""#,
        r#""RoleName": "etl""#,
    );
    let error = Account::parse(&broken).expect_err("the ARN is missing");
    assert_eq!(
        error.to_string(),
        "RoleDetailList etl, Arn: is missing, or no string: export the account again"
    );
}
