//! The operations that are measured. What each does is in tests/bench/workload.c.

use super::observer::Observer;

/// One operation.
pub(super) struct Workload {
    /// As tests/bench/workload.c calls it.
    pub(super) name: &'static str,
    /// As the page calls it.
    pub(super) title: &'static str,
    /// How many times it is done.
    pub(super) count: u32,
    /// Seconds of the guest's that this takes at most, and of a window.
    pub(super) window: u32,
}

impl Workload {
    /// Whether it is measured under this observer: emulated, a build under those that stop each call takes an hour.
    pub(super) fn is_for(&self, observer: &Observer) -> bool {
        self.name != BUILD || observer.is_for_builds
    }
}

/// The one that is a whole program's work.
pub(super) const BUILD: &str = "build";

/// All, in the order of the table's columns.
pub(super) const WORKLOADS: &[Workload] = &[
    row("open", "open, again", 20_000),
    row("first", "open, first", 20_000),
    row("exec", "fork, exec, exit", 2_000),
    row("tcp", "TCP connect", 2_000),
    row("udp", "UDP sendto", 20_000),
    row("read", "lseek, read", 20_000),
    row("stat", "stat", 20_000),
    Workload {
        name: BUILD,
        title: "a build",
        count: 1,
        window: 60,
    },
];

const fn row(name: &'static str, title: &'static str, count: u32) -> Workload {
    Workload {
        name,
        title,
        count,
        window: 10,
    }
}
