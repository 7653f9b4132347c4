//! Who watches while an operation is measured. How each is started is in tests/bench/observe.sh.

use super::workload::Workload;

/// One observer.
pub(super) struct Observer {
    /// As tests/bench/observe.sh calls it.
    pub(super) name: &'static str,
    /// As the page calls it.
    pub(super) title: &'static str,
    /// Operations are done one in this many times: emulation takes its time.
    divisor: u32,
}

impl Observer {
    /// How many times a workload is done under this observer.
    pub(super) fn count(&self, workload: &Workload) -> u32 {
        workload.count / self.divisor
    }
}

/// What the others are compared with.
pub(super) const NOBODY: Observer = row("nobody", "nobody", 1);

/// All, in the order of the table's rows.
pub(super) const OBSERVERS: &[Observer] = &[
    NOBODY,
    row("empty", "empty programs (bpftrace, `/0/`)", 1),
    row("whittle", "**`whittle record`**", 1),
    row("whittle-syscalls", "`whittle record --syscalls`", 1),
    row("whittle-another", "`whittle record`, of another process", 1),
    row("count", "bpftrace, counting", 1),
    row("stream", "bpftrace, a line each", 4),
    row("strace", "strace", 10),
    row("auditd", "auditd", 10),
];

const fn row(name: &'static str, title: &'static str, divisor: u32) -> Observer {
    Observer {
        name,
        title,
        divisor,
    }
}
