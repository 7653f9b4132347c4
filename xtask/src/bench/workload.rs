//! The operations that are measured. What each does is in tests/bench/workload.c.

/// One operation.
pub(super) struct Workload {
    /// As tests/bench/workload.c calls it.
    pub(super) name: &'static str,
    /// As the page calls it.
    pub(super) title: &'static str,
    /// How many times it is done.
    pub(super) count: u32,
}

/// All, in the order of the table's columns.
pub(super) const WORKLOADS: &[Workload] = &[
    row("open", "open, again", 20_000),
    row("first", "open, first", 20_000),
    row("exec", "fork, exec, exit", 300),
    row("tcp", "TCP connect", 2_000),
    row("udp", "UDP sendto", 20_000),
    row("stat", "stat", 20_000),
];

const fn row(name: &'static str, title: &'static str, count: u32) -> Workload {
    Workload { name, title, count }
}
