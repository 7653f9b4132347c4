//! What the kernel counted about itself, on each CPU.

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

/// By family and reason.
type OfCpu = [[u64; Reason::ALL.len()]; Family::ALL.len()];

/// A reading: totals of one generation since the probes were loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// By the number of the CPU; of those too that are not there at the moment.
    cpus: Vec<OfCpu>,
    /// Accesses that no probe saw, by family; on which CPU is not known.
    missed: [u64; Family::ALL.len()],
    /// Accesses that the agent tells of itself, by family.
    told: [u64; Family::ALL.len()],
}

/// What one CPU counted of a family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuCounts {
    /// Accesses.
    pub seen: u64,
    /// Of these, the lost ones.
    pub lost: u64,
}

impl Counts {
    /// One counter, of all CPUs.
    #[must_use]
    pub fn get(&self, family: Family, reason: Reason) -> u64 {
        let counted = self
            .cpus
            .iter()
            .map(|cpu| cpu[family as usize][reason as usize]);
        let uncounted = match reason {
            Reason::Seen => self.missed[family as usize] + self.told[family as usize],
            Reason::Nested => self.missed[family as usize],
            _ => 0,
        };
        counted.sum::<u64>() + uncounted
    }

    /// What each CPU counted of a family, by its number.
    pub fn by_cpu(&self, family: Family) -> impl Iterator<Item = CpuCounts> {
        let losses = Reason::ALL.into_iter().filter(|reason| reason.is_loss());
        self.cpus.iter().map(move |cpu| CpuCounts {
            seen: cpu[family as usize][Reason::Seen as usize],
            lost: losses
                .clone()
                .map(|reason| cpu[family as usize][reason as usize])
                .sum(),
        })
    }

    /// Adds accesses that the probes did not see, for the kernel left them out; by the number of the family.
    #[must_use]
    pub fn with_missed(self, missed: [u64; Family::ALL.len()]) -> Self {
        Self { missed, ..self }
    }

    /// Adds accesses that the agent tells of and the kernel has not counted.
    #[must_use]
    pub fn with_told(mut self, family: Family, told: u64) -> Self {
        self.told[family as usize] += told;
        self
    }

    /// What was counted since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut difference = self.clone();
        let now = difference.cpus.as_flattened_mut().as_flattened_mut();
        let then = earlier.cpus.as_flattened().as_flattened();
        for (now, then) in now.iter_mut().zip(then) {
            *now = now.saturating_sub(*then);
        }
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
        let mut counts = Counts::default();
        for family in Family::ALL {
            for reason in Reason::ALL {
                let values = self.map.get(&index(generation, family, reason), 0);
                let values = values.map_err(|cause| KernelError::Map { map: NAME, cause })?;
                counts.cpus.resize(values.len(), OfCpu::default());
                for (cpu, value) in counts.cpus.iter_mut().zip(values.iter()) {
                    cpu[family as usize][reason as usize] = *value;
                }
            }
        }
        Ok(counts)
    }
}
