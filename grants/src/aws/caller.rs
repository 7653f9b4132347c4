//! Who asks: the kinds of principals that a request can come from, and which `Principal` entries speak of them.

use std::sync::Arc;

use super::document::PrincipalEntry;

/// A principal that makes requests. Taken apart once, and cheap to clone, for it makes many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    known: Arc<Known>,
}

#[derive(Debug, PartialEq, Eq)]
struct Known {
    /// As given.
    name: String,
    kind: CallerKind,
    account: Option<String>,
    /// What follows for the context of its requests; keys in lower case.
    context: Vec<(&'static str, [String; 1])>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CallerKind {
    /// A role, of whose session no more is known; by its name without path.
    Role {
        role: String,
    },
    /// A session of a role.
    Session {
        role: String,
    },
    User {
        name: String,
    },
    /// A session that a user got by `GetFederationToken`.
    FederatedUser,
    /// The root user, or an account as a whole.
    Root,
    /// `lambda.amazonaws.com`.
    Service,
    /// An identity provider, in `AssumeRoleWithWebIdentity` and `AssumeRoleWithSAML`.
    Provider,
    /// Nobody in particular: not signed.
    Anonymous,
}

/// How a `Principal` entry speaks of a caller, which decides what else can limit what it grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    /// Its account: the account's own policies have to grant it, too.
    Account,
    /// Its role: within what boundary and session policies allow.
    Role,
    /// Itself, or everyone.
    Directly,
}

pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Caller {
    /// `name` is an ARN (of a role, a session, a user), an account id, a service such as `s3.amazonaws.com`, or `*` for nobody in
    /// particular.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let name = name.trim();
        let mut segments = name.splitn(6, ':');
        let fields: [&str; 6] = std::array::from_fn(|_| segments.next().unwrap_or_default());
        let [arn, _, service, _, account, resource] = fields;
        let (head, tail) = resource.split_once('/').unwrap_or((resource, ""));
        let last = tail.rsplit('/').next().unwrap_or_default().to_owned();
        let kind = match (arn, service, head) {
            ("arn", "iam", "role") => CallerKind::Role { role: last },
            ("arn", "sts", "assumed-role") => CallerKind::Session {
                role: tail.split('/').next().unwrap_or_default().to_owned(),
            },
            ("arn", "iam", "user") => CallerKind::User { name: last },
            ("arn", "sts", "federated-user") => CallerKind::FederatedUser,
            ("arn", "iam", "root") => CallerKind::Root,
            ("arn", "iam", "oidc-provider" | "saml-provider") => CallerKind::Provider,
            _ if is_account(name) => CallerKind::Root,
            _ if is_service(name) => CallerKind::Service,
            _ if name.is_empty() || name == "*" => CallerKind::Anonymous,
            _ => CallerKind::Provider,
        };
        let account = if is_account(name) { name } else { account };
        let mut known = Known {
            kind,
            account: is_account(account).then(|| account.to_owned()),
            name: name.to_owned(),
            context: Vec::new(),
        };
        known.context = known.context();
        Self {
            known: Arc::new(known),
        }
    }

    pub(super) fn kind(&self) -> &CallerKind {
        &self.known.kind
    }

    /// Its own account. None where it has none: services, providers, nobody.
    pub(super) fn account(&self) -> Option<&str> {
        self.known.account.as_deref()
    }

    /// What follows for this key of a request's context. None: nothing does.
    pub(super) fn context(&self, key: &str) -> Option<&[String; 1]> {
        let mut known = self.known.context.iter();
        known
            .find(|(name, _)| *name == key)
            .map(|(_, values)| values)
    }

    /// Whether it is a role that a service made for itself, which organization policies leave alone.
    pub(super) fn is_service_linked(&self) -> bool {
        match &self.known.kind {
            CallerKind::Role { .. } => self.known.name.contains(":role/aws-service-role/"),
            CallerKind::Session { role } => role.starts_with("AWSServiceRoleFor"),
            _ => false,
        }
    }

    /// How `entry` speaks of this caller. None: of somebody else.
    pub(super) fn named_by(&self, entry: &Entry) -> Option<Named> {
        let is_it = match entry {
            Entry::Everyone => true,
            Entry::Aws(other) => return self.named_by_arn(other),
            Entry::Service(service) => {
                self.known.kind == CallerKind::Service && *service == self.known.name
            }
            Entry::Federated(name) => {
                self.known.kind == CallerKind::Provider && *name == self.known.name
            }
            Entry::CanonicalUser(id) => *id == self.known.name,
        };
        is_it.then_some(Named::Directly)
    }

    fn named_by_arn(&self, other: &Self) -> Option<Named> {
        if other.known.name == self.known.name {
            let is_role = matches!(self.known.kind, CallerKind::Role { .. });
            return Some(if is_role {
                Named::Role
            } else {
                Named::Directly
            });
        }
        if self.known.account.is_none() || other.known.account != self.known.account {
            return None;
        }
        match (&self.known.kind, &other.known.kind) {
            (CallerKind::Root, CallerKind::Root) => Some(Named::Directly),
            (_, CallerKind::Root) => Some(Named::Account),
            // A role's name is its own in an account, whatever its path, which a session's ARN does not have.
            (CallerKind::Session { role: own }, CallerKind::Role { role }) if own == role => {
                Some(Named::Role)
            }
            _ => None,
        }
    }
}

impl Known {
    /// Of itself only.
    fn context(&self) -> Vec<(&'static str, [String; 1])> {
        let mut context = Vec::new();
        let mut add = |key, value: &str| context.push((key, [value.to_owned()]));
        if let Some(account) = self.account.as_deref() {
            add("aws:principalaccount", account);
        }
        let (arn, kind) = match &self.kind {
            CallerKind::Role { .. } => (Some(self.name.clone()), "AssumedRole"),
            CallerKind::Session { role } => (self.role_arn(role), "AssumedRole"),
            CallerKind::User { .. } => (Some(self.name.clone()), "User"),
            CallerKind::FederatedUser => (Some(self.name.clone()), "FederatedUser"),
            CallerKind::Root => (None, "Account"),
            CallerKind::Anonymous => (None, "Anonymous"),
            CallerKind::Service => {
                add("aws:principalisawsservice", "true");
                add("aws:principalservicename", &self.name);
                return context;
            }
            CallerKind::Provider => return context,
        };
        add("aws:principaltype", kind);
        add("aws:principalisawsservice", "false");
        if let Some(arn) = arn {
            add("aws:principalarn", &arn);
        }
        if let CallerKind::User { name } = &self.kind {
            add("aws:username", name);
        }
        context
    }

    /// The role's ARN out of a session's, which leaves out the role's path. None for the roles that are known to have one.
    fn role_arn(&self, role: &str) -> Option<String> {
        let has_path = role.starts_with("AWSReservedSSO_") || role.starts_with("AWSServiceRoleFor");
        let partition = self.name.split(':').nth(1)?;
        let account = self.account.as_deref()?;
        (!has_path).then(|| format!("arn:{partition}:iam::{account}:role/{role}"))
    }
}

/// An entry of a `Principal` element, taken apart once.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Everyone,
    Aws(Caller),
    Service(String),
    Federated(String),
    CanonicalUser(String),
}

impl From<&PrincipalEntry> for Entry {
    fn from(entry: &PrincipalEntry) -> Self {
        match entry {
            PrincipalEntry::Everyone => Self::Everyone,
            PrincipalEntry::Aws(name) => Self::Aws(Caller::new(name)),
            PrincipalEntry::Service(name) => Self::Service(name.clone()),
            PrincipalEntry::Federated(name) => Self::Federated(name.clone()),
            PrincipalEntry::CanonicalUser(id) => Self::CanonicalUser(id.clone()),
        }
    }
}

/// `s3.amazonaws.com`, `states.eu-west-1.amazonaws.com`, `ec2.amazonaws.com.cn`.
fn is_service(name: &str) -> bool {
    (name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn"))
        && !name.starts_with("cognito-identity.")
}
