//! Events to accesses: who a kernel subject is. `process` reads /proc, `cgroup` names workloads, `build_id`
//! reads executables, `user` names users, `mounts` and `secrets` list what is mounted. Nothing here decides what an access means.

mod build_id;
mod cgroup;
mod mounts;
mod process;
mod secrets;
mod subject_id;
mod user;

use std::rc::Rc;

use foldhash::HashMap;

pub use process::{Running, running};

use crate::model::{Access, Clock, Instance, ScriptSeen, Subject, SubjectSeen, Touch};

/// Most subjects and most scripts that are remembered: four times what the kernel's maps hold.
const MOST: usize = 65_536;

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
    refused: u64,
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
            refused: 0,
        }
    }

    /// Remembers a script.
    pub fn script(&mut self, seen: ScriptSeen) {
        if self.scripts.len() < MOST {
            self.scripts.insert(seen.id, seen.name);
        } else {
            self.refused += 1;
        }
    }

    /// Finds out who a kernel subject is, and remembers it.
    pub fn subject(&mut self, seen: &SubjectSeen, clock: Clock) {
        if self.subjects.len() >= MOST {
            self.refused += 1;
            return;
        }
        let subject = self.find(seen, clock);
        self.subjects.insert(seen.id, Rc::new(subject));
    }

    /// The access with its subject; None where that was never announced.
    #[must_use]
    pub fn access(&self, touch: Touch) -> Option<Access> {
        let subject = Rc::clone(self.subjects.get(&touch.key.subject)?);
        Some(Access { subject, touch })
    }

    /// The subject that the kernel calls so; None where it was never announced.
    #[must_use]
    pub fn subject_of(&self, id: u64) -> Option<Rc<Subject>> {
        self.subjects.get(&id).map(Rc::clone)
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

impl Default for Identities {
    fn default() -> Self {
        Self::new()
    }
}
