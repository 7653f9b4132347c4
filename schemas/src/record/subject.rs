//! The kernel's subject: what its key is made of, and the record that announces a new one.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{FIXED_BYTES, Header, Text};

/// What makes two processes the same subject, as far as the kernel can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SubjectKey {
    /// Control group (v2) id.
    pub cgroup_id: u64,
    /// Inode of the executable.
    pub inode: u64,
    /// Hash of the executable's name and of the folders above it, with those of the place where its file system is mounted: so that
    /// hard links stay apart.
    pub lineage: u64,
    /// Hash of the script and, where that is relative, of the working directory; 0 without a script.
    pub script: u64,
    /// Hash of [`Granted`]: processes that are granted different things are different instances.
    pub grants: u64,
    /// Device of the executable, in the kernel's encoding.
    pub device: u32,
    /// Real user id.
    pub uid: u32,
}

const _: () = assert!(size_of::<SubjectKey>() == 48);

/// What the kernel grants the process that a subject is announced by, at that moment.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Granted {
    /// `cred.cap_effective` of the task's own credentials, one bit for each capability.
    pub cap_effective: u64,
    /// `cred.cap_permitted`.
    pub cap_permitted: u64,
    /// `cred.cap_inheritable`.
    pub cap_inheritable: u64,
    /// `cred.cap_bset`.
    pub cap_bounding: u64,
    /// `cred.cap_ambient`.
    pub cap_ambient: u64,
    /// `task_struct.atomic_flags`; bit 0 is `PFA_NO_NEW_PRIVS`.
    pub atomic_flags: u64,
    /// `seccomp.mode`; [`SECCOMP_UNKNOWN`] on a kernel without seccomp.
    pub seccomp_mode: u32,
    /// Inode number of the mount namespace (`/proc/PID/ns/mnt`); 0 where it could not be read.
    pub mnt_ns: u32,
}

const _: () = assert!(size_of::<Granted>() == 56);

/// [`Granted::atomic_flags`]: gaining privileges by exec was given up (`PFA_NO_NEW_PRIVS`).
pub const NO_NEW_PRIVS: u64 = 1;

/// [`Granted::seccomp_mode`] of a kernel that has none.
pub const SECCOMP_UNKNOWN: u32 = u32::MAX;

/// Body of a [`super::KIND_SUBJECT`] record: its text is the executable's walked path.
/// A script arrives as a second record of this kind with `part` = [`PART_SCRIPT`], before the first.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SubjectBody {
    /// Kind, clock and the process in which the subject was first seen.
    pub header: Header,
    /// Kernel subject id, never 0. For [`PART_SCRIPT`], the script's hash.
    pub subject: u64,
    /// The key that the id stands for. For [`PART_SCRIPT`], zero.
    pub key: SubjectKey,
    /// What it is granted. For [`PART_SCRIPT`], zero.
    pub granted: Granted,
    /// What the text holds.
    pub text: Text,
    /// Start of the process, on `CLOCK_BOOTTIME`, in nanoseconds.
    pub start_boottime_ns: u64,
    /// Process id of the parent.
    pub parent_tgid: u32,
    /// [`PART_EXECUTABLE`], [`PART_SCRIPT`] or [`PART_MODULE`].
    pub part: u32,
}

const _: () = assert!(size_of::<SubjectBody>() == 168 && size_of::<SubjectBody>() <= FIXED_BYTES);

/// `SubjectBody::part`: the subject itself; the text is the executable's path.
pub const PART_EXECUTABLE: u32 = 0;
/// `SubjectBody::part`: a script; the text is the path asked for and, where relative, its directory.
pub const PART_SCRIPT: u32 = 1;
/// `SubjectBody::part`: what an option like `-m` runs; the text is its name.
pub const PART_MODULE: u32 = 2;
