//! How well somebody was watched: in which windows, for how long, and with what holes. Only without any hole is silence
//! evidence.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use whittle_schemas::table::{CoverageRow, EndpointRow, Tables};

use super::model::{Endpoint, Observation};

/// What somebody is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sight {
    /// Calls to cloud providers.
    Cloud,
    /// Opens of files.
    File,
    /// Checks of capabilities.
    Capability,
    /// System calls.
    Syscall,
}

impl Sight {
    /// Families that each window needs a complete row of; of each group any one will do.
    fn needed(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Cloud => &[&["process"], &["socket"], &["payload", "cloud", "tls"]],
            Self::File => &[&["process"], &["file"]],
            Self::Capability => &[&["process"], &["capability"]],
            Self::Syscall => &[&["process"], &["syscall"]],
        }
    }

    /// Whether a loss of the family may have hidden something. A family that is not known may have.
    fn concerns(self, family: &str) -> bool {
        match self {
            Self::Cloud => !matches!(family, "file" | "capability" | "syscall"),
            _ => self.needed().iter().any(|names| names.contains(&family)),
        }
    }

    /// Whether nothing of these subjects is missing. A call that was lost may have been made with anybody's key, whoever made it.
    fn is_complete(self, row: &CoverageRow, subjects: &BTreeSet<&str>) -> bool {
        match self {
            Self::Cloud => row.is_complete(),
            _ => subjects.iter().all(|subject| row.is_complete_for(subject)),
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Cloud => "cloud calls",
            Self::File => "opens of files",
            Self::Capability => "capabilities",
            Self::Syscall => "system calls",
        }
    }
}

/// A window of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Window<'a> {
    node: (&'a str, &'a str),
    start_us: i64,
    end_us: i64,
}

/// Coverage, by window and by subject.
pub(crate) struct Watch<'a> {
    coverage: HashMap<Window<'a>, Vec<&'a CoverageRow>>,
    windows: HashMap<&'a str, BTreeSet<Window<'a>>>,
    endpoints: HashMap<&'a str, Vec<&'a EndpointRow>>,
    unread: usize,
}

/// Most sentences on endpoints that could not be read, for one principal; the rest is counted.
const MAX_ENDPOINTS: usize = 20;

macro_rules! window {
    ($row:expr) => {
        Window {
            node: (&$row.cluster, &$row.node),
            start_us: $row.window_start_us,
            end_us: $row.window_end_us,
        }
    };
}

impl<'a> Watch<'a> {
    pub(crate) fn of(tables: &'a Tables, unread: usize) -> Self {
        let mut coverage: HashMap<_, Vec<_>> = HashMap::new();
        for row in &tables.coverage {
            coverage.entry(window!(row)).or_default().push(row);
        }
        let mut windows: HashMap<&str, BTreeSet<_>> = HashMap::new();
        for row in &tables.subjects {
            windows
                .entry(&row.subject_id)
                .or_default()
                .insert(window!(row));
        }
        let mut last = None;
        for row in &tables.usage {
            let now = (row.subject_id.as_str(), window!(row));
            if last != Some(now) {
                windows.entry(now.0).or_default().insert(now.1);
                last = Some(now);
            }
        }
        let mut endpoints: HashMap<&str, Vec<_>> = HashMap::new();
        for row in &tables.endpoints {
            endpoints.entry(&row.subject_id).or_default().push(row);
            windows
                .entry(&row.subject_id)
                .or_default()
                .insert(window!(row));
        }
        Self {
            coverage,
            windows,
            endpoints,
            unread,
        }
    }

    /// How these subjects were watched for that.
    pub(crate) fn observation(&self, sight: Sight, subjects: &BTreeSet<&str>) -> Observation {
        let windows: BTreeSet<Window<'_>> = subjects
            .iter()
            .filter_map(|subject| self.windows.get(subject))
            .flatten()
            .copied()
            .collect();
        let mut holes = Holes::default();
        let mut covered = Vec::new();
        for window in &windows {
            if self.is_covered(sight, *window, subjects, &mut holes) {
                covered.push((window.start_us, window.end_us));
            }
        }
        let mut sentences = holes.sentences(sight, windows.len());
        if sight == Sight::Cloud {
            sentences.extend(self.unread_endpoints(subjects));
        }
        if self.unread > 0 {
            sentences.push(format!(
                "{} files or windows of the data could not be read",
                self.unread
            ));
        }
        Observation {
            observed: !windows.is_empty(),
            covered_us: length_of_union(covered),
            windows: windows.len(),
            subjects: subjects
                .iter()
                .map(|subject| (*subject).to_owned())
                .collect(),
            holes: sentences,
        }
    }

    /// Spans in which one of the subjects was there.
    pub(super) fn spans<'s>(
        &'s self,
        subjects: &'s BTreeSet<&str>,
    ) -> impl Iterator<Item = (i64, i64)> + 's {
        let windows = subjects
            .iter()
            .filter_map(|subject| self.windows.get(subject));
        windows
            .flatten()
            .map(|window| (window.start_us, window.end_us))
    }

    /// Sentences on endpoints of AWS that were not read, of subjects of whom nobody knows as whom they acted.
    pub(super) fn unread_by_others(&self, acting: &BTreeSet<&str>) -> Vec<String> {
        let others = self
            .endpoints
            .iter()
            .filter(|(subject, _)| !acting.contains(*subject));
        let rows = others.flat_map(|(_, rows)| rows.iter().copied());
        let unread = summed(rows.filter(|row| hides_calls(row) && row.provider.is_some()));
        let words = |endpoint: &Endpoint| {
            let words = sentence(endpoint);
            format!("{words}, of a subject of which it is not known as whom it acts")
        };
        unread.iter().take(MAX_ENDPOINTS).map(words).collect()
    }

    fn is_covered(
        &self,
        sight: Sight,
        window: Window<'_>,
        subjects: &BTreeSet<&str>,
        holes: &mut Holes,
    ) -> bool {
        let rows = self.coverage.get(&window).map_or(&[][..], Vec::as_slice);
        let mut is_covered = true;
        for names in sight.needed() {
            let is_there =
                |row: &&&CoverageRow| names.contains(&row.family.as_str()) && row.backend != "none";
            if !rows.iter().any(|row| is_there(&row)) {
                holes.unwatched += usize::from(is_covered);
                is_covered = false;
            }
        }
        for row in rows.iter().filter(|row| sight.concerns(&row.family)) {
            // A family that no probe watches is a hole where it is needed, and that was said above.
            if !sight.is_complete(row, subjects) && row.backend != "none" {
                holes.add(row);
                is_covered = false;
            }
        }
        is_covered
    }

    fn unread_endpoints(&self, subjects: &BTreeSet<&str>) -> Vec<String> {
        let rows = subjects
            .iter()
            .filter_map(|subject| self.endpoints.get(subject))
            .flatten();
        let unread = summed(rows.copied().filter(|row| hides_calls(row)));
        let mut sentences: Vec<_> = unread.iter().take(MAX_ENDPOINTS).map(sentence).collect();
        if let Some(more) = unread
            .len()
            .checked_sub(MAX_ENDPOINTS)
            .filter(|more| *more > 0)
        {
            sentences.push(format!("{more} more endpoints were not all read"));
        }
        sentences
    }
}

/// All endpoints that were talked to.
pub(super) fn endpoints(tables: &Tables) -> Vec<Endpoint> {
    summed(tables.endpoints.iter())
}

/// Whether calls to AWS may be among what was not read: it is one of AWS, or whose it is was not found out.
fn hides_calls(row: &EndpointRow) -> bool {
    !row.is_complete()
        && row
            .provider
            .as_deref()
            .is_none_or(|provider| provider == "aws")
}

fn summed<'a>(rows: impl Iterator<Item = &'a EndpointRow>) -> Vec<Endpoint> {
    let mut endpoints: BTreeMap<(&str, Option<&str>), Endpoint> = BTreeMap::new();
    for row in rows {
        let endpoint = endpoints
            .entry((&row.endpoint, row.provider.as_deref()))
            .or_insert_with(|| Endpoint {
                endpoint: row.endpoint.clone(),
                provider: row.provider.clone(),
                complete: true,
                ..Endpoint::default()
            });
        endpoint.subjects.insert(row.subject_id.clone());
        endpoint.connections = endpoint.connections.saturating_add(row.connections);
        endpoint.readable = endpoint.readable.saturating_add(row.readable);
        endpoint.decoded = endpoint.decoded.saturating_add(row.decoded);
        endpoint.complete &= row.is_complete();
        endpoint.reasons.extend(row.unreadable_reason.clone());
    }
    endpoints.into_values().collect()
}

fn sentence(endpoint: &Endpoint) -> String {
    let Endpoint {
        connections,
        decoded,
        ..
    } = endpoint;
    let reasons: Vec<_> = endpoint.reasons.iter().map(String::as_str).collect();
    let why = match reasons.as_slice() {
        [] => String::new(),
        reasons => format!(" ({})", reasons.join("; ")),
    };
    format!(
        "{}: {} of {connections} connections were not read to their end{why}",
        endpoint.endpoint,
        connections.saturating_sub(*decoded)
    )
}

/// What was not covered, by family.
#[derive(Default)]
struct Holes {
    unwatched: usize,
    families: BTreeMap<String, Hole>,
}

#[derive(Default)]
struct Hole {
    windows: usize,
    lost: u64,
    gap_us: u64,
    gap_reasons: BTreeSet<String>,
    disagrees: bool,
}

impl Holes {
    fn add(&mut self, row: &CoverageRow) {
        let hole = self.families.entry(row.family.clone()).or_default();
        hole.windows += 1;
        hole.lost = hole.lost.saturating_add(row.lost);
        hole.gap_us = hole.gap_us.saturating_add(row.gap_us);
        hole.gap_reasons.extend(row.gap_reason.clone());
        hole.disagrees |= row.seen != row.recorded.saturating_add(row.lost);
    }

    fn sentences(self, sight: Sight, windows: usize) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.unwatched > 0 {
            sentences.push(format!(
                "{} were not watched in {} of {windows} windows",
                sight.noun(),
                self.unwatched
            ));
        }
        for (family, hole) in self.families {
            let mut parts = Vec::new();
            if hole.lost > 0 {
                parts.push(format!("{} records were lost", hole.lost));
            }
            if hole.gap_us > 0 {
                parts.push(format!(
                    "nobody watched for {:.1} s",
                    std::time::Duration::from_micros(hole.gap_us).as_secs_f64()
                ));
            }
            parts.extend(hole.gap_reasons);
            if hole.disagrees || parts.is_empty() {
                parts.push("the counts do not agree".to_owned());
            }
            sentences.push(format!(
                "{family}: {} in {} of {windows} windows",
                parts.join(", "),
                hole.windows
            ));
        }
        sentences
    }
}

fn length_of_union(mut spans: Vec<(i64, i64)>) -> u64 {
    spans.sort_unstable();
    let mut length = 0_u64;
    let mut until = i64::MIN;
    for (start, end) in spans {
        let from = start.max(until);
        if end > from {
            length = length.saturating_add(end.abs_diff(from));
            until = end;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_several_windows_cover_counts_once() {
        assert_eq!(length_of_union(vec![(5, 10), (0, 6), (20, 21), (3, 4)]), 11);
        assert_eq!(length_of_union(vec![(9, 3)]), 0);
        assert_eq!(length_of_union(vec![(i64::MIN, i64::MAX)]), u64::MAX);
    }
}
