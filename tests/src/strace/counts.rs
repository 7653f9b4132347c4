//! How often each call was made, whatever it was for: by a log of strace, and by whittle's tables.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use whittle_schemas::table::{SubjectRow, Surface, Tables};

/// Calls by name.
pub type Counts = BTreeMap<String, u64>;

/// What a log says of calls.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Logged {
    /// All that strace printed.
    pub calls: Counts,
    /// Those of them whose threads were killed before they ended. strace stops a thread before the kernel makes its call: one
    /// that is killed then never makes it, and strace prints it as it prints one that was killed in its middle.
    pub cut_off: Counts,
}

impl Logged {
    /// Whether another observer counted what was logged, each call as often, but for what may never have been made.
    ///
    /// # Errors
    /// Names the calls that differ.
    pub fn agrees(&self, counted: &Counts) -> Result<()> {
        let of = |counts: &Counts, name: &String| counts.get(name).copied().unwrap_or(0);
        let names: BTreeSet<_> = self.calls.keys().chain(counted.keys()).collect();
        let differing: Vec<_> = names
            .into_iter()
            .map(|name| (name, of(counted, name), of(&self.calls, name)))
            .filter(|(name, counted, most)| {
                let least = most - of(&self.cut_off, name);
                !(least..=*most).contains(counted)
            })
            .collect();
        ensure!(
            differing.is_empty(),
            "counted and logged differ (name, counted, logged): {differing:?}; cut off: {:?}",
            self.cut_off
        );
        Ok(())
    }
}

/// Calls in a log of `strace -f`: each line is a process and what it does. The first call is strace's own process
/// becoming the program.
#[must_use]
pub fn logged(log: &str) -> Logged {
    let mut logged = Logged::default();
    let lines = log
        .lines()
        .filter_map(|line| line.trim_start().split_once(' '));
    let mut is_first = true;
    for (_, what) in lines {
        let what = what.trim_start();
        let Some((name, is_start)) = name(what) else {
            continue;
        };
        if is_start && !std::mem::take(&mut is_first) {
            *logged.calls.entry(name.to_owned()).or_default() += 1;
        }
        // The call of an exit has no other end.
        if what.ends_with(" = ?") && !name.starts_with("exit") {
            *logged.cut_off.entry(name.to_owned()).or_default() += 1;
        }
    }
    logged
}

/// The call that is told of, and whether its start is.
fn name(what: &str) -> Option<(&str, bool)> {
    let (name, is_start) = match what.strip_prefix("<... ") {
        Some(end) => (end.split_once(" resumed>")?.0, false),
        None => (what.split_once('(')?.0, true),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(is_name).then_some((name, is_start))
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

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "7 execve(\"/bin/a\", [\"a\"], 0x1 /* 3 vars */) = 0\n\
         7 futex(0x1, FUTEX_WAKE, 1) = 1\n\
         7 futex(0x1, FUTEX_WAIT, 0, NULL <unfinished ...>\n\
         8 execve(\"/bin/b\", [\"b\"], 0x1 /* 3 vars */ <unfinished ...>\n\
         7 <... futex resumed>) = ?\n\
         7 +++ superseded by execve in pid 8 +++\n\
         7 <... execve resumed>) = 0\n\
         7 nanosleep({tv_sec=1}, NULL) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)\n\
         7 exit_group(0) = ?\n";

    fn counts(all: &[(&str, u64)]) -> Counts {
        let all = all.iter();
        all.map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }

    #[test]
    fn a_call_whose_thread_was_killed_may_never_have_been_made() {
        let logged = logged(LOG);
        assert_eq!(logged.cut_off, counts(&[("futex", 1)]));
        for futex in [1, 2] {
            let counted = [
                ("futex", futex),
                ("execve", 1),
                ("nanosleep", 1),
                ("exit_group", 1),
            ];
            logged.agrees(&counts(&counted)).expect("the same calls");
        }
    }

    #[test]
    fn any_other_call_that_is_missing_or_too_many_is_a_difference() {
        let logged = logged(LOG);
        let right = [
            ("futex", 2),
            ("execve", 1),
            ("nanosleep", 1),
            ("exit_group", 1),
        ];
        for index in 0..right.len() {
            for wrong in [0, right[index].1 + 1] {
                let mut counted = right;
                counted[index].1 = wrong;
                let error = logged
                    .agrees(&counts(&counted))
                    .expect_err("they differ")
                    .to_string();
                assert!(error.contains(right[index].0), "{error}");
            }
        }
        let more = [right.to_vec(), vec![("mmap", 1)]].concat();
        logged.agrees(&counts(&more)).expect_err("nobody logged it");
    }
}
