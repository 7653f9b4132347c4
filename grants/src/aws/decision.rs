//! What a set of policies answers, and the statement that decided.

use std::fmt;

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Allowed, denied, or not to be known from what was observed.
    pub verdict: Verdict,
    /// The statement that decided. None for an implicit deny, where there is none.
    pub statement: Option<StatementId>,
    /// Keys of the request's context that the answer hangs on, as the policies write them. Only where it depends.
    pub missing_context: Vec<String>,
}

/// The four answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Something allows it, in every layer that has to, and nothing denies it.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// Nothing denies it, and some layer does not allow it.
    ImplicitDeny,
    /// It hangs on context that was not observed.
    Depends,
}

impl Verdict {
    /// As written in answers: `explicit_deny`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitDeny => "explicit_deny",
            Self::ImplicitDeny => "implicit_deny",
            Self::Depends => "depends",
        }
    }
}

/// Where a policy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// Attached to the principal or its groups.
    Identity,
    /// The principal's permissions boundary.
    Boundary,
    /// Given when the session was made.
    Session,
    /// Service control policy of a level of the organization: root, unit or account.
    Scp(usize),
    /// Resource control policy of a level of the organization.
    Rcp(usize),
    /// Attached to the resource; a role's trust policy, too.
    Resource,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => f.write_str("identity"),
            Self::Boundary => f.write_str("boundary"),
            Self::Session => f.write_str("session"),
            Self::Scp(level) => write!(f, "scp[{level}]"),
            Self::Rcp(level) => write!(f, "rcp[{level}]"),
            Self::Resource => f.write_str("resource"),
        }
    }
}

/// Names a statement: `identity AmazonS3ReadOnlyAccess#ReadBuckets`, or by number from 1, `boundary Limits#2`. A policy without a
/// name goes by its place, `scp[1][0]#2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementId {
    /// The layer of its policy.
    pub layer: Layer,
    /// The policy's name.
    pub policy: String,
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its own name.
    pub sid: Option<String>,
}

impl fmt::Display for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_named = !self.policy.is_empty() && !self.policy.starts_with('[');
        let space = if is_named { " " } else { "" };
        write!(f, "{}{space}{}#", self.layer, self.policy)?;
        match &self.sid {
            Some(sid) => f.write_str(sid),
            None => write!(f, "{}", self.index + 1),
        }
    }
}
