//! What the kernel counted about itself, summed over the CPUs.

use aya::{
    Ebpf,
    maps::{MapData, PerCpuArray},
};
use whittle_schemas::record::{
    Family,
    counter::{Reason, index},
};

use super::KernelError;

const NAME: &str = "COUNTS";

/// The kernel's counters.
pub struct Counters {
    map: PerCpuArray<MapData, u64>,
}

/// A reading: totals of one generation since the probes were loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts([[u64; Reason::ALL.len()]; Family::ALL.len()]);

impl Counts {
    /// No count at all: what the counters say before the first access.
    pub const ZERO: Self = Self([[0; Reason::ALL.len()]; Family::ALL.len()]);

    /// One counter.
    #[must_use]
    pub fn get(&self, family: Family, reason: Reason) -> u64 {
        self.0[family as usize][reason as usize]
    }

    /// Adds accesses that the probes did not see, for the kernel left them out; by the number of the family.
    #[must_use]
    pub fn with_missed(mut self, missed: [u64; Family::ALL.len()]) -> Self {
        for (counts, missed) in self.0.iter_mut().zip(missed) {
            counts[Reason::Seen as usize] += missed;
            counts[Reason::Nested as usize] += missed;
        }
        self
    }

    /// What was counted since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut difference = *self;
        let pairs = difference.0.iter_mut().flatten();
        let pairs = pairs.zip(earlier.0.iter().flatten());
        pairs.for_each(|(now, then)| *now = now.saturating_sub(*then));
        difference
    }
}

impl Counters {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, KernelError> {
        let map = object.take_map(NAME).ok_or(KernelError::Incomplete(NAME))?;
        let map =
            PerCpuArray::try_from(map).map_err(|cause| KernelError::Map { map: NAME, cause })?;
        Ok(Self { map })
    }

    /// Reads the counters of a generation. Of one that is not current they stand still.
    ///
    /// # Errors
    /// The kernel does not let the map be read.
    pub fn read(&self, generation: usize) -> Result<Counts, KernelError> {
        let generation = u32::from(generation != 0);
        let mut counts = Counts::ZERO;
        for family in Family::ALL {
            for reason in Reason::ALL {
                let values = self.map.get(&index(generation, family, reason), 0);
                let values = values.map_err(|cause| KernelError::Map { map: NAME, cause })?;
                counts.0[family as usize][reason as usize] = values.iter().sum();
            }
        }
        Ok(counts)
    }
}
