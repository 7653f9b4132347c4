//! Signs that a principal is used where nobody watches: then no silence here is evidence.

use std::collections::BTreeSet;

use super::{Options, grants::Holder, identity::is_meant, usage::Actor, watch::Watch};

/// Clocks of the provider and of a node may differ by this much.
const CLOCK_SKEW_US: i64 = 300_000_000;

/// A sentence on how it is known that the principal is used elsewhere; None where nothing says so.
pub(super) fn sentence(
    holder: &Holder,
    actor: &Actor<'_>,
    watch: &Watch<'_>,
    options: &Options,
) -> Option<String> {
    let said = |name: &String| is_meant(&holder.arn, name);
    if options.used_elsewhere.iter().any(said) {
        return Some("it is used elsewhere, as --used-elsewhere says".to_owned());
    }
    let last = holder.last_used.as_ref()?;
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
