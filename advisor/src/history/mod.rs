//! What somebody did, over all windows: the rows of the tables that are about them, merged, with what was seen of the times in
//! between. `who` finds whom a name means, `cloud` which identity a call was made as, `hole` what may be missing, `growth`
//! whether there is enough of it. Pure.

mod cloud;
mod growth;
mod hole;
#[cfg(test)]
pub(crate) mod tests;
mod who;

use std::collections::{BTreeMap, BTreeSet};

use whittle_schemas::table::{Outcome, SubjectRow, Surface, Tables, UsageRow, text::escape};

pub use self::{
    cloud::{Identities, UNMAPPED, is_principal, is_unmapped},
    growth::{Growth, MIN_RUNS},
    who::{Error, Who},
};
pub(crate) use self::{hole::holes, who::name};

/// A window of one node, in the order of time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowId {
    /// When it started.
    pub start_us: i64,
    /// Cluster and node.
    pub place: (String, String),
}

/// What was done to one resource with one outcome, over all windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// Kind of resource.
    pub surface: Surface,
    /// What was done.
    pub action: String,
    /// To what.
    pub resource: Vec<u8>,
    /// How it ended.
    pub outcome: Outcome,
    /// What further tells it apart.
    pub detail: Option<String>,
    /// As which cloud identity; None for accesses to the host and for calls that nobody signed.
    pub principal: Option<String>,
    /// Operation that a request asked for.
    pub operation: Option<String>,
    /// Region that it was signed for.
    pub region: Option<String>,
    /// Who did it.
    pub subjects: BTreeSet<String>,
    /// When.
    pub windows: BTreeSet<WindowId>,
    /// How often.
    pub count: u64,
    /// When first.
    pub first_us: i64,
    /// When last.
    pub last_us: i64,
}

impl Access {
    /// The resource as text that a terminal can show.
    #[must_use]
    pub fn shown(&self) -> String {
        escape(&self.resource)
    }

    /// Whether it is evidence of a need: a denied request is not a use.
    #[must_use]
    pub fn is_use(&self) -> bool {
        self.outcome != Outcome::Denied
    }
}

/// All that is recorded of somebody.
#[derive(Clone, Debug)]
pub struct History {
    /// Whose it is.
    pub who: Who,
    /// What they did, ordered.
    pub accesses: Vec<Access>,
    /// The subjects that did it, one row for each instance and window.
    pub subjects: Vec<SubjectRow>,
    /// Windows in which one of them was there.
    pub windows: BTreeSet<WindowId>,
}

impl History {
    /// The cloud calls of somebody.
    #[must_use]
    pub fn of_cloud(who: &Who, tables: &Tables) -> Self {
        let identities = Identities::of(tables);
        let rows = tables.usage.iter().filter(|row| {
            row.surface == Surface::Cloud && who.made(row, identities.principal(row).as_deref())
        });
        Self::of(who, tables, rows, &identities)
    }

    /// What happened on the host in the containers of somebody, or in their control groups where there are no containers.
    #[must_use]
    pub fn of_host(who: &Who, tables: &Tables) -> Self {
        let identities = Identities::of(tables);
        let inside = who.workload(tables, &identities);
        let rows = tables
            .usage
            .iter()
            .filter(|row| row.surface != Surface::Cloud && inside.contains(&row.subject_id));
        Self::of(who, tables, rows, &identities)
    }

    fn of<'a>(
        who: &Who,
        tables: &Tables,
        rows: impl Iterator<Item = &'a UsageRow>,
        identities: &Identities,
    ) -> Self {
        let mut merged: BTreeMap<Key, Access> = BTreeMap::new();
        for row in rows {
            let principal = identities.principal(row);
            let access = merged
                .entry(key(row, principal.as_deref()))
                .or_insert_with(|| first(row, principal));
            access.count = access.count.saturating_add(row.count);
            access.first_us = access.first_us.min(row.first_seen_us);
            access.last_us = access.last_us.max(row.last_seen_us);
            access.subjects.insert(row.subject_id.clone());
            access.windows.insert(window_of_usage(row));
        }
        let accesses: Vec<Access> = merged.into_values().collect();
        let ids: BTreeSet<&String> = accesses
            .iter()
            .flat_map(|access| &access.subjects)
            .collect();
        let subjects: Vec<SubjectRow> = tables
            .subjects
            .iter()
            .filter(|row| ids.contains(&row.subject_id))
            .cloned()
            .collect();
        let mut windows: BTreeSet<WindowId> = subjects.iter().map(window_of_subject).collect();
        windows.extend(accesses.iter().flat_map(|access| access.windows.clone()));
        Self {
            who: who.clone(),
            accesses,
            subjects,
            windows,
        }
    }

    /// Ids of the subjects that did something.
    #[must_use]
    pub fn subject_ids(&self) -> BTreeSet<String> {
        let ids = self.accesses.iter().flat_map(|access| &access.subjects);
        ids.cloned().collect()
    }

    /// The accesses of one kind.
    pub fn on(&self, surface: Surface) -> impl Iterator<Item = &Access> {
        self.accesses
            .iter()
            .filter(move |access| access.surface == surface)
    }
}

/// What makes rows of different windows the same access. Ordered, so that everything made of it is the same for the same rows.
type Key = (
    Surface,
    String,
    Vec<u8>,
    Outcome,
    Option<String>,
    Option<String>,
    bool,
);

fn key(row: &UsageRow, principal: Option<&str>) -> Key {
    (
        row.surface,
        row.action.clone(),
        row.resource.clone(),
        row.outcome,
        principal.map(str::to_owned),
        row.region.clone(),
        is_unmapped(row.operation.as_deref()),
    )
}

fn first(row: &UsageRow, principal: Option<String>) -> Access {
    Access {
        surface: row.surface,
        action: row.action.clone(),
        resource: row.resource.clone(),
        outcome: row.outcome,
        detail: row.resource_detail.clone(),
        principal,
        operation: row.operation.clone(),
        region: row.region.clone(),
        subjects: BTreeSet::new(),
        windows: BTreeSet::new(),
        count: 0,
        first_us: row.first_seen_us,
        last_us: row.last_seen_us,
    }
}

fn window_of_usage(row: &UsageRow) -> WindowId {
    WindowId {
        start_us: row.window_start_us,
        place: (row.cluster.clone(), row.node.clone()),
    }
}

fn window_of_subject(row: &SubjectRow) -> WindowId {
    WindowId {
        start_us: row.window_start_us,
        place: (row.cluster.clone(), row.node.clone()),
    }
}
