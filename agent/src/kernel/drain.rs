//! The usage map's two generations: swap, wait until no program looks at the old one, read it, empty it.

use std::io;

use aya::{
    Ebpf,
    maps::{Array, Map, MapData, MapError},
};
use rustix::thread::{MembarrierCommand, membarrier};
use whittle_schemas::record::usage::{UsageKey, UsageValue};

use super::{KernelError, batch};

const NAMES: [&str; 2] = ["USAGE_0", "USAGE_1"];
const SWITCH: &str = "GENERATION";

/// Both generations, and the switch between them.
pub struct Generations {
    maps: [MapData; 2],
    switch: Array<MapData, u32>,
    current: usize,
}

/// Accesses that repeated an already reported one.
#[derive(Clone, Copy, Debug)]
pub struct Repeat {
    /// As in the record of the first one.
    pub key: UsageKey,
    /// How many, and when the last was.
    pub value: UsageValue,
}

impl Generations {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, KernelError> {
        let switch = object
            .take_map(SWITCH)
            .ok_or(KernelError::Incomplete(SWITCH))?;
        let switch =
            Array::try_from(switch).map_err(|cause| KernelError::Map { map: SWITCH, cause })?;
        Ok(Self {
            maps: [take_map(object, NAMES[0])?, take_map(object, NAMES[1])?],
            switch,
            current: 0,
        })
    }

    /// Lets the probes count in the other generation. When this returns, no program adds to the old one any
    /// more: `membarrier` waits until every CPU has left the code that ran before the switch.
    ///
    /// The records that belong to the old generation are then all in the ring: read it empty before [`Self::drain`].
    ///
    /// # Errors
    /// The kernel does not let the switch be written.
    pub fn swap(&mut self) -> Result<usize, KernelError> {
        let old = self.current;
        self.current = 1 - old;
        let next = u32::from(self.current == 1);
        self.switch
            .set(0, next, 0)
            .map_err(|cause| KernelError::Map { map: SWITCH, cause })?;
        if let Err(error) = membarrier(MembarrierCommand::Global) {
            // What a straggler adds after the drain stays in the map and is found at its next drain.
            tracing::warn!(%error, "membarrier");
        }
        Ok(old)
    }

    /// Reads a generation that is not current, and empties it.
    ///
    /// # Errors
    /// The kernel does not let the map be read or emptied.
    pub fn drain(&mut self, generation: usize) -> Result<Vec<Repeat>, KernelError> {
        let failed = |cause: io::Error| KernelError::Map {
            map: NAMES[generation],
            cause: MapError::IoError(cause),
        };
        let entries = batch::take_all(&self.maps[generation]).map_err(failed)?;
        Ok(entries
            .into_iter()
            .map(|(key, value)| Repeat { key, value })
            .collect())
    }
}

fn take_map(object: &mut Ebpf, name: &'static str) -> Result<MapData, KernelError> {
    match object.take_map(name) {
        Some(Map::HashMap(map)) => Ok(map),
        _ => Err(KernelError::Incomplete(name)),
    }
}
