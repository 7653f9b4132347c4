//! Whether a recommendation may be put to use: the rule that docs/recommendations.md states.

use std::collections::BTreeSet;

use whittle_schemas::{
    document::recommendation::{ReplayCounts, Status},
    table::{Surface, Tables},
};

use crate::history::{Growth, History, Identities, Who, is_principal};

/// `ready` takes complete evidence that has stopped growing, and a replay that denies nothing. A hole makes it `held`, too
/// little evidence `draft`. Each comes with its reasons.
pub(super) fn status(
    mut holes: Vec<String>,
    growth: &Growth,
    replay: ReplayCounts,
) -> (Status, Vec<String>) {
    if replay.denied > 0 {
        holes.push(format!(
            "replay denies {} accesses that were used",
            replay.denied
        ));
    }
    if replay.depends > 0 {
        holes.push(format!(
            "{} accesses hang on context that was not observed",
            replay.depends
        ));
    }
    let lacks = growth.lacks();
    if !holes.is_empty() {
        holes.extend(lacks);
        return (Status::Held, holes);
    }
    match lacks {
        Some(lacks) => (Status::Draft, vec![lacks]),
        None => (Status::Ready, vec![growth.rests_on()]),
    }
}

/// Whether the identity is known, and was used by nobody else than those asked for.
pub(super) fn identity(
    history: &History,
    tables: &Tables,
    principal: Option<&String>,
) -> Option<String> {
    let principal = principal?;
    if !is_principal(principal) {
        return Some(format!(
            "whose key {principal} is was not observed: say it with --principal-of {principal}=ARN"
        ));
    }
    if matches!(history.who, Who::Principal(_)) {
        return None;
    }
    let identities = Identities::of(tables);
    let own = history.subject_ids();
    let others: BTreeSet<&str> = tables
        .usage
        .iter()
        .filter(|row| row.surface == Surface::Cloud)
        .filter(|row| {
            let acted_as = identities.principal(row);
            acted_as.as_ref() == Some(principal) && !history.who.made(row, acted_as.as_deref())
        })
        .map(|row| row.subject_id.as_str())
        .collect();
    (!others.is_empty()).then(|| {
        let elsewhere = others.iter().filter(|id| !own.contains(**id)).count();
        format!(
            "{principal} was used elsewhere too, by {elsewhere} other subjects or with other keys: recommend with --for {principal}"
        )
    })
}
