//! A replay: what recorded accesses would have met under a proposed policy. Times are RFC 3339 in UTC.

use serde::{Deserialize, Serialize};

use super::recommendation::ReplayCounts;

/// What `whittle replay --format json` prints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Whose accesses were replayed; null for those of all.
    pub asked_for: Option<String>,
    /// The policies, by file name.
    pub policies: Vec<String>,
    /// In numbers. `replayed` is `allowed`, `denied` and `depends` together.
    pub counts: ReplayCounts,
    /// Used, and the policy denies it.
    pub denied: Vec<Replayed>,
    /// Used, and the answer hangs on context that was not observed.
    pub depends: Vec<Replayed>,
    /// Used, and it cannot be told what exactly it was.
    pub not_replayed: Vec<Replayed>,
    /// Denied when it was tried, and denied by the policy: nothing changes.
    pub denied_before: Vec<Replayed>,
    /// Denied when it was tried, although the policy does not deny it: something else did, or has changed.
    pub denied_before_only: Vec<Replayed>,
    /// All in one sentence.
    pub verdict: String,
}

/// One access, over all windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Replayed {
    /// What was done.
    pub action: String,
    /// To what, escaped.
    pub resource: String,
    /// How often.
    pub count: u64,
    /// When last.
    pub last_seen: String,
    /// What decides: a statement, or what the policy lacks.
    pub decided_by: String,
    /// Keys of the request's context that were not observed.
    pub missing_context: Vec<String>,
}
