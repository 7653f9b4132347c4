//! Evidence: what is granted, held against what was used. Times are RFC 3339 in UTC.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Used versus granted, for each cloud identity and for each program on a host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Cloud identities: those of the grants, and those that were seen acting.
    pub principals: Vec<Principal>,
    /// Programs, with what the kernel grants them.
    pub subjects: Vec<Subject>,
    /// What could be seen, and what was lost.
    pub coverage: Coverage,
}

/// One cloud identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// ARN of a role or user; `key AKIA… (principal not observed)` where only the access key was seen.
    pub principal: String,
    /// How many actions it is granted, wildcards expanded.
    pub granted: u64,
    /// One entry for each permission and resource that is granted or was asked for.
    pub evidence: Vec<Evidence>,
}

/// One program: a workload's executable, script and user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Its id, as in the table `subjects`.
    pub subject: String,
    /// Its executable and script, escaped.
    pub name: String,
    /// How many things it is granted.
    pub granted: u64,
    /// One entry for each.
    pub evidence: Vec<Evidence>,
}

/// What is known of one permission on one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// `s3:GetObject`; on a host `use` (a capability), `write` (a mount), `read` (a secret), `call` (a system call),
    /// `run as` (a user), `gain privileges`.
    pub permission: String,
    /// What was touched, or what the grant names: `arn:aws:s3:::bucket/*`, `CAP_CHOWN`, `/data`.
    pub resource: String,
    /// Which of the six it is.
    pub status: Status,
    /// How often it was used, or attempted.
    pub count: u64,
    /// When first; null where it was not.
    pub first_seen: Option<String>,
    /// When last; null where it was not.
    pub last_seen: Option<String>,
    /// Who did it: ids of the table `subjects`.
    pub subjects: Vec<String>,
    /// How sure the status is.
    pub confidence: Confidence,
    /// Why the status is what it is, and what makes it so sure.
    pub reason: String,
}

/// The six things that can be said of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Seen in use, and granted.
    Used,
    /// Asked for, and denied each time.
    Attempted,
    /// Cannot be seen from a host, and follows from something used.
    Implied,
    /// Granted, and not used in a time that was covered completely.
    Unused,
    /// Granted, and the coverage does not let one say whether it was used.
    Unknown,
    /// Used, and no known grant allows it.
    Ungranted,
}

/// How sure a status is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// It was recorded.
    Observed,
    /// It follows by a rule from what was recorded.
    Inferred,
    /// It was not seen, and the reason says how rare it must be at 95 %.
    Bounded,
    /// Nothing can be said.
    None,
}

/// What the evidence rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Start of the first window; null without windows.
    pub from: Option<String>,
    /// End of the last window.
    pub to: Option<String>,
    /// Nodes that recorded, as `cluster/node`.
    pub nodes: Vec<String>,
    /// Whether nothing at all was lost, left unwatched or left unread.
    pub complete: bool,
    /// Files and windows of the data that could not be read.
    pub unread: u64,
    /// One entry for each hook family.
    pub families: Vec<Family>,
    /// One entry for each endpoint that was talked to.
    pub endpoints: Vec<Endpoint>,
    /// One entry for each of the report's principals: how long and how well it was watched.
    pub principals: Vec<Observation>,
    /// One entry for each of the report's subjects.
    pub subjects: Vec<Observation>,
    /// Sentences on what limits the evidence.
    pub notes: Vec<String>,
}

/// What one hook family saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Its name.
    pub family: String,
    /// Accesses counted in the kernel.
    pub seen: u64,
    /// Accesses in the tables.
    pub recorded: u64,
    /// Accesses lost.
    pub lost: u64,
    /// Of these, by reason.
    pub lost_by_reason: BTreeMap<String, u64>,
    /// How long nobody watched, in microseconds.
    pub gap_us: u64,
    /// Whether nothing was lost and nothing was left unwatched.
    pub complete: bool,
}

/// What one endpoint was asked, and how much of it could be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Name and port, or address and port.
    pub endpoint: String,
    /// Whose it is, such as `aws`; null where that is not known.
    pub provider: Option<String>,
    /// Who talked to it: ids of the table `subjects`.
    pub subjects: Vec<String>,
    /// Connections that were made.
    pub connections: u64,
    /// How many of them could be read.
    pub readable: u64,
    /// How many of these were understood to their end.
    pub decoded: u64,
    /// Whether all were.
    pub complete: bool,
    /// Why not.
    pub reasons: Vec<String>,
}

/// How long and how well something was watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// The principal, or the subject's id.
    pub of: String,
    /// Whether it was seen at all.
    pub observed: bool,
    /// Hours in which everything that it did would have been seen.
    pub covered_hours: f64,
    /// Windows in which it was there.
    pub windows: u64,
    /// Subjects that acted as it.
    pub subjects: Vec<String>,
    /// Why silence is no evidence; empty where the coverage is complete.
    pub holes: Vec<String>,
}
