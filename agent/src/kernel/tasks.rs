//! The kernel's map of watched processes.

use std::io::ErrorKind;

use aya::{
    Ebpf,
    maps::{HashMap, MapData, MapError},
};
use whittle_schemas::record::process::{TASK_STARTING, Task};

use super::KernelError;

/// `BPF_NOEXIST` of `include/uapi/linux/bpf.h`.
const BPF_NOEXIST: u64 = 1;

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

    pub(super) fn watch_from_exec(&mut self, tgid: u32) -> Result<(), KernelError> {
        let task: [u8; VALUE_BYTES] = zerocopy::transmute!(Task {
            flags: TASK_STARTING,
            ..Task::default()
        });
        self.map
            .insert(tgid, task, 0)
            .map_err(|cause| KernelError::Map { map: NAME, cause })
    }

    /// As [`Self::watch`], for a process whose script is known; does nothing for one that is there already.
    pub(super) fn adopt(&mut self, tgid: u32, script: u64) -> Result<(), KernelError> {
        let task: [u8; VALUE_BYTES] = zerocopy::transmute!(Task {
            script,
            ..Task::default()
        });
        match self.map.insert(tgid, task, BPF_NOEXIST) {
            Ok(()) => Ok(()),
            Err(MapError::SyscallError(error))
                if error.io_error.kind() == ErrorKind::AlreadyExists =>
            {
                Ok(())
            }
            Err(cause) => Err(KernelError::Map { map: NAME, cause }),
        }
    }

    pub(super) fn watched(&self) -> Vec<u32> {
        self.map.keys().filter_map(Result::ok).collect()
    }
}
