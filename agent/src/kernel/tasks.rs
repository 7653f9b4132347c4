//! The kernel's map of watched processes.

use std::io::ErrorKind;

use aya::{
    Ebpf,
    maps::{Array, HashMap, Map, MapData, MapError},
};
use whittle_schemas::record::process::{TASK_STARTING, Task};

use super::{KernelError, batch};

/// `BPF_NOEXIST` of `include/uapi/linux/bpf.h`.
const BPF_NOEXIST: u64 = 1;

const NAME: &str = "TASKS";
const VALUE_BYTES: usize = size_of::<Task>();

/// How often a process was chosen: see `known` of the `ebpf` crate.
const CHOICES: &str = "CHOICES";

pub(super) struct Tasks {
    map: Map,
    choices: Array<MapData, u64>,
}

impl Tasks {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, KernelError> {
        let map = object.take_map(NAME).ok_or(KernelError::Incomplete(NAME))?;
        let choices = object.take_map(CHOICES);
        let choices = choices.ok_or(KernelError::Incomplete(CHOICES))?;
        let choices = Array::try_from(choices).map_err(|cause| KernelError::Map {
            map: CHOICES,
            cause,
        })?;
        Ok(Self { map, choices })
    }

    pub(super) fn watch(&mut self, tgid: u32) -> Result<(), KernelError> {
        self.insert(tgid, Task::default(), 0).map_err(failed)
    }

    pub(super) fn watch_from_exec(&mut self, tgid: u32) -> Result<(), KernelError> {
        let task = Task {
            flags: TASK_STARTING,
            ..Task::default()
        };
        self.insert(tgid, task, 0).map_err(failed)
    }

    /// As [`Self::watch`], for a process whose script is known; does nothing for one that is there already.
    pub(super) fn adopt(&mut self, tgid: u32, script: u64) -> Result<(), KernelError> {
        let task = Task {
            script,
            ..Task::default()
        };
        match self.insert(tgid, task, BPF_NOEXIST) {
            Err(MapError::SyscallError(error))
                if error.io_error.kind() == ErrorKind::AlreadyExists =>
            {
                Ok(())
            }
            result => result.map_err(failed),
        }
    }

    /// The processes that are watched now.
    pub(super) fn watched(&self) -> Result<Vec<u32>, KernelError> {
        let entries = self.entries()?.into_iter();
        Ok(entries.map(|(tgid, _)| tgid).collect())
    }

    /// What is known of each of them.
    pub(super) fn all(&self) -> Result<Vec<Task>, KernelError> {
        let entries = self.entries()?.into_iter();
        Ok(entries.map(|(_, task)| task).collect())
    }

    fn entries(&self) -> Result<Vec<(u32, Task)>, KernelError> {
        let Map::HashMap(map) = &self.map else {
            return Err(KernelError::Incomplete(NAME));
        };
        batch::read_all(map).map_err(|cause| failed(MapError::IoError(cause)))
    }

    fn insert(&mut self, tgid: u32, task: Task, flags: u64) -> Result<(), MapError> {
        let mut map: HashMap<&mut MapData, u32, [u8; VALUE_BYTES]> =
            HashMap::try_from(&mut self.map)?;
        let task: [u8; VALUE_BYTES] = zerocopy::transmute!(task);
        map.insert(tgid, task, flags)?;
        // Behind it: until then the probes may find that nobody watches the process, and remember that.
        let choices = self.choices.get(&0, 0)?;
        self.choices.set(0, choices + 1, 0)
    }
}

fn failed(cause: MapError) -> KernelError {
    KernelError::Map { map: NAME, cause }
}
