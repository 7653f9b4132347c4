//! Events to subjects: who a kernel subject is. `process` reads /proc, `cgroup` names workloads, `build_id`
//! reads executables, `user` names users, `mounts` and `secrets` list what is mounted. Nothing here decides what an access means.

mod build_id;
mod cgroup;
mod mounts;
mod process;
mod secrets;
mod subject_id;
mod user;

use std::{collections::HashSet, rc::Rc};

use foldhash::HashMap;

pub use process::{Running, running};

use crate::model::{Clock, Instance, ScriptSeen, Subject, SubjectSeen};

/// Most subjects and most scripts that are remembered: four times what the kernel's maps hold. Accesses of one more subject are
/// counted as lost.
const MOST: usize = 65_536;

/// So many of both are remembered without asking whether they are still needed.
const FEW: usize = 8_192;

/// After so many announcements it is asked again.
const ASKED_AFTER: usize = 2_048;

/// Name of a script that could not be read, or whose announcement was lost. Without a name the subject would be the
/// interpreter itself, and another one.
const UNKNOWN: &[u8] = b"(script unknown)";

/// Everybody who was announced.
pub struct Identities {
    scripts: HashMap<u64, Vec<u8>>,
    subjects: HashMap<u64, Rc<Subject>>,
    users: user::Users,
    cgroups: cgroup::Cgroups,
    namespaces: mounts::Namespaces,
    /// Announcements since it was last asked who is needed.
    announced: usize,
    /// Who was not needed then.
    gone: Gone,
    refused: u64,
}

/// Subjects and scripts that the kernel does not name any more, unless a record of them is still under way.
#[derive(Default)]
struct Gone {
    subjects: HashSet<u64>,
    scripts: HashSet<u64>,
}

impl Identities {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            scripts: HashMap::default(),
            subjects: HashMap::default(),
            users: user::Users::read(),
            cgroups: cgroup::Cgroups::new(),
            namespaces: mounts::Namespaces::new(),
            announced: 0,
            gone: Gone::default(),
            refused: 0,
        }
    }

    /// Remembers a script.
    pub fn script(&mut self, seen: ScriptSeen) {
        self.announced += 1;
        if self.scripts.len() < MOST {
            self.scripts.insert(seen.id, seen.name);
        } else {
            self.refused += 1;
        }
    }

    /// Finds out who a kernel subject is, and remembers it.
    pub fn subject(&mut self, seen: &SubjectSeen, clock: Clock) {
        self.announced += 1;
        if self.subjects.len() >= MOST {
            self.refused += 1;
            return;
        }
        let subject = self.find(seen, clock);
        self.subjects.insert(seen.id, Rc::new(subject));
    }

    /// The subject that the kernel calls so; None where it was never announced.
    #[must_use]
    pub fn subject_of(&self, id: u64) -> Option<Rc<Subject>> {
        self.subjects.get(&id).map(Rc::clone)
    }

    /// Whether it is time to [`Self::forget`]: there are many, and there were many since the last time.
    #[must_use]
    pub fn are_crowded(&self) -> bool {
        self.subjects.len().max(self.scripts.len()) >= FEW && self.announced >= ASKED_AFTER
    }

    /// Forgets whom the kernel has not needed twice in a row. Once is not enough: an announcement may be read before the
    /// kernel remembers it, and a record after the kernel has forgotten its subject.
    ///
    /// Between two calls all records have to be read that were there at the first one.
    pub fn forget(&mut self, needed_subjects: &HashSet<u64>, needed_scripts: &HashSet<u64>) {
        self.announced = 0;
        let Gone { subjects, scripts } = std::mem::take(&mut self.gone);
        forget(&mut self.subjects, needed_subjects, &subjects);
        forget(&mut self.scripts, needed_scripts, &scripts);
        self.gone = Gone {
            subjects: missing(&self.subjects, needed_subjects),
            scripts: missing(&self.scripts, needed_scripts),
        };
    }

    /// Announcements that did not fit into the bound.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused + self.namespaces.refused()
    }

    fn find(&mut self, seen: &SubjectSeen, clock: Clock) -> Subject {
        let cgroup = self.cgroups.path(seen.key.cgroup_id, seen.tgid);
        let workload = cgroup.as_deref().map(cgroup::workload).unwrap_or_default();
        let script = match seen.key.script {
            0 => None,
            script => {
                let name = self.scripts.get(&script);
                Some(name.map_or_else(|| UNKNOWN.to_vec(), Clone::clone))
            }
        };
        let mount_ns = (seen.granted.mnt_ns != 0).then_some(seen.granted.mnt_ns);
        let start_us = clock.utc_us(seen.start_boottime_ns);
        let process = format!("{}@{start_us}", seen.tgid);
        let mut subject = Subject {
            subject_id: String::new(),
            build_id: build_id::read(&seen.executable, &seen.key),
            executable: seen.executable.clone(),
            script,
            uid: seen.key.uid,
            user: self.users.name(seen.key.uid),
            instance: Instance {
                id: workload.container_id.clone().unwrap_or(process),
                tgid: seen.tgid,
                start_us,
                parent_tgid: (seen.parent_tgid != 0).then_some(seen.parent_tgid),
                grants: process::grants(&seen.granted),
                mount_ns,
                mounts: mount_ns.and_then(|namespace| {
                    let processes = [seen.tgid, seen.parent_tgid];
                    self.namespaces.mounts(namespace, &processes)
                }),
            },
            workload,
            cgroup,
        };
        subject.subject_id = subject_id::of(&subject);
        subject
    }
}

fn forget<T>(known: &mut HashMap<u64, T>, needed: &HashSet<u64>, gone: &HashSet<u64>) {
    known.retain(|id, _| needed.contains(id) || !gone.contains(id));
}

fn missing<T>(known: &HashMap<u64, T>, needed: &HashSet<u64>) -> HashSet<u64> {
    let ids = known.keys().copied();
    ids.filter(|id| !needed.contains(id)).collect()
}

impl Default for Identities {
    fn default() -> Self {
        Self::new()
    }
}
