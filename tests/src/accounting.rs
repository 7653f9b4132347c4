//! What must be true of the tables of every recording, whatever was recorded.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use whittle_schemas::{record::Family, table::Tables};

use crate::recorded::whittle;

/// Holds the tables to whittle's promises: nothing is lost in silence, and whittle is no subject.
///
/// # Errors
/// One of them is broken.
pub fn check(tables: &Tables) -> Result<()> {
    every_family_is_covered(tables)?;
    what_was_seen_is_recorded_or_lost(tables)?;
    whittle_is_no_subject(tables)
}

/// How much of one family was lost.
#[must_use]
pub fn lost(tables: &Tables, family: Family) -> u64 {
    let rows = tables
        .coverage
        .iter()
        .filter(|row| row.family == family.name());
    rows.map(|row| row.lost).sum()
}

/// Why a kernel before 6.15 without trampolines, or told not to use them, has no checks of capabilities to show.
pub const NO_TRACEPOINT: &str = "before Linux 6.15 there is no tracepoint of capability checks";

/// Why a family is watched by the exits of system calls where kprobes were asked for.
const NO_MORE: &str = "kprobes would see no more";

fn every_family_is_covered(tables: &Tables) -> Result<()> {
    for family in Family::ALL {
        let mut rows = tables
            .coverage
            .iter()
            .filter(|row| row.family == family.name())
            .peekable();
        // Nothing is said of system calls where nobody asked for them.
        if family == Family::Syscall && rows.peek().is_none() {
            continue;
        }
        ensure!(
            rows.peek().is_some(),
            "coverage has no row about family {}",
            family.name()
        );
        for row in rows {
            if family == Family::Capability && row.backend_reason.ends_with(NO_TRACEPOINT) {
                continue;
            }
            ensure!(
                row.backend != "none",
                "family {} was not watched: {}",
                row.family,
                row.backend_reason
            );
            if family == Family::Syscall {
                // One hook, with every backend.
                continue;
            }
            if let Ok(wanted) = std::env::var("WHITTLE_BACKEND") {
                let is_more = wanted == "kprobe" && row.backend_reason.contains(NO_MORE);
                ensure!(
                    row.backend == wanted || is_more && row.backend == "syscall",
                    "family {} was watched by {}, not {wanted}",
                    row.family,
                    row.backend
                );
            }
        }
    }
    Ok(())
}

fn what_was_seen_is_recorded_or_lost(tables: &Tables) -> Result<()> {
    let mut used: BTreeMap<_, u64> = BTreeMap::new();
    for row in &tables.usage {
        *used
            .entry((row.window_start_us, row.source.clone()))
            .or_default() += row.count;
    }
    for row in &tables.coverage {
        let (family, start) = (&row.family, row.window_start_us);
        ensure!(
            row.seen == row.recorded + row.lost,
            "family {family}: {} seen, but {} recorded and {} lost",
            row.seen,
            row.recorded,
            row.lost
        );
        let reasons = [
            row.lost_ring_full,
            row.lost_subject_unknown,
            row.lost_object_unknown,
            row.lost_nested,
            row.lost_unsupported,
            row.lost_unresolved,
        ];
        let reasons: u64 = reasons.iter().sum();
        ensure!(
            row.lost == reasons,
            "family {family}: {} lost, but {reasons} with a reason",
            row.lost
        );
        let of_cpus = |by_cpu: &Option<Vec<u64>>| by_cpu.iter().flatten().sum::<u64>();
        ensure!(
            of_cpus(&row.seen_by_cpu) <= row.seen && of_cpus(&row.lost_by_cpu) <= row.lost,
            "family {family}: the CPUs counted more than all: {row:?}"
        );
        ensure!(
            row.lost_unattributed.is_some_and(|lost| lost <= row.lost),
            "family {family}: it is not said whose the losses are: {row:?}"
        );
        if *family == Family::Payload.name() {
            // Its records are parts of conversations: accesses come out of several, or none.
            continue;
        }
        let source = format!("{family}/{}", row.backend);
        let counted = used.remove(&(start, source.clone())).unwrap_or(0);
        ensure!(
            row.recorded == counted,
            "family {family}: {} recorded by coverage, but the usage rows of {source} count {counted}",
            row.recorded
        );
    }
    ensure!(
        used.is_empty(),
        "usage rows without a coverage row: {used:?}"
    );
    Ok(())
}

fn whittle_is_no_subject(tables: &Tables) -> Result<()> {
    let whittle = whittle()?.get_program().as_encoded_bytes().to_vec();
    for row in &tables.subjects {
        ensure!(
            row.executable != whittle,
            "whittle recorded itself as subject {}",
            row.subject_id
        );
    }
    for row in &tables.usage {
        let known = tables
            .subjects
            .iter()
            .any(|subject| subject.subject_id == row.subject_id);
        ensure!(
            known,
            "usage names subject {}, which is in no row of subjects",
            row.subject_id
        );
    }
    Ok(())
}
