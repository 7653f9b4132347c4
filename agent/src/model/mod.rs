//! What passes between the stages: events from `decode`, subjects from `identity`, usage from `window`.
//! Plain data; no stage's logic. `interpreter` is what more than one stage knows about programs that run scripts.

mod call;
pub mod interpreter;
mod payload;

use std::{borrow::Cow, rc::Rc};

use whittle_schemas::{
    record::{
        Family,
        subject::{Granted, SubjectKey},
        usage::UsageKey,
    },
    table::{Outcome, Surface},
};

pub use call::{Call, Endpoint, Medium, NameSource, Requested};
pub use payload::{Closed, ConnectionId, Direction, Opened, Payload, Transport};

/// How the kernel's clock relates to the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// UTC minus `CLOCK_BOOTTIME`, in microseconds.
    pub offset_us: i64,
}

impl Clock {
    /// A time of the kernel, in microseconds UTC.
    #[must_use]
    pub fn utc_us(self, boottime_ns: u64) -> i64 {
        i64::try_from(boottime_ns / 1_000)
            .unwrap_or(i64::MAX)
            .saturating_add(self.offset_us)
    }
}

/// A decoded record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A kernel subject that later events refer to.
    Subject(SubjectSeen),
    /// A script that later subjects refer to.
    Script(ScriptSeen),
    /// Somebody touched something.
    Touch(Touch<'a>),
    /// A connection was opened.
    Opened(Opened),
    /// Somebody moved bytes on a connection.
    Payload(Payload),
    /// A connection was closed.
    Closed(Closed),
}

/// A kernel subject, announced once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectSeen {
    /// Kernel subject id.
    pub id: u64,
    /// What the kernel told apart.
    pub key: SubjectKey,
    /// What that process was granted at that moment.
    pub granted: Granted,
    /// Path of the executable.
    pub executable: Vec<u8>,
    /// The process in which it was first seen.
    pub tgid: u32,
    /// Its parent.
    pub parent_tgid: u32,
    /// When that process started, on `CLOCK_BOOTTIME`.
    pub start_boottime_ns: u64,
    /// When it was seen, on `CLOCK_BOOTTIME`.
    pub boottime_ns: u64,
}

/// A script, announced before the first subject that runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptSeen {
    /// The hash that stands for it in [`SubjectKey::script`].
    pub id: u64,
    /// Its path, or `-m NAME` for what an interpreter runs by name.
    pub name: Vec<u8>,
}

/// One access, by whom only the kernel knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch<'a> {
    /// Counts of repeats arrive under this key.
    pub key: UsageKey,
    /// Which generation of the usage map counts the repeats.
    pub generation: usize,
    /// When it ended, on `CLOCK_BOOTTIME`.
    pub boottime_ns: u64,
    /// The process that did it.
    pub tgid: u32,
    /// What was done.
    pub deed: Deed,
    /// What it was done to: exact bytes.
    pub resource: Cow<'a, [u8]>,
}

/// What was done, and how it ended: what many accesses have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deed {
    /// The hook family that saw it.
    pub family: Family,
    /// What kind of thing was touched.
    pub surface: Surface,
    /// What was done: words joined by `+`.
    pub action: Cow<'static, str>,
    /// What further tells apart what it was done to, for people.
    pub detail: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Name of the errno; None where it was allowed.
    pub error: Option<&'static str>,
}

/// Who acts, as far as this host can tell. `None` is always "not observed".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Stable across restarts and hosts: a digest of workload, executable, script and user.
    pub subject_id: String,
    /// Path of the executable.
    pub executable: Vec<u8>,
    /// GNU build id of the executable, in hex.
    pub build_id: Option<String>,
    /// The script that an interpreter runs.
    pub script: Option<Vec<u8>>,
    /// Real user id.
    pub uid: u32,
    /// Name of that user on this host.
    pub user: Option<String>,
    /// Control group (v2) path.
    pub cgroup: Option<String>,
    /// What the control group says about the workload.
    pub workload: Workload,
    /// The process in which the subject was first seen.
    pub instance: Instance,
}

/// The workload that a control group belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// `systemd` or `container`.
    pub kind: Option<&'static str>,
    /// Unit or container.
    pub name: Option<String>,
    /// Container id, 64 hex digits.
    pub container_id: Option<String>,
    /// Systemd unit.
    pub systemd_unit: Option<String>,
}

/// One process of a subject, and what the kernel grants it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Control group and, without one, the process: tgid and start.
    pub id: String,
    /// Process id, as the kernel's first namespace has it.
    pub tgid: u32,
    /// When it started, in microseconds UTC.
    pub start_us: i64,
    /// Its parent; None where there is none.
    pub parent_tgid: Option<u32>,
    /// Capability sets, seccomp mode and `no_new_privs`.
    pub grants: Grants,
    /// Inode number of its mount namespace (`/proc/PID/ns/mnt`).
    pub mount_ns: Option<u32>,
    /// What is mounted there; None where it could not be read, or is too much.
    pub mounts: Option<Rc<Mounts>>,
}

/// What is mounted in a mount namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounts {
    /// Each as `MOUNTPOINT FSTYPE ro|rw`.
    pub points: Vec<String>,
    /// Mount points that hold secrets.
    pub secrets: Vec<String>,
}

/// What the kernel grants a process, at the moment at which it was first seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants {
    /// `CapEff`.
    pub cap_effective: u64,
    /// `CapPrm`.
    pub cap_permitted: u64,
    /// `CapInh`.
    pub cap_inheritable: u64,
    /// `CapBnd`.
    pub cap_bounding: u64,
    /// `CapAmb`.
    pub cap_ambient: u64,
    /// `Seccomp`: 0 off, 1 strict, 2 filter; None on a kernel without it.
    pub seccomp_mode: Option<u32>,
    /// `NoNewPrivs`.
    pub no_new_privs: bool,
}
