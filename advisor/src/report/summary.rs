//! What the rows say together: coverage by hook family, and accesses by subject, over all windows. It is
//! also the report's JSON form. How it looks on a terminal is `text`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use whittle_schemas::table::{
    CoverageRow, Outcome, SubjectRow, Surface, Tables, UsageRow, text::escape,
};

use super::time::rfc3339;

/// Everything that a report shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Start of the first window, RFC 3339 in UTC; null without windows.
    pub from: Option<String>,
    /// End of the last window.
    pub to: Option<String>,
    /// Nodes that recorded, as `cluster/node`.
    pub nodes: Vec<String>,
    /// Whether nothing was lost, left unwatched or left unread: only then is silence evidence.
    pub complete: bool,
    /// Files and windows of the data root that could not be read, so that their rows are missing here.
    pub unread: usize,
    /// One entry for each hook family.
    pub coverage: Vec<Family>,
    /// One entry for each subject, in the order in which they were seen first.
    pub subjects: Vec<Subject>,
}

/// What one hook family saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Family {
    /// Its name.
    pub family: String,
    /// Backends that saw it; several where nodes differ.
    pub backends: BTreeSet<String>,
    /// Why those were chosen.
    pub backend_reasons: BTreeSet<String>,
    /// Accesses counted in the kernel.
    pub seen: u64,
    /// Accesses in the tables.
    pub recorded: u64,
    /// Accesses lost.
    pub lost: u64,
    /// Of these, by reason; only reasons that there were.
    pub lost_by_reason: BTreeMap<&'static str, u64>,
    /// Accesses recorded with a path that is not whole.
    pub truncated: u64,
    /// How long nobody watched, in microseconds.
    pub gap_us: u64,
    /// Why.
    pub gap_reasons: BTreeSet<String>,
    /// Whether nothing was lost and nothing was left unwatched.
    pub complete: bool,
}

/// What one subject did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Subject {
    /// Its identity.
    pub subject_id: String,
    /// Its executable, escaped; null where no row of `subjects` describes it.
    pub executable: Option<String>,
    /// The script that the executable interpreted, escaped.
    pub script: Option<String>,
    /// User id; null where unknown.
    pub uid: Option<u32>,
    /// That user's name.
    pub user: Option<String>,
    /// Its workload, such as `Deployment shop/cart`, else its systemd unit.
    pub workload: Option<String>,
    /// How many instances of it were seen.
    pub instances: usize,
    /// What it touched.
    pub accesses: Vec<Access>,
}

/// What was done to one resource with one outcome.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Access {
    /// Kind of resource.
    pub surface: Surface,
    /// What was done.
    pub action: String,
    /// To what, escaped.
    pub resource: String,
    /// What further tells it apart, such as its kind, or that its path is not whole.
    pub resource_detail: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// With which error.
    pub error: Option<String>,
    /// As which identity.
    pub principal: Option<String>,
    /// How often.
    pub count: u64,
    /// When first, RFC 3339 in UTC.
    pub first_seen: String,
    /// When last.
    pub last_seen: String,
}

impl Summary {
    /// Sums up rows. With `only`, a part of an executable, script, user or subject id, other subjects are left out.
    #[must_use]
    pub fn of(tables: &Tables, only: Option<&str>) -> Self {
        let coverage = families(&tables.coverage);
        let mut subjects = subjects(tables);
        if let Some(part) = only {
            subjects.retain(|subject| subject.matches(part));
        }
        let windows = || {
            tables
                .coverage
                .iter()
                .map(|row| (row.window_start_us, row.window_end_us))
        };
        Self {
            from: windows().map(|(start, _)| start).min().map(rfc3339),
            to: windows().map(|(_, end)| end).max().map(rfc3339),
            nodes: tables
                .coverage
                .iter()
                .map(|row| format!("{}/{}", row.cluster, row.node))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            complete: !coverage.is_empty() && coverage.iter().all(|family| family.complete),
            unread: 0,
            coverage,
            subjects,
        }
    }

    /// The same, where so many files and windows could not be read. Nobody knows what was in them, so that
    /// no family is complete.
    #[must_use]
    pub fn without(mut self, unread: usize) -> Self {
        self.unread = unread;
        if unread > 0 {
            self.complete = false;
            for family in &mut self.coverage {
                family.complete = false;
            }
        }
        self
    }
}

impl Subject {
    fn matches(&self, part: &str) -> bool {
        let names = [
            Some(&self.subject_id),
            self.executable.as_ref(),
            self.script.as_ref(),
            self.user.as_ref(),
        ];
        names.into_iter().flatten().any(|name| name.contains(part))
    }
}

fn families(rows: &[CoverageRow]) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for row in rows {
        let index = families
            .iter()
            .position(|family| family.family == row.family)
            .unwrap_or_else(|| {
                families.push(Family {
                    family: row.family.clone(),
                    complete: true,
                    ..Family::default()
                });
                families.len() - 1
            });
        let family = &mut families[index];
        family.backends.insert(row.backend.clone());
        family.backend_reasons.insert(row.backend_reason.clone());
        family.seen += row.seen;
        family.recorded += row.recorded;
        family.lost += row.lost;
        family.truncated += row.truncated;
        family.gap_us += row.gap_us;
        family.gap_reasons.extend(row.gap_reason.clone());
        family.complete &= row.is_complete();
        for (reason, lost) in row.lost_by_reason() {
            if lost > 0 {
                *family.lost_by_reason.entry(reason).or_default() += lost;
            }
        }
    }
    families
}

/// What makes two usage rows of different windows the same access.
type Key<'a> = (
    Surface,
    &'a str,
    &'a [u8],
    Option<&'a str>,
    Outcome,
    Option<&'a str>,
    Option<&'a str>,
);

#[derive(Default)]
struct Gathered<'a> {
    row: Option<&'a SubjectRow>,
    instances: BTreeSet<&'a str>,
    first_seen_us: Option<i64>,
    accesses: BTreeMap<Key<'a>, (u64, i64, i64)>,
}

impl Gathered<'_> {
    fn saw(&mut self, first_seen_us: i64) {
        self.first_seen_us = Some(
            self.first_seen_us
                .map_or(first_seen_us, |first| first.min(first_seen_us)),
        );
    }
}

fn subjects(tables: &Tables) -> Vec<Subject> {
    let mut gathered: BTreeMap<&str, Gathered<'_>> = BTreeMap::new();
    for row in &tables.subjects {
        let subject = gathered.entry(&row.subject_id).or_default();
        subject.row = Some(row);
        subject.instances.insert(&row.instance_id);
        subject.saw(row.first_seen_us);
    }
    for row in &tables.usage {
        let subject = gathered.entry(&row.subject_id).or_default();
        subject.saw(row.first_seen_us);
        let access = subject
            .accesses
            .entry(key(row))
            .or_insert((0, i64::MAX, i64::MIN));
        *access = (
            access.0 + row.count,
            access.1.min(row.first_seen_us),
            access.2.max(row.last_seen_us),
        );
    }
    let mut ordered: Vec<_> = gathered.into_iter().collect();
    ordered.sort_by_key(|(_, subject)| subject.first_seen_us);
    ordered
        .into_iter()
        .map(|(id, gathered)| subject(id, gathered))
        .collect()
}

fn key(row: &UsageRow) -> Key<'_> {
    (
        row.surface,
        &row.action,
        &row.resource,
        row.resource_detail.as_deref(),
        row.outcome,
        row.error.as_deref(),
        row.principal.as_deref(),
    )
}

fn subject(id: &str, gathered: Gathered<'_>) -> Subject {
    let accesses = gathered
        .accesses
        .into_iter()
        .map(|(key, (count, first_us, last_us))| {
            let (surface, action, resource, detail, outcome, error, principal) = key;
            Access {
                surface,
                action: action.to_owned(),
                resource: escape(resource),
                resource_detail: detail.map(str::to_owned),
                outcome,
                error: error.map(str::to_owned),
                principal: principal.map(str::to_owned),
                count,
                first_seen: rfc3339(first_us),
                last_seen: rfc3339(last_us),
            }
        });
    let row = gathered.row;
    Subject {
        subject_id: id.to_owned(),
        executable: row.map(|row| escape(&row.executable)),
        script: row.and_then(|row| row.script.as_deref()).map(escape),
        uid: row.map(|row| row.uid),
        user: row.and_then(|row| row.user.clone()),
        workload: row.and_then(workload),
        instances: gathered.instances.len(),
        accesses: accesses.collect(),
    }
}

fn workload(row: &SubjectRow) -> Option<String> {
    let Some(name) = &row.workload_name else {
        return row.systemd_unit.clone();
    };
    let kind = row
        .workload_kind
        .as_ref()
        .map_or_else(String::new, |kind| format!("{kind} "));
    let namespace = row
        .workload_namespace
        .as_ref()
        .map_or_else(String::new, |namespace| format!("{namespace}/"));
    Some(format!("{kind}{namespace}{name}"))
}
