//! Values that become part of an ARN: most are names, many may be an ARN themselves, some need more.

use std::borrow::Cow;

use super::actions::Context;
use super::plan::Pieces;

/// What is done with a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    /// A name, or an ARN of the template's type.
    Name,
    Arn,
    Role,
    Topic,
    Queue,
    KmsKey,
    Secret,
    Function,
    Model,
    Bus,
    CustomBus,
    TaskDefinition,
    Ec2Id,
    NoSlash,
    Path,
}

impl Transform {
    /// None for a name that is not known.
    pub(super) fn read(name: &str) -> Option<Self> {
        Some(match name {
            "" | "layer" => Self::Name,
            "arn" => Self::Arn,
            "role" => Self::Role,
            "topic" => Self::Topic,
            "queue" => Self::Queue,
            "kms-key" => Self::KmsKey,
            "secret" => Self::Secret,
            "function" => Self::Function,
            "model" => Self::Model,
            "bus" => Self::Bus,
            "custom-bus" => Self::CustomBus,
            "task-definition" => Self::TaskDefinition,
            "ec2-id" => Self::Ec2Id,
            "no-slash" => Self::NoSlash,
            "path" => Self::Path,
            _ => return None,
        })
    }
}

/// What a value is in an ARN.
pub(super) enum Part<'v> {
    /// The next piece of it.
    Text(Cow<'v, str>),
    /// The name in an ARN of another type, as the next piece.
    OfOther(&'v str),
    /// What the request does not say.
    Unknown,
    /// All of it up to here.
    Whole(Cow<'v, str>),
}

impl Part<'_> {
    pub(super) fn add_to(&self, text: &mut String) {
        match self {
            Self::Text(part) => text.push_str(part),
            Self::Unknown => text.push('*'),
            Self::OfOther(name) => text.push_str(name),
            Self::Whole(arn) => {
                text.clear();
                text.push_str(arn);
            }
        }
    }
}

/// What stands for a value that is not there; None for most.
pub(super) fn absent(transform: Transform) -> Option<Part<'static>> {
    match transform {
        Transform::Path => Some(Part::Text(Cow::Borrowed("/"))),
        Transform::Bus => Some(Part::Text(Cow::Borrowed("default"))),
        _ => None,
    }
}

/// None where the value is no part of such an ARN.
pub(super) fn apply<'v>(
    context: &Context<'_, '_>,
    of: &Pieces,
    transform: Transform,
    value: &'v str,
    is_last: bool,
) -> Option<Part<'v>> {
    let value = value.trim();
    if value.is_empty() {
        return None;
    }
    match transform {
        Transform::Name | Transform::Bus => name_or_arn(of, value, is_last),
        Transform::Arn => is_arn(value).then_some(Part::Whole(Cow::Borrowed(value))),
        Transform::Role => {
            let role = Arn::parse(value)
                .filter(|arn| arn.service == "iam" && arn.resource.starts_with("role/"));
            role.map(|_| Part::Whole(Cow::Borrowed(value)))
        }
        Transform::Topic => {
            // `arn:…:TOPIC:SUBSCRIPTION`
            let arn = Arn::parse(value)?;
            arn.resource.contains(':').then(|| {
                let end = value.rfind(':').unwrap_or(value.len());
                Part::Whole(Cow::Borrowed(&value[..end]))
            })
        }
        Transform::Queue => Some(queue(context, value)),
        Transform::KmsKey => Some(kms_key(value)),
        Transform::Secret => Some(secret(value)),
        Transform::Function => function(context, value),
        Transform::Model => Some(model(context, value)),
        Transform::CustomBus => {
            let name = value.rsplit('/').next().filter(|name| *name != "default")?;
            Some(Part::Text(Cow::Borrowed(name)))
        }
        Transform::TaskDefinition => Some(task_definition(value)),
        Transform::Ec2Id => ec2_id(value),
        Transform::NoSlash => Some(parameter(value)),
        Transform::Path => Some(Part::Text(path(value))),
    }
}

pub(super) struct Arn<'v> {
    pub(super) service: &'v str,
    pub(super) resource: &'v str,
}

impl<'v> Arn<'v> {
    pub(super) fn parse(value: &'v str) -> Option<Self> {
        let mut parts = value.splitn(6, ':');
        if parts.next() != Some("arn") {
            return None;
        }
        let service = parts.nth(1)?;
        let resource = parts.nth(2)?;
        Some(Self { service, resource })
    }
}

fn is_arn(value: &str) -> bool {
    Arn::parse(value).is_some()
}

/// A name, or an ARN of the type that the template is of.
fn name_or_arn<'v>(of: &Pieces, value: &'v str, is_last: bool) -> Option<Part<'v>> {
    let literal = of.literal;
    let Some(arn) = Arn::parse(value) else {
        // `alias/a` where the template has `alias/` already.
        let name = value
            .strip_prefix(literal)
            .filter(|name| !literal.is_empty() && !name.is_empty());
        return Some(Part::Text(Cow::Borrowed(name.unwrap_or(value))));
    };
    if arn.service == of.service && arn.resource.starts_with(literal) {
        return Some(Part::Whole(Cow::Borrowed(value)));
    }
    // The ARN of what the resource is in: its name is part of this one.
    let name = arn.resource.rsplit(['/', ':']).next()?;
    (!is_last && !name.is_empty()).then_some(Part::OfOther(name))
}

/// `https://HOST/ACCOUNT/NAME` or a name.
fn queue<'v>(context: &Context<'_, '_>, value: &'v str) -> Part<'v> {
    if is_arn(value) {
        return Part::Whole(Cow::Borrowed(value));
    }
    let mut from_end = value.rsplit('/');
    let name = from_end.next().unwrap_or_default();
    let account = from_end
        .next()
        .filter(|account| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()));
    match account {
        Some(account) => Part::Whole(Cow::Owned(format!(
            "arn:{}:sqs:{}:{account}:{name}",
            context.partition, context.region
        ))),
        None => Part::Text(Cow::Borrowed(name)),
    }
}

/// An alias stands for a key that the request does not name.
fn kms_key(value: &str) -> Part<'_> {
    if let Some(arn) = Arn::parse(value) {
        if arn.resource.starts_with("alias/") {
            let end = value.len() - arn.resource.len();
            return Part::Whole(Cow::Owned(format!("{}key/*", &value[..end])));
        }
        return Part::Whole(Cow::Borrowed(value));
    }
    if value.starts_with("alias/") {
        return Part::Text(Cow::Borrowed("*"));
    }
    Part::Text(Cow::Borrowed(value))
}

/// The ARN of a secret ends with six letters that its name does not tell.
fn secret(value: &str) -> Part<'_> {
    let has_letters = |resource: &str| {
        resource
            .rsplit_once('-')
            .is_some_and(|(_, letters)| letters.len() == 6)
    };
    match Arn::parse(value) {
        Some(arn) if has_letters(arn.resource) => Part::Whole(Cow::Borrowed(value)),
        Some(_) => Part::Whole(Cow::Owned(format!("{value}-??????"))),
        None => Part::Text(Cow::Owned(format!("{value}-??????"))),
    }
}

/// `NAME`, `NAME:QUALIFIER`, `ACCOUNT:function:NAME` or an ARN.
fn function<'v>(context: &Context<'_, '_>, value: &'v str) -> Option<Part<'v>> {
    if let Some(arn) = Arn::parse(value) {
        return (arn.service == "lambda").then_some(Part::Whole(Cow::Borrowed(value)));
    }
    let Some((account, name)) = value.split_once(":function:") else {
        return Some(Part::Text(Cow::Borrowed(value)));
    };
    Some(Part::Whole(Cow::Owned(format!(
        "arn:{}:lambda:{}:{account}:function:{name}",
        context.partition, context.region
    ))))
}

/// The id of a foundation model, of an inference profile, or an ARN.
fn model<'v>(context: &Context<'_, '_>, value: &'v str) -> Part<'v> {
    if is_arn(value) {
        return Part::Whole(Cow::Borrowed(value));
    }
    let (partition, region) = (context.partition, context.region);
    // Profiles of several regions are called like the model, after an area.
    let areas = [
        "us.", "us-gov.", "eu.", "apac.", "ca.", "jp.", "au.", "global.",
    ];
    Part::Whole(Cow::Owned(
        if areas.iter().any(|area| value.starts_with(area)) {
            let account = context.account();
            format!("arn:{partition}:bedrock:{region}:{account}:inference-profile/{value}")
        } else {
            format!("arn:{partition}:bedrock:{region}::foundation-model/{value}")
        },
    ))
}

/// A parameter's name, without the slash that it may begin with and without a version or label.
fn parameter(value: &str) -> Part<'_> {
    if is_arn(value) {
        return Part::Whole(Cow::Borrowed(value));
    }
    let name = value.split(':').next().unwrap_or(value);
    Part::Text(Cow::Borrowed(name.strip_prefix('/').unwrap_or(name)))
}

/// `FAMILY:REVISION`, `FAMILY` (its newest revision) or an ARN.
fn task_definition(value: &str) -> Part<'_> {
    if is_arn(value) {
        Part::Whole(Cow::Borrowed(value))
    } else if value.contains(':') {
        Part::Text(Cow::Borrowed(value))
    } else {
        Part::Text(Cow::Owned(format!("{value}:*")))
    }
}

/// The type and the id of a resource of EC2, from what the id begins with.
fn ec2_id(value: &str) -> Option<Part<'_>> {
    const TYPES: [(&str, &str); 22] = [
        ("i-", "instance"),
        ("vol-", "volume"),
        ("snap-", "snapshot"),
        ("ami-", "image"),
        ("sg-", "security-group"),
        ("sgr-", "security-group-rule"),
        ("vpc-", "vpc"),
        ("subnet-", "subnet"),
        ("rtb-", "route-table"),
        ("igw-", "internet-gateway"),
        ("nat-", "natgateway"),
        ("eni-", "network-interface"),
        ("acl-", "network-acl"),
        ("vpce-", "vpc-endpoint"),
        ("eipalloc-", "elastic-ip"),
        ("key-", "key-pair"),
        ("lt-", "launch-template"),
        ("dopt-", "dhcp-options"),
        ("tgw-", "transit-gateway"),
        ("pcx-", "vpc-peering-connection"),
        ("pl-", "prefix-list"),
        ("vgw-", "vpn-gateway"),
    ];
    let (_, kind) = TYPES.iter().find(|(start, _)| value.starts_with(start))?;
    Some(Part::Text(Cow::Owned(format!("{kind}/{value}"))))
}

/// Between two slashes.
fn path(value: &str) -> Cow<'_, str> {
    let inner = value.trim_matches('/');
    if inner.is_empty() {
        Cow::Borrowed("/")
    } else {
        Cow::Owned(format!("/{inner}/"))
    }
}
