//! What may be missing from a history: what `evidence` says was not covered or not read, and calls that are not known.

use std::collections::BTreeSet;

use whittle_schemas::table::{Surface, Tables};

use super::{History, is_unmapped};
use crate::evidence::watch::{Sight, Watch};

/// Why the history may not be whole, one sentence each; none where it is. `unread` files and windows of the data could not
/// be read.
pub(crate) fn holes(
    history: &History,
    tables: &Tables,
    sights: &[Sight],
    unread: usize,
) -> Vec<String> {
    let watch = Watch::of(tables, unread);
    let ids = history.subject_ids();
    let subjects: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    let mut holes = Vec::new();
    for sight in sights {
        for hole in watch.observation(*sight, &subjects).holes {
            if !holes.contains(&hole) {
                holes.push(hole);
            }
        }
    }
    holes.extend(unmapped(history));
    holes
}

fn unmapped(history: &History) -> Option<String> {
    let calls: u64 = history
        .on(Surface::Cloud)
        .filter(|access| is_unmapped(access.operation.as_deref()))
        .map(|access| access.count)
        .sum();
    (calls > 0).then(|| format!("{calls} calls ask for operations that are not known"))
}
