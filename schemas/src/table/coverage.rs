//! Table `coverage`: what could be seen in a window, and what was lost, for each hook family.

use super::{
    column::{Nullable, Required},
    kind::{List, Number, Numbers, Text, Time},
    table,
};

table! {
    /// What one hook family saw on one node in one window: `seen` is `recorded` plus `lost`.
    CoverageRow is "coverage" {
        /// Start of the window that the row belongs to.
        "window_start", window_start_us: i64 = Required<Time>;
        /// End of the window that the row belongs to.
        "window_end", window_end_us: i64 = Required<Time>;
        /// Name of the cluster, or of the place where `whittle record` ran.
        "cluster", cluster: String = Required<Text>;
        /// Name of the node.
        "node", node: String = Required<Text>;
        /// Hook family: `process`, `file`, `socket` or `payload`; `cloud` for calls, which come out of `payload`.
        "family", family: String = Required<Text>;
        /// How the family's probes were attached: `trampoline`, `kprobe`, `syscall`, or `none`.
        "backend", backend: String = Required<Text>;
        /// Why that backend was chosen.
        "backend_reason", backend_reason: String = Required<Text>;
        /// Accesses that reached the probes, counted in the kernel.
        "seen", seen: u64 = Required<Number<u64>>;
        /// Accesses that are in table `usage`, counted there; of family `payload`, records of connections that arrived.
        "recorded", recorded: u64 = Required<Number<u64>>;
        /// Accesses that were lost, for all reasons together.
        "lost", lost: u64 = Required<Number<u64>>;
        /// Lost because the ring had no room.
        "lost_ring_full", lost_ring_full: u64 = Required<Number<u64>>;
        /// Lost because who acted could not be told.
        "lost_subject_unknown", lost_subject_unknown: u64 = Required<Number<u64>>;
        /// Lost because what was touched could not be told.
        "lost_object_unknown", lost_object_unknown: u64 = Required<Number<u64>>;
        /// Lost because probes had interrupted each other too deeply.
        "lost_nested", lost_nested: u64 = Required<Number<u64>>;
        /// Lost because the backend cannot decode this form, such as a 32-bit system call.
        "lost_unsupported", lost_unsupported: u64 = Required<Number<u64>>;
        /// Lost because what the kernel counted could not be matched with a description of it.
        "lost_unresolved", lost_unresolved: u64 = Required<Number<u64>>;
        /// Accesses that found the usage map full and went through the ring; not lost.
        "map_full", map_full: u64 = Required<Number<u64>>;
        /// Accesses recorded with a path that is not whole.
        "truncated", truncated: u64 = Required<Number<u64>>;
        /// How long, in the window or before it, nobody watched or nothing could be written, in microseconds.
        "gap_us", gap_us: u64 = Required<Number<u64>>;
        /// Why; null without a gap.
        "gap_reason", gap_reason: Option<String> = Nullable<Text>;
        /// Ids of the subjects that lost something, as far as that is known.
        "lost_subjects", lost_subjects: Option<Vec<String>> = Nullable<List>;
        /// Of the lost accesses, those of which it is not known whose they were: they may be anybody's.
        "lost_unattributed", lost_unattributed: Option<u64> = Nullable<Number<u64>>;
        /// Of `seen`, what each CPU counted, CPU 0 first; what is not known to be one's is missing here.
        "seen_by_cpu", seen_by_cpu: Option<Vec<u64>> = Nullable<Numbers>;
        /// Of `lost`, what the kernel lost on each CPU.
        "lost_by_cpu", lost_by_cpu: Option<Vec<u64>> = Nullable<Numbers>;
    }
}

impl CoverageRow {
    /// Whether nothing was lost, the counts agree, and somebody watched all the time: only then does silence
    /// say something.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.lost == 0 && self.adds_up()
    }

    /// As [`Self::is_complete`], for one subject: whether all losses are known to be others'.
    #[must_use]
    pub fn is_complete_for(&self, subject_id: &str) -> bool {
        let is_others = match (&self.lost_subjects, self.lost_unattributed) {
            (Some(losers), Some(0)) => losers.iter().all(|loser| loser != subject_id),
            _ => self.lost == 0,
        };
        is_others && self.adds_up()
    }

    /// What was lost by each reason, with the reason's words, whether anything was or not.
    #[must_use]
    pub fn lost_by_reason(&self) -> [(&'static str, u64); 6] {
        [
            ("ring full", self.lost_ring_full),
            ("subject unknown", self.lost_subject_unknown),
            ("object unknown", self.lost_object_unknown),
            ("nested", self.lost_nested),
            ("unsupported", self.lost_unsupported),
            ("unresolved", self.lost_unresolved),
        ]
    }

    fn adds_up(&self) -> bool {
        self.backend != "none"
            && self.seen == self.recorded.saturating_add(self.lost)
            && self.gap_us == 0
            && self.gap_reason.is_none()
    }
}
