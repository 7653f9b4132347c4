//! What recordings saw and lost, by hook family and CPU: the table `coverage` of a data root, summed up.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use whittle_schemas::table::CoverageRow;

/// What was seen and lost of one hook family.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Coverage {
    family: String,
    windows: usize,
    /// Windows in which something is missing.
    incomplete: usize,
    seen: u64,
    recorded: u64,
    lost: u64,
    /// Of these, the ones of which it is not known whose they were.
    lost_unattributed: u64,
    lost_by_reason: BTreeMap<&'static str, u64>,
    /// How many subjects are known to have lost something.
    subjects: usize,
    map_full: u64,
    truncated: u64,
    unwatched_us: u64,
    /// By the number of the CPU.
    cpus: Vec<Cpu>,
}

/// What one CPU counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Cpu {
    seen: u64,
    lost: u64,
}

/// One entry per family, in the order in which they come.
pub(super) fn of(rows: &[CoverageRow]) -> Vec<Coverage> {
    let mut all: Vec<Coverage> = Vec::new();
    let mut losers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        let known = all.iter().position(|one| one.family == row.family);
        let place = known.unwrap_or_else(|| {
            all.push(Coverage {
                family: row.family.clone(),
                ..Coverage::default()
            });
            all.len() - 1
        });
        all[place].add(row);
        let ids = row.lost_subjects.iter().flatten().map(String::as_str);
        losers.entry(&row.family).or_default().extend(ids);
    }
    for one in &mut all {
        one.subjects = losers.get(one.family.as_str()).map_or(0, BTreeSet::len);
    }
    all
}

impl Coverage {
    fn add(&mut self, row: &CoverageRow) {
        self.windows += 1;
        self.incomplete += usize::from(!row.is_complete());
        let sums = [
            (&mut self.seen, row.seen),
            (&mut self.recorded, row.recorded),
            (&mut self.lost, row.lost),
            (&mut self.map_full, row.map_full),
            (&mut self.truncated, row.truncated),
            (&mut self.unwatched_us, row.gap_us),
            (
                &mut self.lost_unattributed,
                row.lost_unattributed.unwrap_or(row.lost),
            ),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
        for (reason, lost) in row.lost_by_reason() {
            if lost > 0 {
                let sum = self.lost_by_reason.entry(reason).or_default();
                *sum = sum.saturating_add(lost);
            }
        }
        self.add_cpus(row.seen_by_cpu.as_deref(), |cpu| &mut cpu.seen);
        self.add_cpus(row.lost_by_cpu.as_deref(), |cpu| &mut cpu.lost);
    }

    fn add_cpus(&mut self, counts: Option<&[u64]>, of: fn(&mut Cpu) -> &mut u64) {
        let counts = counts.unwrap_or_default();
        if self.cpus.len() < counts.len() {
            self.cpus.resize(counts.len(), Cpu::default());
        }
        for (cpu, count) in self.cpus.iter_mut().zip(counts) {
            let sum = of(cpu);
            *sum = sum.saturating_add(*count);
        }
    }

    /// Why something is missing.
    fn words(&self) -> String {
        let reasons = self.lost_by_reason.iter();
        let mut parts: Vec<_> = reasons
            .map(|(reason, lost)| format!("{reason} {lost}"))
            .collect();
        if self.lost > 0 {
            parts.push(format!(
                "of {} subjects, and {} of nobody who is known",
                self.subjects, self.lost_unattributed
            ));
        }
        let on = self.cpus.iter().enumerate();
        let on: Vec<_> = on
            .filter(|(_, cpu)| cpu.lost > 0)
            .map(|(number, cpu)| format!("CPU {number} {} of {}", cpu.lost, cpu.seen))
            .collect();
        if !on.is_empty() {
            parts.push(on.join(", "));
        }
        if self.unwatched_us > 0 {
            let unwatched = std::time::Duration::from_micros(self.unwatched_us);
            parts.push(format!(
                "nobody watched for {:.1} s",
                unwatched.as_secs_f64()
            ));
        }
        parts.join("; ")
    }
}

/// As a table for people.
pub(super) fn text(all: &[Coverage]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([
        "hook family",
        "windows",
        "not complete",
        "seen",
        "recorded",
        "lost",
        "map full",
        "paths cut",
        "",
    ]);
    for one in all {
        table.add_row([
            one.family.clone(),
            one.windows.to_string(),
            one.incomplete.to_string(),
            one.seen.to_string(),
            one.recorded.to_string(),
            one.lost.to_string(),
            one.map_full.to_string(),
            one.truncated.to_string(),
            one.words(),
        ]);
    }
    for column in table.column_iter_mut().skip(1).take(7) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("What was seen and lost:\n\n{table}\n")
}

#[cfg(test)]
mod tests {
    use whittle_schemas::table::sample;

    use super::*;

    #[test]
    fn losses_are_summed_by_family_reason_and_cpu_and_said_of_whom_they_were() {
        let row = |lost: u64, loser: &str, on: [u64; 2]| CoverageRow {
            seen: 100,
            recorded: 100 - lost,
            lost,
            lost_ring_full: lost,
            lost_subjects: Some(vec![loser.to_owned()]),
            lost_unattributed: Some(1),
            seen_by_cpu: Some(vec![40, 60]),
            lost_by_cpu: Some(on.to_vec()),
            ..sample::coverage()
        };
        let rows = [row(5, "a", [0, 5]), row(3, "b", [0, 3]), sample::coverage()];
        let all = of(&rows);
        let [files] = all.as_slice() else {
            panic!("one family: {all:?}");
        };
        assert_eq!((files.windows, files.incomplete), (3, 2));
        assert_eq!((files.seen, files.recorded, files.lost), (200, 192, 8));
        assert_eq!(
            files.words(),
            "ring full 8; of 2 subjects, and 2 of nobody who is known; CPU 1 8 of 120"
        );
        assert!(text(&all).contains("ring full 8"));
    }
}
