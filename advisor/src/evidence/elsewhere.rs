//! Signs that a principal is used where nobody watches: then no silence here is evidence.

use std::collections::BTreeSet;

use whittle_schemas::table::Tables;

use super::{
    Grants, LastUsed, Options,
    identity::{Identities, Who, is_meant},
    usage::{self, Actor},
    watch::Watch,
};

/// Clocks of the provider and of a node may differ by this much.
const CLOCK_SKEW_US: i64 = 300_000_000;

/// How it is known that the principal with this ARN is used where nobody watches; None where nothing says so, or where it is not
/// in the data. Of the options only `used_elsewhere` and `principal_of` matter.
#[must_use]
pub fn used_elsewhere(
    principal: &str,
    tables: &Tables,
    grants: &Grants,
    options: &Options,
) -> Option<String> {
    let identities = Identities::of(tables, grants, options);
    let actors = usage::actors(tables, &identities);
    let actor = actors.get(&Who::Principal(principal.to_owned()))?;
    let last_used = grants
        .holder(principal)
        .and_then(|holder| holder.last_used.as_ref());
    let watch = Watch::of(tables, options.unread);
    sentence(principal, last_used, actor, &watch, options)
}

/// A sentence on how it is known that the principal is used elsewhere; None where nothing says so.
pub(super) fn sentence(
    arn: &str,
    last_used: Option<&LastUsed>,
    actor: &Actor<'_>,
    watch: &Watch<'_>,
    options: &Options,
) -> Option<String> {
    let said = |name: &String| is_meant(arn, name);
    if options.used_elsewhere.iter().any(said) {
        return Some("it is used elsewhere, as --used-elsewhere says".to_owned());
    }
    let last = last_used?;
    let was_watched = watch.spans(&actor.subjects).any(|(start, end)| {
        let from = start.saturating_sub(CLOCK_SKEW_US);
        (from..=end.saturating_add(CLOCK_SKEW_US)).contains(&last.at_us)
    });
    if !was_watched {
        return Some(
            "RoleLastUsed of the export names a time when nobody watched it here: it is used elsewhere".to_owned(),
        );
    }
    let region = last.region.as_deref()?;
    let called: BTreeSet<_> = actor.regions.iter().collect();
    let is_other = !called.is_empty() && !called.contains(&None) && !called.contains(&Some(region));
    is_other.then(|| {
        format!("RoleLastUsed of the export names {region}, where it was not seen calling: it is used elsewhere")
    })
}
