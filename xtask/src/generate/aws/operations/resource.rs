//! The resources of an action, from the published formats of ARNs: each placeholder is given the member of the input
//! that holds its value. What no member holds stays `*`, so that a template is never narrower than the truth.

use super::iam::{Action, Iam};
use super::model::Operation;
use super::wire::Member;

/// Values that are no names: how each becomes part of an ARN is in `whittle_protocol::aws`, `transform.rs`.
const TRANSFORMS: [(&str, &str, &str); 7] = [
    ("kms", "KeyId", "kms-key"),
    ("secretsmanager", "SecretId", "secret"),
    ("sqs", "QueueName", "queue"),
    ("ssm", "ParameterNameWithoutLeadingSlash", "no-slash"),
    ("lambda", "FunctionName", "function"),
    ("lambda", "LayerName", "layer"),
    ("codecommit", "RepositoryName", ""),
];

/// Placeholders whose member is called something else.
const SYNONYMS: [(&str, &str, &[&str]); 7] = [
    ("ec2", "SecurityGroupId", &["GroupId", "SecurityGroupId"]),
    ("sqs", "QueueName", &["QueueUrl", "QueueName"]),
    (
        "ssm",
        "ParameterNameWithoutLeadingSlash",
        &["Name", "Names"],
    ),
    ("ssm", "DocumentName", &["DocumentName", "Name"]),
    ("secretsmanager", "SecretId", &["SecretId", "Name"]),
    ("cloudwatch", "AlarmName", &["AlarmName", "AlarmNames"]),
    (
        "kms",
        "KeyId",
        &["KeyId", "TargetKeyId", "DestinationKeyId"],
    ),
];

/// The templates of all resources of `action`, as the table has them.
pub(super) fn templates(
    iam: &Iam,
    prefix: &str,
    action: &Action,
    service: &str,
    operation: &Operation,
    members: &[Member],
) -> Vec<String> {
    if service == "s3" {
        return of_s3(action);
    }
    let mut templates = Vec::new();
    let mut any_found = false;
    for of in &action.resource_types {
        let Some(arn) = iam.arn(prefix, &of.name) else {
            continue;
        };
        // Some types have several formats; the first is the common one.
        let arn = arn.split(", ").next().unwrap_or(arn);
        let (template, found) = template(prefix, arn, &of.name, operation, members);
        any_found |= found;
        // A type that is not required is used only by a request that names one of it.
        if of.required {
            templates.push(format!("!{template}"));
        } else if found {
            templates.push(format!("?{template}"));
        }
    }
    // `TagResource` and its like take any resource of the service by its ARN.
    let of_any_type = [
        "resourcearn",
        "resourcearns",
        "resource",
        "resourcename",
        "arn",
    ]
    .iter()
    .find_map(|name| members.iter().find(|member| letters(member.name) == *name));
    match of_any_type {
        Some(member) if !any_found && !action.resource_types.is_empty() => {
            vec![format!("?{{{}|arn}}", member.source)]
        }
        _ => {
            templates.dedup();
            templates
        }
    }
}

/// Where buckets and keys are depends on the endpoint: `whittle_protocol::aws`, `s3.rs`.
fn of_s3(action: &Action) -> Vec<String> {
    let has = |name: &str| action.resource_types.iter().any(|of| of.name == name);
    if has("object") {
        vec!["!@object".to_owned()]
    } else if has("bucket") {
        vec!["!@bucket".to_owned()]
    } else {
        Vec::new()
    }
}

/// The template of an ARN, and whether any member is in it.
fn template(
    prefix: &str,
    arn: &str,
    resource_type: &str,
    operation: &Operation,
    members: &[Member],
) -> (String, bool) {
    let mut pieces = Vec::new();
    let mut rest = arn;
    while let Some((before, after)) = rest.split_once("${") {
        let (placeholder, after) = after.split_once('}').unwrap_or((after, ""));
        pieces.push((before, placeholder));
        rest = after;
    }
    let own: Vec<Vec<&Member>> = pieces
        .iter()
        .map(|(_, placeholder)| named_like(prefix, placeholder, members))
        .collect();
    // A member that is called like the type or like nothing is the name of the resource itself: the first placeholder
    // that nothing else fills.
    let free = pieces.iter().zip(&own).position(|((_, placeholder), own)| {
        own.is_empty() && !["Partition", "Region", "Account"].contains(placeholder)
    });
    let taken = |member: &&Member| own.iter().flatten().any(|of| of.source == member.source);
    let mut of_type = of_type(resource_type, operation, members);
    of_type.retain(|member| !taken(member));
    let mut template = String::new();
    let mut found = false;
    for (at, (before, placeholder)) in pieces.iter().enumerate() {
        template.push_str(before);
        match *placeholder {
            "Partition" => template.push_str("%p"),
            "Region" => template.push_str("%r"),
            "Account" => template.push_str("%a"),
            _ => {
                let members = if Some(at) == free { &of_type } else { &own[at] };
                found |= !members.is_empty();
                template.push_str(&value(prefix, placeholder, members));
            }
        }
    }
    template.push_str(rest);
    // A version or an alias of a function is a resource of its own.
    let qualified = prefix == "lambda" && template.ends_with("function:{u/FunctionName|function}");
    if qualified && members.iter().any(|member| member.source == "q/Qualifier") {
        template.push_str("{:q/Qualifier}");
    }
    (template.replace(' ', ""), found)
}

fn value(prefix: &str, placeholder: &str, members: &[&Member]) -> String {
    if members.is_empty() {
        return "*".to_owned();
    }
    let sources: Vec<&str> = members
        .iter()
        .map(|member| member.source.as_str())
        .collect();
    let transform = transform(prefix, placeholder);
    ["{", &sources.join(","), &transform, "}"].concat()
}

fn transform(prefix: &str, placeholder: &str) -> String {
    TRANSFORMS
        .iter()
        .find(|(of, name, _)| *of == prefix && *name == placeholder)
        .filter(|(_, _, transform)| !transform.is_empty())
        .map_or_else(String::new, |(_, _, transform)| format!("|{transform}"))
}

/// The members that hold the value of a placeholder, as their names say. Where a request may have a name or an ARN, both.
fn named_like<'m, 'a>(
    prefix: &str,
    placeholder: &str,
    members: &'a [Member<'m>],
) -> Vec<&'a Member<'m>> {
    let synonyms = SYNONYMS
        .iter()
        .find(|(of, name, _)| *of == prefix && *name == placeholder)
        .map_or(&[][..], |(_, _, names)| names);
    let synonyms: Vec<&Member> = synonyms
        .iter()
        .filter_map(|name| members.iter().find(|member| member.name == *name))
        .collect();
    if !synonyms.is_empty() {
        return synonyms;
    }
    let exact = letters(placeholder);
    let mut found = by_stem(members, &stem(placeholder));
    if let Some(member) = members.iter().find(|member| letters(member.name) == exact)
        && !found.iter().any(|of| of.source == member.source)
    {
        found.push(member);
    }
    found
}

/// The members that name a resource of the type, or of the operation's own: `name` of `CreateCluster`.
fn of_type<'m, 'a>(
    resource_type: &str,
    operation: &Operation,
    members: &'a [Member<'m>],
) -> Vec<&'a Member<'m>> {
    let resource_type = stem(resource_type);
    let found = by_stem(members, &resource_type);
    if !found.is_empty() || stem(noun(&operation.name)) != resource_type {
        return found;
    }
    ["arn", "name", "id", "identifier", "names", "ids", "arns"]
        .iter()
        .filter_map(|bare| members.iter().find(|member| letters(member.name) == *bare))
        .collect()
}

/// ARNs first, which say more than names, and what is single before what is a list.
fn by_stem<'m, 'a>(members: &'a [Member<'m>], wanted: &str) -> Vec<&'a Member<'m>> {
    let mut found: Vec<&Member> = members
        .iter()
        .filter(|member| !wanted.is_empty() && stem(member.name) == wanted)
        .collect();
    found.sort_by_key(|member| {
        let is_arn = member
            .name
            .to_lowercase()
            .trim_end_matches('s')
            .ends_with("arn");
        let is_list = member.source.ends_with("/[]");
        (is_list, !is_arn)
    });
    found
}

/// `Cluster` of `CreateCluster`.
fn noun(operation: &str) -> &str {
    let second = operation
        .char_indices()
        .skip(1)
        .find(|(_, letter)| letter.is_ascii_uppercase());
    second.map_or("", |(at, _)| &operation[at..])
}

fn letters(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

/// A name without what says only of which kind it is.
fn stem(name: &str) -> String {
    let mut name = letters(name);
    for ending in ["withpath", "withoutleadingslash", "resourceid"] {
        if let Some(rest) = name.strip_suffix(ending) {
            name = rest.to_owned();
        }
    }
    for ending in [
        "identifiers",
        "identifier",
        "names",
        "name",
        "arns",
        "arn",
        "uuids",
        "uuid",
        "ids",
        "id",
        "urls",
        "url",
    ] {
        if let Some(rest) = name.strip_suffix(ending).filter(|rest| !rest.is_empty()) {
            return singular(rest);
        }
    }
    singular(&name)
}

fn singular(name: &str) -> String {
    match name.strip_suffix("ies") {
        Some(rest) => format!("{rest}y"),
        None => name
            .strip_suffix('s')
            .filter(|rest| !rest.ends_with('s'))
            .unwrap_or(name)
            .to_owned(),
    }
}
