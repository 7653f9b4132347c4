//! Permissions that no host can show: AWS itself uses them on the caller's behalf. They follow from what was used.

use std::collections::BTreeMap;

use whittle_grants::aws::actions::{self, AccessLevel};

/// Used service, and what its calls may make AWS do in the caller's name: with keys of KMS, decrypt and encrypt.
const ON_BEHALF: [(&str, &[&str]); 22] = [
    ("s3", &[DECRYPT, DATA_KEY]),
    ("sqs", &[DECRYPT, DATA_KEY]),
    ("sns", &[DECRYPT, DATA_KEY]),
    ("kinesis", &[DECRYPT, DATA_KEY]),
    ("firehose", &[DECRYPT, DATA_KEY]),
    ("dynamodb", &[DECRYPT, ENCRYPT, DESCRIBE_KEY, CREATE_GRANT]),
    ("secretsmanager", &[DECRYPT, DATA_KEY]),
    ("ssm", &[DECRYPT, ENCRYPT, DATA_KEY]),
    ("lambda", &[DECRYPT, ENCRYPT, CREATE_GRANT]),
    (
        "ebs",
        &[
            DECRYPT,
            DATA_KEY,
            DATA_KEY_BLIND,
            RE_ENCRYPT_FROM,
            RE_ENCRYPT_TO,
        ],
    ),
    (
        "ec2",
        &[
            DECRYPT,
            DATA_KEY_BLIND,
            RE_ENCRYPT_FROM,
            RE_ENCRYPT_TO,
            CREATE_GRANT,
            DESCRIBE_KEY,
        ],
    ),
    ("ecr", &[DECRYPT, DATA_KEY, CREATE_GRANT, DESCRIBE_KEY]),
    (
        "rds",
        &[DECRYPT, DATA_KEY_BLIND, CREATE_GRANT, DESCRIBE_KEY],
    ),
    ("redshift", &[DECRYPT, CREATE_GRANT, DESCRIBE_KEY]),
    (
        "elasticfilesystem",
        &[DATA_KEY_BLIND, CREATE_GRANT, DESCRIBE_KEY],
    ),
    ("logs", &[DECRYPT, ENCRYPT, DATA_KEY, DESCRIBE_KEY]),
    ("glue", &[DECRYPT, ENCRYPT, DATA_KEY]),
    ("athena", &[DECRYPT, DATA_KEY]),
    ("states", &[DECRYPT, DATA_KEY]),
    ("events", &[DECRYPT, DATA_KEY]),
    ("backup", &[DECRYPT, DATA_KEY, CREATE_GRANT, DESCRIBE_KEY]),
    ("codebuild", &[DECRYPT, DATA_KEY]),
];

const DECRYPT: &str = "kms:Decrypt";
const ENCRYPT: &str = "kms:Encrypt";
const DATA_KEY: &str = "kms:GenerateDataKey";
const DATA_KEY_BLIND: &str = "kms:GenerateDataKeyWithoutPlaintext";
const RE_ENCRYPT_FROM: &str = "kms:ReEncryptFrom";
const RE_ENCRYPT_TO: &str = "kms:ReEncryptTo";
const CREATE_GRANT: &str = "kms:CreateGrant";
const DESCRIBE_KEY: &str = "kms:DescribeKey";

/// Services whose writes may make their service-linked role.
const LINKED_ROLES: [&str; 21] = [
    "application-autoscaling",
    "autoscaling",
    "backup",
    "batch",
    "config",
    "dax",
    "ec2",
    "ecs",
    "eks",
    "elasticache",
    "elasticfilesystem",
    "elasticloadbalancing",
    "elasticmapreduce",
    "es",
    "guardduty",
    "kafka",
    "lambda",
    "organizations",
    "rds",
    "redshift",
    "securityhub",
];

/// What follows from used actions: by implied action, in lower case, the used one that implies it.
pub(crate) fn implied<'a>(used: impl Iterator<Item = &'a str>) -> BTreeMap<String, &'a str> {
    let mut implied = BTreeMap::new();
    for action in used {
        let Some((service, name)) = action.split_once(':') else {
            continue;
        };
        let mut add = |follows: &str| {
            implied.entry(follows.to_lowercase()).or_insert(action);
        };
        let service = service.to_lowercase();
        let known = actions::get(&service, name);
        for follows in known.iter().flat_map(|action| &action.dependent_actions) {
            add(follows);
        }
        let on_behalf = ON_BEHALF.iter().filter(|(of, _)| *of == service);
        for follows in on_behalf.flat_map(|(_, follows)| *follows) {
            add(follows);
        }
        let may_create = known.is_none_or(|action| action.access_level == AccessLevel::Write);
        if may_create && LINKED_ROLES.contains(&service.as_str()) {
            add("iam:CreateServiceLinkedRole");
        }
    }
    implied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_linked_roles_follow_from_what_was_used() {
        let implied = implied(["s3:GetObject", "ecs:CreateService", "bad"].into_iter());
        assert_eq!(implied.get("kms:decrypt"), Some(&"s3:GetObject"));
        let linked = implied.get("iam:createservicelinkedrole");
        assert_eq!(linked, Some(&"ecs:CreateService"));
        assert_eq!(implied.get("kms:encrypt"), None);
    }
}
