//! What evidence says: the types that other stages read. Times are microseconds UTC; the JSON form is
//! `whittle_schemas::document::report`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use whittle_schemas::document::report::{Confidence, Status};

/// Used versus granted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Cloud identities, those that were seen acting first.
    pub principals: Vec<Principal>,
    /// Programs, with what the kernel grants them.
    pub subjects: Vec<Subject>,
    /// Endpoints that were talked to.
    pub endpoints: Vec<Endpoint>,
    /// Sentences on what limits the evidence.
    pub notes: Vec<String>,
}

/// One cloud identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// Its ARN, or words on the access key where only that was seen.
    pub principal: String,
    /// How many actions it is granted.
    pub granted: usize,
    /// By permission, then by resource.
    pub evidence: Vec<Evidence>,
    /// How long and how well it was watched.
    pub observation: Observation,
}

/// One program.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Its id.
    pub subject: String,
    /// Its executable and script, escaped.
    pub name: String,
    /// How many things it is granted.
    pub granted: usize,
    /// By kind, then by resource.
    pub evidence: Vec<Evidence>,
    /// How long it was watched. Holes are those of any kind of evidence.
    pub observation: Observation,
}

/// What is known of one permission on one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Such as `s3:GetObject`.
    pub permission: Arc<str>,
    /// What was touched, or what the grant names.
    pub resource: Arc<str>,
    /// Which of the six.
    pub status: Status,
    /// How often it was used, or attempted.
    pub count: u64,
    /// When first and last; None where it was not.
    pub seen_us: Option<(i64, i64)>,
    /// Who did it.
    pub subjects: Vec<Arc<str>>,
    /// How sure the status is.
    pub confidence: Confidence,
    /// Why.
    pub reason: Arc<str>,
}

/// How long and how well somebody was watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Whether it was seen at all.
    pub observed: bool,
    /// Time in which everything that it did would have been seen: the union of its completely covered windows.
    pub covered_us: u64,
    /// Windows in which it was there.
    pub windows: usize,
    /// Subjects that acted as it.
    pub subjects: BTreeSet<String>,
    /// Sentences on why silence is no evidence. Empty: the coverage is complete.
    pub holes: Vec<String>,
}

/// One endpoint, over all windows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Name and port, or address and port.
    pub endpoint: String,
    /// Whose it is, where that is known.
    pub provider: Option<String>,
    /// Who talked to it.
    pub subjects: BTreeSet<String>,
    /// Connections that were made.
    pub connections: u64,
    /// How many of them could be read.
    pub readable: u64,
    /// How many of these were understood to their end.
    pub decoded: u64,
    /// Whether all were, in every window.
    pub complete: bool,
    /// Why not.
    pub reasons: BTreeSet<String>,
}

/// How many permissions have each status. A permission counts once: with several entries the weightiest decides, in the
/// order ungranted, used, unknown, attempted, implied, unused.
pub type Tally = BTreeMap<Status, usize>;

impl Principal {
    /// Permissions by status.
    #[must_use]
    pub fn tally(&self) -> Tally {
        tally(&self.evidence)
    }
}

impl Subject {
    /// Entries by status.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::new();
        for evidence in &self.evidence {
            *tally.entry(evidence.status).or_default() += 1;
        }
        tally
    }
}

impl Observation {
    /// Whether silence is evidence.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.observed && self.holes.is_empty() && self.covered_us > 0
    }

    /// Covered time in hours.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of centuries are exact in an f64"
    )]
    pub fn covered_hours(&self) -> f64 {
        self.covered_us as f64 / 3_600_000_000.0
    }

    /// Most uses an hour that nobody saw, at 95 %: 3 divided by the covered hours. None without covered time.
    #[must_use]
    pub fn rate_bound(&self) -> Option<f64> {
        (self.covered_us > 0).then(|| 3.0 / self.covered_hours())
    }

    /// Why something that was not seen is unused, or cannot be said to be.
    #[must_use]
    pub fn silence(&self) -> (Status, Confidence, String) {
        match (self.holes.split_first(), self.rate_bound()) {
            (None, Some(bound)) if self.observed => (
                Status::Unused,
                Confidence::Bounded,
                format!(
                    "no use in {} covered hours: at 95 % fewer than {} uses an hour",
                    rounded(self.covered_hours()),
                    rounded(bound)
                ),
            ),
            (Some((first, [])), _) => (Status::Unknown, Confidence::None, first.clone()),
            (Some((first, more)), _) => (
                Status::Unknown,
                Confidence::None,
                format!("{first}; and {} more reasons", more.len()),
            ),
            (None, _) => (
                Status::Unknown,
                Confidence::None,
                "no time was covered".to_owned(),
            ),
        }
    }
}

/// A number with the digits that matter: 24, 1.5, 0.125, 0.0031.
#[must_use]
pub fn rounded(value: f64) -> String {
    if value >= 10.0 {
        format!("{value:.0}")
    } else if value >= 1.0 {
        format!("{value:.1}")
    } else {
        let mut places = 2;
        let mut least = 0.1;
        while value < least && places < 9 {
            places += 1;
            least /= 10.0;
        }
        format!("{value:.places$}")
    }
}

fn weight(status: Status) -> u8 {
    match status {
        Status::Ungranted => 5,
        Status::Used => 4,
        Status::Unknown => 3,
        Status::Attempted => 2,
        Status::Implied => 1,
        Status::Unused => 0,
    }
}

fn tally(evidence: &[Evidence]) -> Tally {
    let mut by_permission: BTreeMap<&str, Status> = BTreeMap::new();
    for entry in evidence {
        let status = by_permission
            .entry(&entry.permission)
            .or_insert(entry.status);
        if weight(entry.status) > weight(*status) {
            *status = entry.status;
        }
    }
    let mut tally = Tally::new();
    for status in by_permission.into_values() {
        *tally.entry(status).or_default() += 1;
    }
    tally
}
