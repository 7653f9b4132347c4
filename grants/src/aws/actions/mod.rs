//! The IAM actions that exist, with what each can be granted on. Made by `cargo xtask generate aws` from packages that NOTICE
//! names; the format of the table is in `table`.

mod table;
#[cfg(test)]
mod tests;

use super::glob::Glob;
use super::{Document, Effect};

/// An action that can be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// `s3`.
    pub service: &'static str,
    /// `GetObject`.
    pub name: &'static str,
    /// What it lets one do.
    pub access_level: AccessLevel,
    /// Kinds of resources that it can be granted on. Empty: on `*` only.
    pub resource_types: Vec<ResourceType>,
    /// Whether it can be granted on `*` only.
    pub is_wildcard_only: bool,
    /// Keys that a condition on it may have, besides those of all actions.
    pub condition_keys: Vec<&'static str>,
    /// Further actions that a call may need, as `service:Name`.
    pub dependent_actions: Vec<&'static str>,
    /// Why the report shows it first. None: an ordinary action.
    pub sensitivity: Option<Sensitivity>,
}

/// A kind of resource that an action works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceType {
    /// `bucket`.
    pub name: &'static str,
    /// `arn:${Partition}:s3:::${BucketName}`; a few kinds have more than one format.
    pub arns: Vec<&'static str>,
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

impl AccessLevel {
    /// As AWS writes it: `Permissions management`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "List",
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Tagging => "Tagging",
            Self::PermissionsManagement => "Permissions management",
        }
    }
}

/// Why an action is sensitive; the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sensitivity {
    /// A step in a known way to more permissions.
    PrivilegeEscalation,
    /// Gives out credentials.
    CredentialsExposure,
    /// Can open a resource to others.
    ResourceExposure,
}

impl Sensitivity {
    /// In words: `privilege escalation`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PrivilegeEscalation => "privilege escalation",
            Self::CredentialsExposure => "credentials exposure",
            Self::ResourceExposure => "resource exposure",
        }
    }
}

/// All actions, by service and name.
#[must_use]
pub fn all() -> &'static [Action] {
    &table::get().actions
}

/// The version of the package that the table was made from; its end is a date.
#[must_use]
pub fn version() -> &'static str {
    table::get().version
}

/// One action; case does not matter.
#[must_use]
pub fn get(service: &str, name: &str) -> Option<&'static Action> {
    let name = name.to_ascii_lowercase();
    let actions = of_service(&service.to_ascii_lowercase());
    let at = actions
        .binary_search_by(|action| action.name.to_ascii_lowercase().as_str().cmp(&name))
        .ok()?;
    Some(&actions[at])
}

/// The actions of a service, by name; `service` in lower case. Empty where there is no such service.
#[must_use]
pub fn of_service(service: &str) -> &'static [Action] {
    let table = table::get();
    let range = table.services.get(service).cloned().unwrap_or_default();
    &table.actions[range]
}

/// The actions that a pattern such as `s3:Get*` or `*` matches: none, where it matches nothing that exists.
pub fn expand(pattern: &str) -> impl Iterator<Item = &'static Action> + use<> {
    let pattern = pattern.to_ascii_lowercase();
    let (service, name) = pattern.split_once(':').unwrap_or((&pattern, "*"));
    let name = Glob::new(name);
    // Most patterns name one service, and need not look at the others.
    let actions = if service.contains(['*', '?']) {
        all()
    } else {
        of_service(service)
    };
    let service = Glob::new(service);
    actions.iter().filter(move |action| {
        service.matches(action.service) && name.matches(&action.name.to_ascii_lowercase())
    })
}

/// Whether resource control policies apply to a service's resources; `service` in lower case.
#[must_use]
pub fn is_under_rcp(service: &str) -> bool {
    table::get().rcp_services.contains(service)
}

/// An action pattern in a document that no action matches: a slip of the pen, or an action that is not there any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched<'a> {
    /// The statement's place, from 0.
    pub statement: usize,
    /// Its name.
    pub sid: Option<&'a str>,
    /// What it does; a Deny that matches nothing protects nothing.
    pub effect: Effect,
    /// The pattern, as written.
    pub pattern: &'a str,
}

/// The action patterns of a document that match nothing.
#[must_use]
pub fn unmatched(document: &Document) -> Vec<Unmatched<'_>> {
    let mut found = Vec::new();
    for (index, statement) in document.statements.iter().enumerate() {
        let patterns = statement.action.patterns().iter();
        found.extend(
            patterns
                .filter(|pattern| expand(pattern).next().is_none())
                .map(|pattern| Unmatched {
                    statement: index,
                    sid: statement.sid.as_deref(),
                    effect: statement.effect,
                    pattern,
                }),
        );
    }
    found
}
