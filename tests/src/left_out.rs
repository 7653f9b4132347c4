//! What may be missing from a recording because the kernel left a probe out, as Linux 7.3 does where it has preempted the same one:
//! no more than is counted as lost for it. What was found must be right all the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use anyhow::{Result, ensure};
use whittle_schemas::{record::Family, table::Tables};

/// Accesses that are counted as lost because a probe was left out, or had no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut(pub u64);

impl LeftOut {
    /// Of these families, in the whole recording.
    #[must_use]
    pub fn of(tables: &Tables, families: &[Family]) -> Self {
        let is_one = |name: &str| families.iter().any(|family| family.name() == name);
        let rows = tables.coverage.iter().filter(|row| is_one(&row.family));
        Self(rows.map(|row| row.lost_nested).sum())
    }

    /// Nothing that is not expected was found, and all that is, but for what was left out.
    ///
    /// # Errors
    /// Something else was found, or more is missing.
    pub fn explains<T: Ord + Debug>(
        self,
        found: &BTreeSet<T>,
        expected: &BTreeSet<T>,
    ) -> Result<()> {
        let once = |set: &BTreeSet<T>| set.iter().map(|one| (format!("{one:?}"), 1)).collect();
        self.explains_times(&once(found), &once(expected))
    }

    /// As [`Self::explains`], for what was found several times.
    ///
    /// # Errors
    /// Something was found too often, or more is missing than was left out.
    pub fn explains_times(
        self,
        found: &BTreeMap<String, u64>,
        expected: &BTreeMap<String, u64>,
    ) -> Result<()> {
        let times =
            |map: &BTreeMap<String, u64>, what: &str| map.get(what).copied().unwrap_or_default();
        for (what, count) in found {
            let most = times(expected, what);
            ensure!(
                *count <= most,
                "{what} was found {count} times and not {most}"
            );
        }
        let missing: BTreeMap<_, _> = expected
            .iter()
            .map(|(what, count)| (what, count - times(found, what)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let all: u64 = missing.values().sum();
        if all > 0 {
            println!("missing: {missing:?}; counted as left out: {}", self.0);
        }
        ensure!(
            all <= self.0,
            "missing, and only {} are counted as left out: {missing:#?}",
            self.0
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::LeftOut;

    #[test]
    fn no_more_may_be_missing_than_was_left_out_and_nothing_more_found() {
        let set = |numbers: &[u8]| numbers.iter().copied().collect::<BTreeSet<_>>();
        let is_explained = |left_out, found: &[u8]| {
            LeftOut(left_out)
                .explains(&set(found), &set(&[1, 2, 3]))
                .is_ok()
        };
        assert!(is_explained(0, &[1, 2, 3]));
        assert!(!is_explained(0, &[1, 2]));
        assert!(is_explained(1, &[1, 2]));
        assert!(!is_explained(1, &[1]));
        assert!(!is_explained(9, &[1, 2, 3, 4]));
    }
}
