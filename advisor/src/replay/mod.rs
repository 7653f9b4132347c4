//! What recorded accesses would have met under a proposed policy. `policy` tells the kinds of documents apart, `aws`,
//! `seccomp` and `security_context` answer for theirs, `text` shows the result. Pure.

mod aws;
mod policy;
mod seccomp;
mod security_context;
#[cfg(test)]
mod tests;
pub mod text;

use std::collections::BTreeMap;

use whittle_schemas::document::{Replay, recommendation::ReplayCounts, replay::Replayed};

pub use self::policy::{Error, Policies};
use crate::{
    history::{Access, History},
    report::time::rfc3339,
};

/// What a policy answers to an access.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// The policy says nothing of such accesses.
    NotAsked,
    Allowed(String),
    /// With what decides, or what is missing.
    Denied(String),
    /// With what decides, and keys of the context.
    Depends(String, Vec<String>),
    /// With the reason.
    NotReplayed(String),
}

/// Replays a history against policies.
#[must_use]
pub fn replay(asked_for: Option<&str>, history: &History, policies: &Policies) -> Replay {
    let mut found = Replay {
        asked_for: asked_for.map(str::to_owned),
        policies: policies.names().to_vec(),
        ..Replay::default()
    };
    let mut merged: BTreeMap<(usize, String, String, String), (Replayed, i64)> = BTreeMap::new();
    for (access, answer) in answers(history, policies) {
        let (list, decided_by, missing_context) = match (answer, access.is_use()) {
            (Answer::NotAsked, _) => continue,
            (Answer::Allowed(_), true) => {
                found.counts.allowed += 1;
                continue;
            }
            (Answer::Denied(by), true) => {
                found.counts.denied += 1;
                (0, by, Vec::new())
            }
            (Answer::Depends(by, missing), true) => {
                found.counts.depends += 1;
                (1, by, missing)
            }
            (Answer::NotReplayed(why), true) => {
                found.counts.not_replayed += 1;
                (2, why, Vec::new())
            }
            (Answer::Denied(by), false) => (3, by, Vec::new()),
            (Answer::Allowed(by) | Answer::NotReplayed(by) | Answer::Depends(by, _), false) => {
                (4, by, Vec::new())
            }
        };
        // Accesses that differ in what the policy does not ask for are one to whoever reads the list.
        let key = (
            list,
            access.action.clone(),
            access.shown(),
            decided_by.clone(),
        );
        let (replayed, last_us) = merged.entry(key).or_insert_with(|| {
            let replayed = Replayed {
                action: access.action.clone(),
                resource: access.shown(),
                count: 0,
                last_seen: String::new(),
                decided_by,
                missing_context,
            };
            (replayed, i64::MIN)
        });
        replayed.count += access.count;
        *last_us = access.last_us.max(*last_us);
    }
    for ((list, ..), (mut replayed, last_us)) in merged {
        replayed.last_seen = rfc3339(last_us);
        let list = match list {
            0 => &mut found.denied,
            1 => &mut found.depends,
            2 => &mut found.not_replayed,
            3 => &mut found.denied_before,
            _ => &mut found.denied_before_only,
        };
        list.push(replayed);
    }
    let counts = &mut found.counts;
    counts.replayed = counts.allowed + counts.denied + counts.depends;
    found.verdict = verdict(counts);
    found
}

/// A replay in numbers.
#[must_use]
pub fn counts(history: &History, policies: &Policies) -> ReplayCounts {
    replay(None, history, policies).counts
}

fn answers<'a>(
    history: &'a History,
    policies: &'a Policies,
) -> impl Iterator<Item = (&'a Access, Answer)> {
    let runner = policies.for_history(history);
    history
        .accesses
        .iter()
        .map(move |access| (access, runner.answer(access)))
}

fn verdict(counts: &ReplayCounts) -> String {
    let ReplayCounts {
        replayed,
        denied,
        depends,
        not_replayed,
        ..
    } = *counts;
    let mut verdict = vec![match (replayed, denied) {
        (0, _) => "Nothing was replayed: the history has no access that these policies are about"
            .to_owned(),
        (_, 0) => format!(
            "Zero denials: of {replayed} different accesses that were used, none would have been denied"
        ),
        _ => format!(
            "{denied} of {replayed} different accesses that were used would have been denied"
        ),
    }];
    if depends > 0 {
        verdict.push(format!("{depends} hang on context that was not observed"));
    }
    if not_replayed > 0 {
        verdict.push(format!("{not_replayed} more could not be replayed"));
    }
    verdict.join("; ")
}
