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
    /// Whether a build is measured under it.
    pub(super) is_for_builds: bool,
}

impl Observer {
    /// How many times a workload is done under this observer.
    pub(super) fn count(&self, workload: &Workload) -> u32 {
        (workload.count / self.divisor).max(1)
    }
}

/// What the others are compared with.
pub(super) const NOBODY: Observer = building("nobody", "nobody");

/// All, in the order of the table's rows.
pub(super) const OBSERVERS: &[Observer] = &[
    NOBODY,
    row("empty", "empty programs (bpftrace, `/0/`)", 1),
    building("whittle", "**`whittle record`**"),
    building("whittle-syscalls", "`whittle record --syscalls`"),
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
        is_for_builds: false,
    }
}

const fn building(name: &'static str, title: &'static str) -> Observer {
    Observer {
        name,
        title,
        divisor: 1,
        is_for_builds: true,
    }
}
