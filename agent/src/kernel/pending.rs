//! Connects that go on without their caller, as the kernel keeps them until it knows how they ended.

use aya::{
    Ebpf,
    maps::{Map, MapData, MapError},
};
use whittle_schemas::record::socket::SocketBody;
use zerocopy::IntoBytes;

use super::{KernelError, batch};

const NAME: &str = "PENDING";

/// Those whose end is not known.
pub struct Pending {
    map: MapData,
}

impl Pending {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, KernelError> {
        match object.take_map(NAME) {
            Some(Map::HashMap(map)) => Ok(Self { map }),
            _ => Err(KernelError::Incomplete(NAME)),
        }
    }

    /// Takes them out, each as the record of an access that is in progress. The kernel has not counted them.
    ///
    /// # Errors
    /// The kernel does not let the map be read or emptied.
    pub fn take_all(&mut self) -> Result<Vec<Vec<u8>>, KernelError> {
        let entries = batch::take_all::<u64, SocketBody>(&self.map);
        let entries = entries.map_err(|cause| KernelError::Map {
            map: NAME,
            cause: MapError::IoError(cause),
        })?;
        let record = |(_, body): (u64, SocketBody)| body.as_bytes().to_vec();
        Ok(entries.into_iter().map(record).collect())
    }
}
