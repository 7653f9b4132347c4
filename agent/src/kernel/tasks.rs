//! The kernel's map of watched processes.

use aya::{
    Ebpf,
    maps::{HashMap, MapData},
};
use whittle_schemas::record::process::Task;

use super::KernelError;

const NAME: &str = "TASKS";
const VALUE_BYTES: usize = size_of::<Task>();

pub(super) struct Tasks {
    map: HashMap<MapData, u32, [u8; VALUE_BYTES]>,
}

impl Tasks {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, KernelError> {
        let map = object.take_map(NAME).ok_or(KernelError::Incomplete(NAME))?;
        let map = HashMap::try_from(map).map_err(|cause| KernelError::Map { map: NAME, cause })?;
        Ok(Self { map })
    }

    pub(super) fn watch(&mut self, tgid: u32) -> Result<(), KernelError> {
        let task: [u8; VALUE_BYTES] = zerocopy::transmute!(Task::default());
        self.map
            .insert(tgid, task, 0)
            .map_err(|cause| KernelError::Map { map: NAME, cause })
    }

    pub(super) fn watched(&self) -> Vec<u32> {
        self.map.keys().filter_map(Result::ok).collect()
    }
}
