//! What the kernel counted about itself, summed over the CPUs.

use aya::{
    Ebpf,
    maps::{MapData, PerCpuArray},
};
use whittle_schemas::record::{
    Family,
    counter::{COUNTERS, Reason, index},
};

use super::KernelError;

const NAME: &str = "COUNTS";

/// The kernel's counters.
pub struct Counters {
    map: PerCpuArray<MapData, u64>,
}

/// A reading: totals since the probes were loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts([u64; COUNTERS as usize]);

impl Counts {
    /// No count at all: what the counters say before the first access.
    pub const ZERO: Self = Self([0; COUNTERS as usize]);

    /// One counter.
    #[must_use]
    pub fn get(&self, family: Family, reason: Reason) -> u64 {
        self.0[index(family, reason) as usize]
    }

    /// What was counted since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut difference = *self;
        difference.0.iter_mut().zip(earlier.0).for_each(|(now, then)| *now = now.saturating_sub(then));
        difference
    }
}

impl Counters {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, KernelError> {
        let map = object.take_map(NAME).ok_or(KernelError::Incomplete(NAME))?;
        let map = PerCpuArray::try_from(map).map_err(|cause| KernelError::Map { map: NAME, cause })?;
        Ok(Self { map })
    }

    /// Reads all counters.
    ///
    /// # Errors
    /// The kernel does not let the map be read.
    pub fn read(&self) -> Result<Counts, KernelError> {
        let mut counts = Counts::ZERO;
        for (index, total) in (0..COUNTERS).zip(&mut counts.0) {
            let values = self.map.get(&index, 0).map_err(|cause| KernelError::Map { map: NAME, cause })?;
            *total = values.iter().sum();
        }
        Ok(counts)
    }
}
