//! The table of actions, and patterns over it.

use super::*;

#[test]
fn the_table_holds_all_actions_of_the_package() {
    assert_eq!(all().len(), 22_091);
    assert!(version().starts_with("0.21."));
}

#[test]
fn an_action_has_those_that_it_depends_on() {
    let report = super::get("aiops", "GenerateReport").expect("an action");
    let documented = ["kms:Decrypt", "kms:GenerateDataKey", "sts:SetContext"];
    assert_eq!(report.dependent_actions, documented);
}

#[test]
fn an_action_is_found_whatever_its_case() {
    let action = get("S3", "getOBJECT").expect("s3:GetObject exists");
    assert_eq!((action.service, action.name), ("s3", "GetObject"));
    assert_eq!(action.access_level, AccessLevel::Read);
    let object = action
        .resource_types
        .iter()
        .find(|kind| kind.name == "object");
    let object = object.expect("GetObject works on objects");
    assert_eq!(
        object.arns,
        ["arn:${Partition}:s3:::${BucketName}/${ObjectName}"]
    );
    assert!(!action.is_wildcard_only);
    assert!(
        action
            .condition_keys
            .contains(&"s3:ExistingObjectTag/<key>")
    );
}

#[test]
fn every_action_is_found_by_its_own_name() {
    for action in all() {
        assert_eq!(get(action.service, action.name), Some(action));
    }
}

#[test]
fn an_action_without_resource_types_is_granted_on_everything_only() {
    assert!(
        get("s3", "ListAllMyBuckets")
            .expect("it exists")
            .is_wildcard_only
    );
    assert!(
        get("sts", "GetCallerIdentity")
            .expect("it exists")
            .is_wildcard_only
    );
}

#[test]
fn patterns_expand_without_regard_to_case() {
    let names = |pattern| {
        expand(pattern)
            .map(|action| action.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names("S3:getobject"), ["GetObject"]);
    assert_eq!(names("s3:GetObject?cl"), ["GetObjectAcl"]);
    assert_eq!(expand("*").count(), all().len());
    assert_eq!(expand("*:*").count(), all().len());
    assert_eq!(expand("s3:*").count(), of_service("s3").len());
    assert_eq!(expand("s3").count(), of_service("s3").len());
    assert_eq!(names("s3:NoSuchAction*"), [""; 0]);
    assert_eq!(expand("nosuchservice:*").count(), 0);
}

#[test]
fn the_gravest_list_says_why_an_action_is_sensitive() {
    let why = |service, name| get(service, name).and_then(|action| action.sensitivity);
    assert_eq!(
        why("iam", "PassRole"),
        Some(Sensitivity::PrivilegeEscalation)
    );
    assert_eq!(
        why("iam", "CreateAccessKey"),
        Some(Sensitivity::PrivilegeEscalation)
    );
    assert_eq!(
        why("ecr", "GetAuthorizationToken"),
        Some(Sensitivity::CredentialsExposure)
    );
    assert_eq!(
        why("s3", "PutBucketPolicy"),
        Some(Sensitivity::ResourceExposure)
    );
    assert_eq!(why("s3", "GetObject"), None);
}

#[test]
fn a_pattern_that_matches_nothing_is_named() {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Resource":"*",
        "Action":["s3:GetObject","s3:GetObjct"]},{"Effect":"Deny","NotAction":"ec3:*","Resource":"*"}]}"#;
    let document = Document::parse(text).expect("a policy");
    let found = unmatched(&document);
    let found: Vec<_> = found
        .iter()
        .map(|one| (one.statement, one.pattern))
        .collect();
    assert_eq!(found, [(0, "s3:GetObjct"), (1, "ec3:*")]);
}
