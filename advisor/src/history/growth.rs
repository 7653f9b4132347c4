//! Whether a history has stopped growing. Time alone says nothing: only starts, and windows in which something was used, count.

use std::collections::BTreeSet;

use super::{History, WindowId, window_of_subject};
use crate::report::words::counted;

/// Fewer runs than this are too few, whatever they did.
pub const MIN_RUNS: usize = 3;

/// How much was seen, and since when nothing new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// Windows in which an instance of the subjects was seen for the first time.
    pub runs: usize,
    /// Windows in which something was used.
    pub windows: usize,
    /// How many of the last of these used nothing new.
    pub quiet_windows: usize,
}

impl Growth {
    /// The growth of `needs`: for each thing needed, the windows that used it.
    #[must_use]
    pub fn of<'a>(history: &History, needs: impl Iterator<Item = &'a BTreeSet<WindowId>>) -> Self {
        let mut used: BTreeSet<&WindowId> = BTreeSet::new();
        let mut newest: Option<&WindowId> = None;
        for windows in needs {
            newest = newest.max(windows.first());
            used.extend(windows);
        }
        Self {
            runs: runs(history),
            windows: used.len(),
            quiet_windows: newest.map_or(0, |newest| {
                used.iter().filter(|window| **window > newest).count()
            }),
        }
    }

    /// What is missing until this is enough; None where it is.
    #[must_use]
    pub fn lacks(&self) -> Option<String> {
        if self.windows == 0 {
            return Some("nothing was used".to_owned());
        }
        if self.runs < MIN_RUNS {
            return Some(format!(
                "{} so far, and {MIN_RUNS} is the least: record more",
                counted(self.runs, "run")
            ));
        }
        let enough = self.windows.div_ceil(MIN_RUNS).max(2);
        (self.quiet_windows < enough).then(|| {
            format!(
                "the last {} of {} used nothing new, and {enough} is the least: record more",
                counted(self.quiet_windows, "window"),
                self.windows
            )
        })
    }

    /// What a history that is enough rests on, with how likely the next window brings something new (at 95 %, by the rule of three).
    #[must_use]
    pub fn rests_on(&self) -> String {
        let bound = (300 / self.quiet_windows.max(1)).min(100);
        format!(
            "{} in {} that used something, the last {} of which used nothing new: fewer than {bound} % of such windows bring something new, at 95 % confidence",
            counted(self.runs, "run"),
            counted(self.windows, "window"),
            self.quiet_windows
        )
    }
}

fn runs(history: &History) -> usize {
    let mut rows: Vec<_> = history
        .subjects
        .iter()
        .map(|row| (window_of_subject(row), &row.instance_id))
        .collect();
    rows.sort();
    let mut known = BTreeSet::new();
    let mut starts = BTreeSet::new();
    for (window, instance) in rows {
        if known.insert(instance) {
            starts.insert(window);
        }
    }
    starts.len()
}
