//! Cloud calls of each principal, summed up over all windows and subjects.

use std::collections::{BTreeMap, BTreeSet};

use whittle_schemas::table::{Outcome, Tables, UsageRow};

use super::identity::{Identities, Who, is_cloud, may_be_aws};

/// What one principal did.
#[derive(Debug, Default)]
pub(super) struct Actor<'a> {
    /// By action, then by resource.
    pub(super) uses: BTreeMap<&'a str, BTreeMap<&'a [u8], Use<'a>>>,
    /// Calls that may have been any of a service (`s3`), or any at all (None).
    pub(super) unmapped: BTreeMap<Option<&'a str>, Use<'a>>,
    /// Who acted as it.
    pub(super) subjects: BTreeSet<&'a str>,
    /// Regions that it called. None among them: not known for some call.
    pub(super) regions: BTreeSet<Option<&'a str>>,
    /// Accounts of its keys.
    pub(super) accounts: BTreeSet<&'a str>,
}

/// How often one thing was done, and how it ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Use<'a> {
    pub(super) allowed: u64,
    pub(super) failed: u64,
    pub(super) denied: u64,
    /// First and last of those that were not denied.
    pub(super) used_us: Option<(i64, i64)>,
    /// First and last of those that were denied.
    pub(super) denied_us: Option<(i64, i64)>,
    pub(super) subjects: BTreeSet<&'a str>,
    pub(super) errors: BTreeSet<&'a str>,
}

impl<'a> Use<'a> {
    pub(super) fn is_use(&self) -> bool {
        self.allowed > 0 || self.failed > 0
    }

    pub(super) fn add(&mut self, row: &'a UsageRow) {
        let (count, span) = match row.outcome {
            Outcome::Allowed => (&mut self.allowed, &mut self.used_us),
            Outcome::Failed => (&mut self.failed, &mut self.used_us),
            Outcome::Denied => (&mut self.denied, &mut self.denied_us),
        };
        *count = count.saturating_add(row.count);
        let (first, last) = span.get_or_insert((row.first_seen_us, row.last_seen_us));
        *first = (*first).min(row.first_seen_us);
        *last = (*last).max(row.last_seen_us);
        self.subjects.insert(&row.subject_id);
        self.errors.extend(row.error.as_deref());
    }
}

/// Everyone who was seen acting.
pub(super) fn actors<'a>(
    tables: &'a Tables,
    identities: &Identities<'_>,
) -> BTreeMap<Who, Actor<'a>> {
    let mut actors: BTreeMap<Who, Actor<'a>> = BTreeMap::new();
    // Most rows have the principal of the row before.
    let mut last: Option<(&UsageRow, Who)> = None;
    for row in tables.usage.iter().filter(|row| is_cloud(row)) {
        let who = match &last {
            Some((before, who))
                if before.principal == row.principal
                    && before.access_key_id == row.access_key_id =>
            {
                who.clone()
            }
            _ => identities.of_row(row),
        };
        let actor = actors.entry(who.clone()).or_default();
        actor.add(row);
        last = Some((row, who));
    }
    // A principal that a subject holds and did not call anything as was seen all the same.
    for row in &tables.subjects {
        for name in row
            .principals
            .iter()
            .flatten()
            .filter(|name| may_be_aws(name))
        {
            let actor = actors.entry(identities.named(name)).or_default();
            actor.subjects.insert(&row.subject_id);
        }
    }
    actors
}

impl<'a> Actor<'a> {
    fn add(&mut self, row: &'a UsageRow) {
        let action = row.action.as_str();
        let of = match action.strip_suffix(":*") {
            _ if action == "*" => self.unmapped.entry(None).or_default(),
            Some(service) => self.unmapped.entry(Some(service)).or_default(),
            None => {
                let of_action = self.uses.entry(action).or_default();
                of_action.entry(&row.resource).or_default()
            }
        };
        of.add(row);
        self.subjects.insert(&row.subject_id);
        self.regions.insert(row.region.as_deref());
        self.accounts.extend(row.account.as_deref());
    }
}
