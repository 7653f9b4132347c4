//! A recommendation: the smaller permission, what it stands on, and whether it may be put to use. Times are RFC 3339 in UTC.

use serde::{Deserialize, Serialize};

/// What `whittle recommend --format json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Recommendation {
    /// Format of the documents: `aws-iam`, `security-context`, `seccomp`.
    pub format: String,
    /// Whom it was asked for.
    pub asked_for: String,
    /// Cloud identity that it is for; null for host formats and where none was observed.
    pub principal: Option<String>,
    /// Whose usage it stands on: ids of the table `subjects`.
    pub subjects: Vec<String>,
    /// Whether it may be put to use.
    pub status: Status,
    /// Why the status is not `ready`, or on what evidence it is.
    pub reasons: Vec<String>,
    /// What it stands on.
    pub observation: Observation,
    /// The documents, to be put to use together.
    pub documents: Vec<Proposed>,
    /// What each part of the documents is for.
    pub parts: Vec<Part>,
    /// What was used, or may be needed, and is not in the documents.
    pub left_out: Vec<LeftOut>,
    /// What replaying the same history against the documents gave.
    pub replay: ReplayCounts,
}

/// Whether a recommendation may be put to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The evidence is complete, has stopped growing, and the replay denies nothing.
    Ready,
    /// The evidence is complete so far, and there is too little of it.
    Draft,
    /// The evidence has a hole: something may be missing from the documents.
    Held,
}

impl Status {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Draft => "draft",
            Self::Held => "held",
        }
    }
}

/// How much was observed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// When something was used first; null where nothing was.
    pub from: Option<String>,
    /// When something was used last.
    pub to: Option<String>,
    /// How often somebody of these started.
    pub runs: u64,
    /// Windows in which something was used, of each node.
    pub windows: u64,
    /// How many of the last of these used nothing that no earlier one had used.
    pub quiet_windows: u64,
    /// Accesses that were counted.
    pub accesses: u64,
}

/// One document to be put to use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Proposed {
    /// Name of a file that holds it.
    pub name: String,
    /// The document itself.
    pub text: String,
    /// Characters that count against the limit.
    pub characters: u64,
    /// Most that it may have; null without a limit.
    pub limit: Option<u64>,
}

/// One statement, capability, folder or set of calls of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Name of the document that it is in.
    pub document: String,
    /// The statement's Sid, or what is allowed.
    pub name: String,
    /// How many exact things, seen in use, it stands for.
    pub stands_for: u64,
    /// Where it allows more than was used.
    pub over_grants: Vec<OverGrant>,
    /// What else there is to say of it.
    pub notes: Vec<String>,
}

/// A pattern that allows more than was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OverGrant {
    /// The pattern.
    pub pattern: String,
    /// How many exact things, seen in use, it stands for.
    pub stands_for: u64,
    /// What else it allows.
    pub also_allows: String,
}

/// Something that is not in the documents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// A replay in numbers; `whittle replay` lists what they count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplayCounts {
    /// Different accesses that were replayed.
    pub replayed: u64,
    /// Of these, how many the documents allow.
    pub allowed: u64,
    /// How many they deny.
    pub denied: u64,
    /// How many hang on context that was not observed.
    pub depends: u64,
    /// Accesses that cannot be replayed.
    pub not_replayed: u64,
}
