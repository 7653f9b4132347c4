//! Which actions a report should show first: lists of `policy_sentry`, with the names that the table of actions has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The lists, the graver first: an action that is in two counts as the graver.
const LISTS: [(&str, &str); 3] = [
    ("escalation", "privilege-escalation.txt"),
    ("credentials", "credentials-exposure.txt"),
    ("exposure", "resource-exposure.txt"),
];

/// Lines of `KIND SERVICE:NAME`. Names that are no action (any more) are left out and printed.
pub(super) fn table(package: &Path, names: &BTreeMap<String, String>) -> Result<String> {
    let folder = package.join("policy_sentry/shared/data/audit");
    let mut seen = BTreeSet::new();
    let mut table = String::new();
    for (kind, file) in LISTS {
        let path = folder.join(file);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for name in text.lines().map(str::trim).filter(|name| !name.is_empty()) {
            match names.get(&name.to_lowercase()) {
                Some(full) if seen.insert(full) => writeln!(table, "{kind}\t{full}")?,
                Some(_) => {}
                None => println!("{file}: {name} is no action any more, left out"),
            }
        }
    }
    Ok(table)
}
