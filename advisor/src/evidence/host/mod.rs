//! What the kernel grants each program, held against what it used: `capability` its capabilities, `mounts` mounts and
//! secrets, `process` its user, `no_new_privs` and seccomp. The same six statuses.

mod capability;
pub(crate) mod mounts;
mod process;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use whittle_schemas::table::{Outcome, SubjectRow, Surface, Tables, UsageRow, text::escape};

use super::{
    model::{Confidence, Evidence, Observation, Status, Subject},
    usage::Use,
    watch::{Sight, Watch},
};

/// What is known of one subject.
pub(super) struct Host<'a> {
    id: &'a str,
    rows: Vec<&'a SubjectRow>,
    usage: Vec<&'a UsageRow>,
    /// Rows of processes that its own started and that are other subjects, each after the row of its parent.
    children: Vec<(&'a SubjectRow, &'a SubjectRow)>,
}

/// All subjects that are asked for.
pub(super) fn subjects(
    tables: &Tables,
    watch: &Watch<'_>,
    chosen: Option<&BTreeSet<&str>>,
) -> Vec<Subject> {
    let mut hosts: BTreeMap<&str, Host<'_>> = BTreeMap::new();
    let mut by_parent: BTreeMap<(&str, u32), Vec<&SubjectRow>> = BTreeMap::new();
    for row in &tables.subjects {
        if let Some(parent) = row.parent_tgid {
            by_parent.entry((&row.node, parent)).or_default().push(row);
        }
        if chosen.is_none_or(|chosen| chosen.contains(row.subject_id.as_str())) {
            let host = hosts.entry(&row.subject_id).or_insert_with(|| Host {
                id: &row.subject_id,
                rows: Vec::new(),
                usage: Vec::new(),
                children: Vec::new(),
            });
            host.rows.push(row);
        }
    }
    for row in &tables.usage {
        if let Some(host) = hosts.get_mut(row.subject_id.as_str()) {
            host.usage.push(row);
        }
    }
    for host in hosts.values_mut() {
        for row in &host.rows {
            let children = by_parent.get(&(row.node.as_str(), row.tgid));
            let others = children.into_iter().flatten();
            let others = others.filter(|child| child.subject_id != row.subject_id);
            host.children.extend(others.map(|child| (*row, *child)));
        }
    }
    hosts
        .into_values()
        .map(|host| subject(&host, watch))
        .collect()
}

fn subject(host: &Host<'_>, watch: &Watch<'_>) -> Subject {
    let alone = BTreeSet::from([host.id]);
    let observe = |sight| watch.observation(sight, &alone);
    let capabilities = observe(Sight::Capability);
    let files = observe(Sight::File);
    let calls = observe(Sight::Syscall);
    let mut evidence = capability::evidence(host, &capabilities);
    let used_capability = evidence.iter().any(|entry| entry.status == Status::Used);
    evidence.extend(mounts::evidence(host, &files));
    evidence.extend(process::evidence(host, &files, &calls, used_capability));
    let granted = evidence
        .iter()
        .filter(|entry| !matches!(entry.status, Status::Ungranted | Status::Attempted));
    Subject {
        subject: host.id.to_owned(),
        name: name(host),
        granted: granted.count(),
        evidence,
        observation: together(capabilities, files, calls),
    }
}

fn name(host: &Host<'_>) -> String {
    let row = host.rows[0];
    let script = row.script.as_deref().map(escape);
    let script = script.map_or_else(String::new, |script| format!(" {script}"));
    format!("{}{script}", escape(&row.executable))
}

/// The worst of each. System calls are watched only where somebody asks for it, and what rests on them says so.
fn together(capabilities: Observation, files: Observation, calls: Observation) -> Observation {
    let mut all = capabilities;
    let calls = Some(calls).filter(|calls| calls.covered_us > 0);
    for one in [Some(files), calls].into_iter().flatten() {
        all.covered_us = all.covered_us.min(one.covered_us);
        for hole in one.holes {
            if !all.holes.contains(&hole) {
                all.holes.push(hole);
            }
        }
    }
    all
}

impl<'a> Host<'a> {
    fn of_surface(&self, surface: Surface) -> impl Iterator<Item = &'a UsageRow> {
        let usage = self.usage.iter().copied();
        usage.filter(move |row| row.surface == surface)
    }

    /// Rows that say something of one thing, summed up.
    fn sum(rows: impl Iterator<Item = &'a UsageRow>) -> Use<'a> {
        let mut sum = Use::default();
        for row in rows {
            sum.add(row);
        }
        sum
    }

    /// The union of sets of bits; None where no row knows one.
    fn bits(&self, of: impl Fn(&SubjectRow) -> Option<u64>) -> Option<u64> {
        let known = self.rows.iter().filter_map(|row| of(row));
        known.reduce(|all, one| all | one)
    }
}

/// Evidence on something granted: used, attempted, or what silence says.
fn of_grant(permission: &str, resource: &str, used: &Use<'_>, silence: Silence) -> Evidence {
    let (status, confidence, reason) = if used.is_use() {
        (Status::Used, Confidence::Observed, "it was used".to_owned())
    } else if used.denied > 0 && silence.0 == Status::Unused {
        let errors: Vec<_> = used.errors.iter().copied().collect();
        let reason = format!("denied each time ({})", errors.join(", "));
        (Status::Attempted, Confidence::Observed, reason)
    } else {
        silence
    };
    entry(permission, resource, used, status, confidence, &reason)
}

/// What a use that was not seen comes to.
type Silence = (Status, Confidence, String);

fn entry(
    permission: &str,
    resource: &str,
    used: &Use<'_>,
    status: Status,
    confidence: Confidence,
    reason: &str,
) -> Evidence {
    let (count, seen_us) = match status {
        Status::Attempted => (used.denied, used.denied_us),
        Status::Used | Status::Ungranted => {
            (used.allowed.saturating_add(used.failed), used.used_us)
        }
        Status::Implied | Status::Unused | Status::Unknown => (0, None),
    };
    let subjects = used.subjects.iter().filter(|_| count > 0);
    Evidence {
        permission: permission.into(),
        resource: resource.into(),
        status,
        count,
        seen_us,
        subjects: subjects.map(|subject| Arc::from(*subject)).collect(),
        confidence,
        reason: reason.into(),
    }
}

/// Whether a row is a use or an attempt that may have touched this: it did anything at all but find nothing there.
fn touched(row: &UsageRow) -> bool {
    row.outcome != Outcome::Failed
}
