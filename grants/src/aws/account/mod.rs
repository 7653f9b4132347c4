//! The export of an account, as `aws iam get-account-authorization-details` prints it: who there is, and with what policies.
//! Reading is in `parse`, what is said of a bad export in `error`.

mod error;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use super::{Document, Policies, Policy, PolicySet};

pub use error::AccountError;

/// Most bytes that an export may have. One of a few thousand roles has some 50 MB.
pub const MAX_EXPORT_BYTES: usize = 512 << 20;

/// Everyone in an account, with the policies that they have.
#[derive(Clone, Debug, Default)]
pub struct Account {
    principals: Vec<Principal>,
    /// Places in `principals`.
    by_arn: HashMap<String, usize>,
}

/// A role, a user or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Such as `arn:aws:iam::123456789012:role/etl`.
    pub arn: String,
    /// The name without path.
    pub name: String,
    /// Role, user or group.
    pub kind: Kind,
    /// All that are attached, a user's groups included.
    pub policies: Vec<Attached>,
    /// The permissions boundary. Groups have none.
    pub boundary: Option<Attached>,
    /// Name and value.
    pub tags: Vec<(String, String)>,
    /// A role's trust policy: who may assume it.
    pub trust: Option<Arc<Document>>,
    /// Instance profiles that hand a role to EC2 instances, as ARNs.
    pub instance_profiles: Vec<String>,
    /// Names of a user's groups.
    pub groups: Vec<String>,
}

/// Kind of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Assumed by others, for a session.
    Role,
    /// With credentials of its own.
    User,
    /// Users; never a caller itself.
    Group,
}

/// A policy as it is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The policy's name.
    pub name: String,
    /// A managed policy's ARN. None: inline.
    pub arn: Option<String>,
    /// The group that a user has it from.
    pub group: Option<String>,
    /// The default version's document. None where the export names a policy and does not hold it.
    pub document: Option<Arc<Document>>,
}

impl Account {
    /// Reads an export, of one call or of several joined pages.
    ///
    /// # Errors
    /// It is not this export, or a policy in it is malformed.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        parse::account(text)
    }

    /// Everyone in the account: roles, users, groups, each in the order of the export.
    #[must_use]
    pub fn principals(&self) -> &[Principal] {
        &self.principals
    }

    /// The role, user or group of an ARN. A session's ARN (`arn:aws:sts::…:assumed-role/NAME/SESSION`) leads to its role.
    #[must_use]
    pub fn principal(&self, arn: &str) -> Option<&Principal> {
        if let Some(place) = self.by_arn.get(arn) {
            return self.principals.get(*place);
        }
        let (head, session) = arn.split_once(":assumed-role/")?;
        let (account, role) = (head.rsplit(':').next()?, session.split('/').next()?);
        self.principals.iter().find(|principal| {
            principal.kind == Kind::Role
                && principal.name == role
                && principal.account() == Some(account)
        })
    }

    /// The identity policies and the boundary of a principal, compiled.
    #[must_use]
    pub fn policy_set(&self, arn: &str) -> Option<PolicySet> {
        Some(PolicySet::new(&self.principal(arn)?.policies()))
    }
}

impl Principal {
    /// The account that it belongs to.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.arn.split(':').nth(4)
    }

    /// Policies that are named and whose documents the export does not hold, so that nothing is known of what they say. With one
    /// among them, what [`Principal::policies`] gives is not the whole truth.
    pub fn without_document(&self) -> impl Iterator<Item = &Attached> {
        let attached = self.policies.iter().chain(&self.boundary);
        attached.filter(|attached| attached.document.is_none())
    }

    /// Identity policies and boundary, to add session, organization or resource policies to.
    #[must_use]
    pub fn policies(&self) -> Policies {
        let policy = |attached: &Attached| {
            Some(Policy {
                name: attached.name.clone(),
                document: attached.document.clone()?,
            })
        };
        Policies {
            identity: self.policies.iter().filter_map(policy).collect(),
            boundary: self.boundary.iter().filter_map(policy).collect(),
            ..Policies::default()
        }
    }
}
