//! Which subjects and scripts the kernel may still name in a record. What it does not, the agent need not keep.

use std::{collections::HashSet, io};

use aya::{
    Ebpf,
    maps::{Map, MapData, MapError},
};
use whittle_schemas::record::subject::SubjectKey;

use super::{KernelError, batch, grace::Grace, tasks::Tasks};

const SUBJECTS: &str = "SUBJECTS";
const SCRIPTS: &str = "SCRIPTS";

/// The kernel's maps of what was announced.
pub(super) struct Announced {
    subjects: MapData,
    scripts: MapData,
    grace: Grace,
}

/// What the kernel remembers.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    /// Ids of subjects.
    pub subjects: HashSet<u64>,
    /// Hashes of scripts.
    pub scripts: HashSet<u64>,
}

impl Announced {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, KernelError> {
        Ok(Self {
            subjects: take(object, SUBJECTS)?,
            scripts: take(object, SCRIPTS)?,
            grace: Grace::new().map_err(|cause| failed(SUBJECTS, cause))?,
        })
    }

    /// A process takes its subject from the map of subjects: that one is read first.
    pub(super) fn read(&self, tasks: &Tasks) -> Result<Remembered, KernelError> {
        let mut remembered = Remembered::default();
        let entries = batch::read_all::<SubjectKey, [u64; 2]>(&self.subjects);
        let entries = entries.map_err(|cause| failed(SUBJECTS, cause))?;
        let ids = entries.iter().map(|(_, [_, id])| *id);
        remembered.subjects.extend(ids);
        let entries = batch::read_all::<u64, u32>(&self.scripts);
        let entries = entries.map_err(|cause| failed(SCRIPTS, cause))?;
        remembered
            .scripts
            .extend(entries.iter().map(|(script, _)| *script));
        let waited = self.grace.wait();
        waited.map_err(|cause| failed(SUBJECTS, cause))?;
        for task in tasks.all()? {
            remembered.subjects.insert(task.subject);
            remembered.scripts.insert(task.script);
        }
        Ok(remembered)
    }
}

fn take(object: &mut Ebpf, name: &'static str) -> Result<MapData, KernelError> {
    match object.take_map(name) {
        Some(Map::LruHashMap(map)) => Ok(map),
        _ => Err(KernelError::Incomplete(name)),
    }
}

fn failed(map: &'static str, cause: io::Error) -> KernelError {
    let cause = MapError::IoError(cause);
    KernelError::Map { map, cause }
}
