//! The usage map's two generations: swap, wait until no program looks at the old one, read it, empty it.

use aya::{
    Ebpf,
    maps::{Array, Map, MapData, MapError},
};
use whittle_schemas::record::usage::UsageSlot;

use super::{KernelError, grace::Grace, mapped::Mapped};

const USAGE: &str = "USAGE";
const SWITCH: &str = "GENERATION";

/// Both generations, and the switch between them.
pub struct Generations {
    usages: Mapped<UsageSlot>,
    switch: Array<MapData, u32>,
    grace: Grace,
    current: usize,
}

impl Generations {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, KernelError> {
        let switch = object
            .take_map(SWITCH)
            .ok_or(KernelError::Incomplete(SWITCH))?;
        let switch =
            Array::try_from(switch).map_err(|cause| KernelError::Map { map: SWITCH, cause })?;
        let Some(Map::Array(usages)) = object.take_map(USAGE) else {
            return Err(KernelError::Incomplete(USAGE));
        };
        Ok(Self {
            usages: Mapped::new(usages).map_err(|cause| failed(USAGE, cause))?,
            switch,
            grace: Grace::new().map_err(|cause| failed(SWITCH, cause))?,
            current: 0,
        })
    }

    /// Lets the probes count in the other generation. When this returns, no program adds to the old one any
    /// more.
    ///
    /// The records that belong to the old generation are then all in the ring: read it empty before [`Self::drain`].
    ///
    /// # Errors
    /// The kernel does not let the switch be written, or does not say when its programs have ended.
    pub fn swap(&mut self) -> Result<usize, KernelError> {
        let old = self.current;
        self.current = 1 - old;
        let next = u32::from(self.current == 1);
        self.switch
            .set(0, next, 0)
            .map_err(|cause| KernelError::Map { map: SWITCH, cause })?;
        self.grace.wait().map_err(|cause| failed(SWITCH, cause))?;
        Ok(old)
    }

    /// Reads the places that are taken of a generation that is not current, and frees them.
    ///
    /// # Errors
    /// The kernel does not let the map be mapped into memory.
    pub fn drain(&mut self, generation: usize) -> Result<Vec<UsageSlot>, KernelError> {
        let half = self.usages.entries() / 2;
        let first = half * (generation & 1);
        let taken = self
            .usages
            .take(first..first + half, |slot| slot.claims_and_repeats != 0);
        taken.map_err(|cause| failed(USAGE, cause))
    }
}

fn failed(map: &'static str, cause: std::io::Error) -> KernelError {
    let cause = MapError::IoError(cause);
    KernelError::Map { map, cause }
}
