//! A policy document as written: versions, statements and their elements, not yet compiled. Reading is in `parse` and, of one statement,
//! in `statement`, JSON that refuses a name given twice in `json`, what fits where in `place`, what is said of a bad document in `error`.

mod error;
mod json;
mod parse;
mod place;
mod statement;
#[cfg(test)]
mod tests;

pub use error::{DocumentError, Place};
pub(in crate::aws) use json::Json;

/// Most bytes that a document's text may have, white space and URL encoding included.
pub const MAX_BYTES: usize = 1 << 20;
/// Most characters that a document may have without white space. The longest that AWS itself publishes (`ReadOnlyAccess` and its
/// like) have up to 152,297; quotas for one's own end at 20,480. With the bound on what a request names, it bounds the time
/// that a hostile pattern takes.
pub const MAX_CHARACTERS: usize = 1 << 18;

/// A parsed policy: identity, boundary, session, service or resource control, resource or trust policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// `2012-10-17` or `2008-10-17`; None where it is not given, which means the latter: no policy variables.
    pub version: Option<String>,
    /// `Id`, which resource policies may have.
    pub id: Option<String>,
    /// In the order of the document.
    pub statements: Vec<Statement>,
    /// Characters without white space, which AWS counts against its quotas.
    pub size: usize,
}

impl Document {
    /// Whether `${…}` in it is a variable, and not text.
    #[must_use]
    pub fn has_variables(&self) -> bool {
        self.version.as_deref() == Some("2012-10-17")
    }
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its name, if it has one.
    pub sid: Option<String>,
    /// What it does where it applies.
    pub effect: Effect,
    /// Who it speaks of: only in resource and trust policies.
    pub principal: Option<MatchPrincipal>,
    /// Action patterns such as `s3:Get*`, as written.
    pub action: Match,
    /// Resource patterns, as written. None in trust policies, which speak of their own role.
    pub resource: Option<Match>,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Allows.
    Allow,
    /// Denies, whatever others allow.
    Deny,
}

/// Patterns that have to match (`Action`), or that must not (`NotAction`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// `Action`, `Resource`: any one of these.
    Any(Vec<String>),
    /// `NotAction`, `NotResource`: none of these.
    Not(Vec<String>),
}

impl Match {
    /// The patterns, whichever way they count.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        match self {
            Self::Any(patterns) | Self::Not(patterns) => patterns,
        }
    }

    /// Whether this is a `NotAction` or `NotResource`.
    #[must_use]
    pub fn is_not(&self) -> bool {
        matches!(self, Self::Not(_))
    }
}

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatchPrincipal {
    /// `Principal`: any one of these.
    Any(Vec<PrincipalEntry>),
    /// `NotPrincipal`: none of these.
    Not(Vec<PrincipalEntry>),
}

/// One entry of a `Principal` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalEntry {
    /// `"Principal": "*"` or `{"AWS": "*"}`: everyone.
    Everyone,
    /// `{"AWS": …}`: an ARN, an account id, or a unique id.
    Aws(String),
    /// `{"Service": …}`, such as `lambda.amazonaws.com`.
    Service(String),
    /// `{"Federated": …}`: an identity provider.
    Federated(String),
    /// `{"CanonicalUser": …}`: S3's own name of an account.
    CanonicalUser(String),
}

/// One key under one operator: `"StringLike": {"s3:prefix": ["a/*", "b/*"]}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// As written, with its quantifier and ending: `ForAllValues:StringLikeIfExists`.
    pub operator: String,
    /// As written. AWS takes keys without regard to case.
    pub key: String,
    /// Numbers and booleans as text.
    pub values: Vec<String>,
}
