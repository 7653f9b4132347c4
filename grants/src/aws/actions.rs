//! The IAM actions that exist, with what each can be granted on.

/// An action that can be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// `s3`.
    pub service: &'static str,
    /// `GetObject`.
    pub name: &'static str,
    /// What it lets one do.
    pub access_level: AccessLevel,
    /// Kinds of resources that it can be granted on.
    pub resource_types: Vec<ResourceType>,
    /// Whether it can be granted on `*` only.
    pub is_wildcard_only: bool,
    /// Keys that a condition on it may have, besides those of all actions.
    pub condition_keys: Vec<&'static str>,
    /// Further actions that a call needs.
    pub dependent_actions: Vec<&'static str>,
    /// Why the report shows it first. None: an ordinary action.
    pub sensitivity: Option<Sensitivity>,
}

/// A kind of resource that an action works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceType {
    /// `bucket`.
    pub name: &'static str,
    /// `arn:${Partition}:s3:::${BucketName}`.
    pub arn: &'static str,
    /// Whether each call names one.
    pub is_required: bool,
}

/// AWS's own levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccessLevel {
    /// See that resources exist.
    List,
    /// Read their content.
    Read,
    /// Create, change or delete.
    Write,
    /// Change tags only.
    Tagging,
    /// Grant permissions to others, or to oneself.
    PermissionsManagement,
}

/// Why an action is sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sensitivity {
    /// A step in a known way to more permissions.
    PrivilegeEscalation,
    /// Gives out credentials.
    CredentialsExposure,
    /// Can open a resource to others.
    ResourceExposure,
}

/// All actions, by service and name.
#[must_use]
pub fn all() -> &'static [Action] {
    &[]
}

/// One action; case does not matter.
#[must_use]
pub fn get(service: &str, name: &str) -> Option<&'static Action> {
    all().iter().find(|action| {
        action.service.eq_ignore_ascii_case(service) && action.name.eq_ignore_ascii_case(name)
    })
}

/// The actions that a pattern such as `s3:Get*` or `*` matches: none, where it matches nothing that exists.
pub fn expand(_pattern: &str) -> impl Iterator<Item = &'static Action> {
    all().iter()
}
