//! What whittle says of its windows in the guest: how many accesses there were, and how many of them came through the ring.

use indicatif::HumanCount;

use super::workload::BUILD;

/// One window's, or several windows' together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    observer: String,
    workload: String,
    ring: u64,
    seen: u64,
    recorded: u64,
    lost: u64,
}

impl Traffic {
    /// From `whittle-window OBSERVER WORKLOAD ring=N seen=N recorded=N lost=N`; None for any other line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("whittle-window ")?.split_whitespace();
        let (observer, workload) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut number = |name: &str| {
            let value = words.next()?.strip_prefix(name)?;
            value.strip_prefix('=')?.parse::<u64>().ok()
        };
        Some(Self {
            observer,
            workload,
            ring: number("ring")?,
            seen: number("seen")?,
            recorded: number("recorded")?,
            lost: number("lost")?,
        })
    }

    fn add(&mut self, other: &Self) {
        self.ring += other.ring;
        self.seen += other.seen;
        self.recorded += other.recorded;
        self.lost += other.lost;
    }

    fn sentence(&self) -> String {
        let count = |number| HumanCount(number).to_string();
        // In hundredths of a percent, rounded up.
        let share = (self.ring * 10_000).div_ceil(self.seen.max(1));
        format!(
            "With `{}`, of {} accesses in the builds {} ({}.{:02} %) came through the ring; {} were lost, {} are unaccounted for.",
            self.observer,
            count(self.seen),
            count(self.ring),
            share / 100,
            share % 100,
            count(self.lost),
            count(self.seen.abs_diff(self.recorded + self.lost))
        )
    }
}

/// A line for each observer's builds, with what all its windows had.
pub(super) fn of_builds(windows: &[Traffic]) -> String {
    let mut sums: Vec<Traffic> = Vec::new();
    for window in windows.iter().filter(|window| window.workload == BUILD) {
        match sums.iter_mut().find(|sum| sum.observer == window.observer) {
            Some(sum) => sum.add(window),
            None => sums.push(window.clone()),
        }
    }
    let lines = sums.iter().map(|sum| sum.sentence() + "\n");
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_one_observers_builds_are_added() {
        let lines = [
            "whittle-window whittle build ring=10 seen=900 recorded=899 lost=1",
            "whittle-window whittle open ring=1 seen=5 recorded=5 lost=0",
            "whittle-window whittle build ring=5 seen=600 recorded=598 lost=1",
            "whittle-window whittle build ring=5",
            "whittle-bench whittle build 1 2 3 4 5",
        ];
        let windows: Vec<_> = lines
            .iter()
            .filter_map(|line| Traffic::parse(line))
            .collect();
        assert_eq!(windows.len(), 3);
        assert_eq!(
            of_builds(&windows),
            "With `whittle`, of 1,500 accesses in the builds 15 (1.00 %) came through the ring; 2 were lost, 1 are unaccounted for.\n"
        );
    }
}
