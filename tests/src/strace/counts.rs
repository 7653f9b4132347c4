//! How often each call was made, whatever it was for: by a log of strace, and by whittle's tables.

use std::collections::{BTreeMap, BTreeSet};

use whittle_schemas::table::{SubjectRow, Surface, Tables};

/// Calls by name.
pub type Counts = BTreeMap<String, u64>;

/// Calls in a log of `strace -f`: each line is a process and what it does. The first call is strace's own process
/// becoming the program.
#[must_use]
pub fn logged(log: &str) -> Counts {
    let mut counts = Counts::new();
    let calls = log.lines().filter_map(|line| {
        let (_, what) = line.trim_start().split_once(' ')?;
        let (name, _) = what.trim_start().split_once('(')?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        name.bytes().all(is_name).then(|| name.to_owned())
    });
    for name in calls.skip(1) {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// Calls that whittle counted, of the subjects that `is_of` takes.
pub fn counted(tables: &Tables, is_of: impl Fn(&SubjectRow) -> bool) -> Counts {
    let subjects = tables.subjects.iter().filter(|row| is_of(row));
    let subjects: BTreeSet<_> = subjects.map(|row| &row.subject_id).collect();
    let mut counts = Counts::new();
    for row in &tables.usage {
        if row.surface == Surface::Syscall && subjects.contains(&row.subject_id) {
            let name = String::from_utf8_lossy(&row.resource).into_owned();
            *counts.entry(name).or_default() += row.count;
        }
    }
    counts
}
