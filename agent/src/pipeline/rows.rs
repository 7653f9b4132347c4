//! The rows of a window that has ended: its usage, its subjects, and a coverage that hides nothing.

use std::collections::HashMap;

use whittle_schemas::{
    record::Family,
    table::{CoverageRow, SubjectRow, Tables},
};

use crate::{
    kernel::{Backend, Counts, Plan},
    model::Subject,
    sink::{Alike, Each},
    window::{FamilyCoverage, Frame, Window, coverage_row, subject_row, usage_row},
};

use super::backend_name;

/// The usage of a window, but for its calls.
pub(super) fn usage<'a>(
    window: &'a Window,
    frame: &'a Frame,
    sources: &'a Sources,
) -> impl Iterator<Item = Alike<'a, impl Iterator<Item = Each<'a>>>> {
    window.alike().filter_map(|mut usages| {
        let all = usages.clone();
        let first = usages.next()?;
        let source = &sources.0[first.doing.deed.family as usize];
        Some(Alike {
            like: usage_row(first, frame, source),
            rows: all.map(|usage| Each {
                resource: usage.resource,
                count: usage.count,
                first_seen_us: frame.clock.utc_us(usage.first_boottime_ns),
                last_seen_us: frame.clock.utc_us(usage.last_boottime_ns),
            }),
        })
    })
}

/// Who saw what is in a table: hook family and backend.
pub(super) struct Sources([String; Family::ALL.len()]);

impl Sources {
    pub(super) fn of(plan: &Plan) -> Self {
        let source = |family: Family| format!("{}/{}", family.name(), backend_name(plan, family));
        Self(Family::ALL.map(source))
    }
}

/// The other rows of a window. `counted` is what the kernel counted in it.
pub(super) fn tables(window: &Window, frame: &Frame, plan: &Plan, counted: &Counts) -> Tables {
    let coverage = plan.families.iter().map(|family| {
        let losers: Vec<_> = window.losers(family.family).collect();
        let by_cpu = || counted.by_cpu(family.family);
        let coverage = FamilyCoverage {
            family: family.family,
            backend: family.backend.map_or("none", Backend::name),
            reason: &family.reason,
            counted: &|reason| counted.get(family.family, reason),
            recorded: window.recorded(family.family),
            unresolved: window.unresolved(family.family),
            losers: &losers,
            seen_by_cpu: by_cpu().map(|cpu| cpu.seen).collect(),
            lost_by_cpu: by_cpu().map(|cpu| cpu.lost).collect(),
        };
        coverage_row(coverage, frame)
    });
    Tables {
        usage: Vec::new(),
        subjects: subjects(window, frame),
        coverage: coverage.collect(),
        endpoints: Vec::new(),
    }
}

/// Tells the log what came through the ring, of how many accesses. Connections' bytes are no accesses: all of them come so.
pub(super) fn log_traffic(window: &Window, coverage: &[CoverageRow]) {
    let accesses = coverage
        .iter()
        .filter(|row| row.family != Family::Payload.name());
    let (mut seen, mut recorded, mut lost) = (0, 0, 0);
    for row in accesses {
        seen += row.seen;
        recorded += row.recorded;
        lost += row.lost;
    }
    tracing::debug!(ring = window.sent(), seen, recorded, lost, "window");
}

/// One row per subject and instance, and per what it was granted, seen from its first to its last access.
fn subjects(window: &Window, frame: &Frame) -> Vec<SubjectRow> {
    let mut seen: HashMap<_, (&Subject, u64, u64)> = HashMap::new();
    let accesses = window.seen().map(|instance| {
        let times = (instance.first_boottime_ns, instance.last_boottime_ns);
        (&*instance.subject, times)
    });
    let calls = window.calls.usages().iter().map(|usage| {
        let times = (usage.first_boottime_ns, usage.last_boottime_ns);
        (&*usage.subject, times)
    });
    let talked = window.calls.endpoints().filter_map(|(subject, endpoint)| {
        let times = endpoint.seen_boottime_ns?;
        Some((&**subject, times))
    });
    for (subject, (first, last)) in accesses.chain(calls).chain(talked) {
        let entry = seen
            .entry((
                &subject.subject_id,
                &subject.instance.id,
                &subject.instance.grants,
                subject.instance.mount_ns,
            ))
            .or_insert((subject, first, last));
        entry.1 = entry.1.min(first);
        entry.2 = entry.2.max(last);
    }
    let mut rows: Vec<_> = seen
        .into_values()
        .map(|(subject, first, last)| {
            subject_row(
                subject,
                frame,
                frame.clock.utc_us(first),
                frame.clock.utc_us(last),
            )
        })
        .collect();
    rows.sort_by(|one, two| {
        one.first_seen_us
            .cmp(&two.first_seen_us)
            .then_with(|| one.subject_id.cmp(&two.subject_id))
    });
    rows
}

/// Counts records that could not be decoded as lost, and returns how many are left over.
///
/// What such a record said of its family cannot be believed. But an access in it was counted in the kernel and
/// nowhere else: the family that lacks one is the one that lost it. Left over are records that held no access.
pub(super) fn explain(coverage: &mut [CoverageRow], mut undecodable: u64) -> u64 {
    for row in coverage {
        let lost = row
            .seen
            .saturating_sub(row.recorded + row.lost)
            .min(undecodable);
        row.lost += lost;
        row.lost_unresolved += lost;
        row.lost_unattributed = row.lost_unattributed.map(|before| before + lost);
        undecodable -= lost;
    }
    undecodable
}

/// Says that what was seen for so long before the window could not be written.
pub(super) fn state_gap(coverage: &mut [CoverageRow], unwritten_us: u64) {
    for row in coverage {
        row.gap_us += unwritten_us;
        row.gap_reason = Some("a window before this one could not be written".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use whittle_schemas::record::Family;

    use super::*;
    use crate::sink::tests::coverage;

    /// A family of which the kernel counted so many, of which so many are in the table.
    fn family(family: Family, seen: u64, recorded: u64) -> CoverageRow {
        CoverageRow {
            seen,
            recorded,
            ..coverage(family)
        }
    }

    #[test]
    fn an_access_that_could_not_be_decoded_is_lost_from_the_family_that_lacks_one() {
        // Three of each family were lost for a full ring.
        let mut rows = [
            family(Family::Process, 13, 10),
            family(Family::File, 15, 10),
            family(Family::Socket, 14, 10),
        ];
        assert_eq!(explain(&mut rows, 4), 1);
        let lost: Vec<_> = rows
            .iter()
            .map(|row| (row.lost, row.lost_unresolved))
            .collect();
        assert_eq!(lost, [(3, 0), (5, 2), (4, 1)]);
        assert!(rows.iter().all(|row| row.seen == row.recorded + row.lost));
    }

    #[test]
    fn what_nothing_explains_stays_a_difference_in_the_counts() {
        let mut rows = [family(Family::File, 20, 10)];
        assert_eq!(explain(&mut rows, 0), 0);
        assert_eq!(rows[0], family(Family::File, 20, 10));
        assert!(!rows[0].is_complete());
    }

    #[test]
    fn no_window_after_one_that_was_not_written_is_complete() {
        let mut rows = [CoverageRow {
            lost: 0,
            lost_ring_full: 0,
            ..family(Family::File, 10, 10)
        }];
        assert!(rows[0].is_complete());
        state_gap(&mut rows, 60_000_000);
        assert!(!rows[0].is_complete());
        assert_eq!(rows[0].gap_us, 60_000_000);
    }
}
