//! What the guest prints of one operation under one observer.

/// Instructions of a number of operations, beside those of as long a time with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Figure {
    pub(super) observer: String,
    pub(super) workload: String,
    pub(super) count: i64,
    /// Of the whole machine: with one operation, and with `count` more.
    busy: [i64; 2],
    /// Of the program and its children alone.
    own: [i64; 2],
}

impl Figure {
    /// From `whittle-bench OBSERVER WORKLOAD COUNT BUSY BUSY OWN OWN`; None for any other line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("whittle-bench ")?.split_whitespace();
        let (observer, workload) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut number = || words.next()?.parse::<i64>().ok();
        let figure = Self {
            observer,
            workload,
            count: number().filter(|count| *count > 0)?,
            busy: [number()?, number()?],
            own: [number()?, number()?],
        };
        Some(figure)
    }

    /// Instructions an operation takes, whoever executes them.
    pub(super) fn each(&self) -> i64 {
        (self.busy[1] - self.busy[0]) / self.count
    }

    /// Instructions an operation takes of the program that does it.
    pub(super) fn each_own(&self) -> i64 {
        (self.own[1] - self.own[0]) / self.count
    }

    /// For whoever waits for the table.
    pub(super) fn line(&self) -> String {
        format!(
            "{:<18} {:<6} {:>9} instructions, {:>9} of them its own",
            self.observer,
            self.workload,
            self.each(),
            self.each_own()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_costs_what_a_stretch_with_it_takes_more() {
        let figure = Figure::parse("whittle-bench nobody open 100 500 1700 30 830");
        let figure = figure.expect("the line is a figure");
        assert_eq!((figure.each(), figure.each_own()), (12, 8));
    }

    #[test]
    fn other_lines_are_no_figures() {
        for line in [
            "",
            "whittle-vm: /payload/observe.sh nobody",
            "whittle-bench nobody open 100 500 1700 30",
            "whittle-bench nobody open 0 500 1700 30 830",
        ] {
            assert_eq!(Figure::parse(line), None, "{line}");
        }
    }
}
