//! Usage held against grants: what was used, attempted, implied, unused, unknown or ungranted, and how sure that is.
//!
//! [`assess`] is the whole of it: rows and [`Grants`] in, a [`Report`] out. `usage` sums up who used what, `identity` who is
//! meant, `granted` expands policies, `watch` says how well somebody was watched, `cloud` and `host` decide the status, with
//! `verdict`, `implied`, `possible` and `elsewhere` for its reasons.
//! Pure. Reading of files, the JSON form and the terminal are `report`.

mod cloud;
mod elsewhere;
mod glob;
mod granted;
mod grants;
pub(crate) mod host;
pub(crate) mod identity;
pub(crate) mod implied;
mod model;
mod possible;
#[cfg(test)]
mod tests;
mod usage;
mod verdict;
pub(crate) mod watch;

use std::collections::BTreeSet;

use whittle_schemas::table::Tables;

pub use self::{
    elsewhere::used_elsewhere,
    granted::{Granted, GrantedOn, granted, unmatched},
    grants::{Grants, Holder, LastUsed},
    model::{
        Confidence, Endpoint, Evidence, Observation, Principal, Report, Status, Subject, Tally,
        rounded,
    },
};

/// What the user says besides the rows and the grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only this principal: an ARN, a name, or an access key.
    pub principal: Option<String>,
    /// Only subjects whose executable, script, user or id contains this, and principals that they act as.
    pub subject: Option<String>,
    /// Access keys, and the ARN of whom each belongs to.
    pub principal_of: Vec<(String, String)>,
    /// Principals, by ARN or name, that are used where nobody watches.
    pub used_elsewhere: Vec<String>,
    /// Files and windows that could not be read: with any, no silence is evidence.
    pub unread: usize,
}

/// Most entries for principals that were not seen at all, in one report. Those of further ones are listed by the patterns
/// of their policies instead of action by action: an account may have hundreds of roles, and nothing is known of any.
pub const MAX_UNSEEN: usize = 100_000;

/// Holds usage against grants.
///
/// Entries are by principal and permission: each used or attempted action with the resource that it touched, each other
/// granted action with the resource as the grant has it. The status of each is decided as DESIGN section 2 defines it, and
/// `unused` is only said where the windows of all subjects that act as the principal are covered completely.
#[must_use]
pub fn assess(tables: &Tables, grants: &Grants, options: &Options) -> Report {
    let identities = identity::Identities::of(tables, grants, options);
    let actors = usage::actors(tables, &identities);
    let watch = watch::Watch::of(tables, options.unread);
    let chosen = chosen_subjects(tables, options.subject.as_deref());
    let mut report = Report {
        endpoints: watch::endpoints(tables),
        ..Report::default()
    };
    let all = cloud::Cloud {
        grants,
        actors: &actors,
        watch: &watch,
        options,
    };
    all.principals(chosen.as_ref(), &mut report);
    report.subjects = host::subjects(tables, &watch, chosen.as_ref());
    report
}

/// Who was seen acting: ARNs, and access keys of which nobody knows whose they are.
#[must_use]
pub fn acting(tables: &Tables, grants: &Grants, options: &Options) -> Vec<String> {
    let identities = identity::Identities::of(tables, grants, options);
    let actors = usage::actors(tables, &identities);
    let name = |who: &identity::Who| match who {
        identity::Who::Principal(name) | identity::Who::Key(name) => Some(name.clone()),
        identity::Who::Unsigned => None,
    };
    actors.keys().filter_map(name).collect()
}

/// Gives the ARN to policies whose principal the user called by its name only, where the rows show whose that is.
pub fn name_policies(tables: &Tables, grants: &mut Grants, options: &Options) {
    for holder in &mut grants.holders {
        if holder.arn.starts_with("arn:") {
            continue;
        }
        let acting = acting(tables, &Grants::default(), options);
        let mut meant = acting
            .iter()
            .filter(|arn| identity::is_meant(arn, &holder.arn));
        if let (Some(arn), None) = (meant.next(), meant.next()) {
            holder.arn.clone_from(arn);
        }
    }
}

/// Ids of the subjects that are asked for; None for all.
fn chosen_subjects<'a>(tables: &'a Tables, part: Option<&str>) -> Option<BTreeSet<&'a str>> {
    let part = part?;
    let of_row = |row: &whittle_schemas::table::SubjectRow| {
        let contains = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(part);
        row.subject_id.contains(part)
            || contains(&row.executable)
            || row.script.as_deref().is_some_and(contains)
            || row.user.as_ref().is_some_and(|user| user.contains(part))
    };
    let rows = tables.subjects.iter().filter(|row| of_row(row));
    Some(rows.map(|row| row.subject_id.as_str()).collect())
}
