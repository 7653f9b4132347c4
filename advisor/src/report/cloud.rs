//! The section about calls to a cloud: what was asked for, by the identity that asked. An ARN is no path: nothing of it is
//! folded but many resources of one action into one line.

use std::collections::BTreeMap;

use super::{
    page::{Page, Paint},
    summary::Access,
};

/// More resources of one action than this take one line.
const FOLD_OVER: usize = 6;

/// Writes the calls that were let through; `heading` and `words` come before.
pub(super) fn calls(page: &mut Page, accesses: &[&Access], words: impl Fn(&Access) -> String) {
    let mut principals: BTreeMap<Option<&str>, BTreeMap<String, Vec<&Access>>> = BTreeMap::new();
    for access in accesses {
        let actions = principals.entry(access.principal.as_deref()).or_default();
        actions.entry(words(access)).or_default().push(access);
    }
    for (principal, actions) in principals {
        let who = principal.map_or_else(
            || "without a signature".to_owned(),
            |principal| format!("as {principal}"),
        );
        page.line(2, &page.paint(Paint::Dim, &who));
        for (words, accesses) in actions {
            resources(page, &words, &accesses);
        }
    }
}

fn resources(page: &mut Page, words: &str, accesses: &[&Access]) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for access in accesses {
        *counts.entry(&access.resource).or_default() += access.count;
    }
    if counts.len() > FOLD_OVER && !page.style.all {
        let count = counts.values().sum();
        let first = counts.keys().next().copied().unwrap_or_default();
        let folded = format!("{} resources, the first {first}", counts.len());
        page.entry(count, &format!("{words}  "), &folded);
        return;
    }
    for (resource, count) in counts {
        page.entry(count, &format!("{words}  "), resource);
    }
}
