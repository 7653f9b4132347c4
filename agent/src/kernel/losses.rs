//! Whose losses were, as far as the kernel could tell: two generations, as of the usage map.

use std::io;

use aya::{
    Ebpf,
    maps::{Map, MapData, MapError},
};
use whittle_schemas::record::{Family, loss::LossKey};

use super::{KernelError, batch};

const NAMES: [&str; 2] = ["LOSSES_0", "LOSSES_1"];

/// Both generations.
pub struct Losses {
    maps: [MapData; 2],
}

/// Accesses that a subject lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Kernel subject id.
    pub subject: u64,
    /// Of which family.
    pub family: Family,
    /// How many.
    pub accesses: u64,
}

impl Losses {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, KernelError> {
        let mut take = |name| match object.take_map(name) {
            Some(Map::HashMap(map)) => Ok(map),
            _ => Err(KernelError::Incomplete(name)),
        };
        Ok(Self {
            maps: [take(NAMES[0])?, take(NAMES[1])?],
        })
    }

    /// Reads a generation that is not current, and empties it.
    ///
    /// # Errors
    /// The kernel does not let the map be read or emptied.
    pub fn drain(&mut self, generation: usize) -> Result<Vec<Loss>, KernelError> {
        let failed = |cause: io::Error| KernelError::Map {
            map: NAMES[generation & 1],
            cause: MapError::IoError(cause),
        };
        let entries = batch::take_all::<LossKey, u64>(&self.maps[generation & 1]);
        let entries = entries.map_err(failed)?.into_iter();
        let losses = entries.filter_map(|(key, accesses)| {
            Some(Loss {
                subject: key.subject,
                family: Family::from_number(key.family.try_into().ok()?)?,
                accesses,
            })
        });
        Ok(losses.collect())
    }
}
