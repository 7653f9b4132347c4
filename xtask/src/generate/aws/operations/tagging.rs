//! Tags that are given with what is created: the services below ask for their tagging action as well.

use super::model::{Model, Operation};
use super::wire;

/// Services, and the action that tags.
const ACTIONS: [(&str, &str); 16] = [
    ("cloudwatch", "cloudwatch:TagResource"),
    ("dynamodb", "dynamodb:TagResource"),
    ("ecr", "ecr:TagResource"),
    ("ecs", "ecs:TagResource"),
    ("events", "events:TagResource"),
    ("kms", "kms:TagResource"),
    ("lambda", "lambda:TagResource"),
    ("logs", "logs:TagResource"),
    ("rds", "rds:AddTagsToResource"),
    ("secretsmanager", "secretsmanager:TagResource"),
    ("sns", "sns:TagResource"),
    ("sqs", "sqs:TagQueue"),
    ("ssm", "ssm:AddTagsToResource"),
    ("stepfunctions", "states:TagResource"),
    ("docdb", "rds:AddTagsToResource"),
    ("neptune", "rds:AddTagsToResource"),
];

/// The column of the tagging action; `main` is that of the operation's own, whose resources it shares.
pub(super) fn column(model: &Model, operation: &Operation, main: &str) -> Option<String> {
    if model.service == "ec2" {
        return ec2(model, operation);
    }
    let creates = [
        "Create", "Put", "Register", "Run", "Start", "Restore", "Copy",
    ]
    .iter()
    .any(|verb| operation.name.starts_with(verb));
    if !creates {
        return None;
    }
    let action = action(model, operation)?;
    let input = model.input(operation)?;
    let (name, member) = input
        .members
        .iter()
        .find(|(name, member)| name.eq_ignore_ascii_case("tags") && member.location.is_none())?;
    let shape = model.shape(member)?;
    let path = wire::path(model, name, member);
    let condition = if shape.kind == "map" {
        format!("{path}/<key>")
    } else {
        let tag = model.shape(shape.member.as_ref()?)?;
        let key = tag
            .members
            .keys()
            .find(|name| name.eq_ignore_ascii_case("key"))?;
        format!("{path}/{key}")
    };
    let resources: Vec<&str> = main.split(';').next()?.split(' ').skip(1).collect();
    let mut column = format!("{action}?b/{condition}");
    for resource in resources {
        column.push(' ');
        column.push_str(resource);
    }
    Some(column)
}

fn action(model: &Model, operation: &Operation) -> Option<String> {
    if model.service == "iam" {
        let kind = operation.name.strip_prefix("Create")?;
        let tagged = ["Role", "User", "Policy", "InstanceProfile"].contains(&kind);
        return tagged.then(|| format!("iam:Tag{kind}"));
    }
    ACTIONS
        .iter()
        .find(|(service, _)| *service == model.service)
        .map(|(_, action)| (*action).to_owned())
}

/// EC2 has them by the type of the resource.
fn ec2(model: &Model, operation: &Operation) -> Option<String> {
    let input = model.input(operation)?;
    let member = input
        .members
        .get("TagSpecifications")
        .or_else(|| input.members.get("TagSpecification"))?;
    let path = wire::path(model, "TagSpecification", member);
    let kind = format!("b/{path}/ResourceType");
    Some(format!(
        "ec2:CreateTags?{kind} !arn:%p:ec2:%r:%a:{{{kind}}}/*"
    ))
}
