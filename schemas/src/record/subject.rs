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
    /// Hash of the executable's name and of the folders above it, so that hard links stay apart.
    pub lineage: u64,
    /// Hash of the script and, where that is relative, of the working directory; 0 without a script.
    pub script: u64,
    /// Device of the executable, in the kernel's encoding.
    pub device: u32,
    /// Real user id.
    pub uid: u32,
}

const _: () = assert!(size_of::<SubjectKey>() == 40);

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
    /// What the text holds.
    pub text: Text,
    /// Start of the process, on `CLOCK_BOOTTIME`, in nanoseconds.
    pub start_boottime_ns: u64,
    /// Process id of the parent.
    pub parent_tgid: u32,
    /// [`PART_EXECUTABLE`], [`PART_SCRIPT`] or [`PART_MODULE`].
    pub part: u32,
}

const _: () = assert!(size_of::<SubjectBody>() == 104 && size_of::<SubjectBody>() <= FIXED_BYTES);

/// `SubjectBody::part`: the subject itself; the text is the executable's path.
pub const PART_EXECUTABLE: u32 = 0;
/// `SubjectBody::part`: a script; the text is the path asked for and, where relative, its directory.
pub const PART_SCRIPT: u32 = 1;
/// `SubjectBody::part`: what an option like `-m` runs; the text is its name.
pub const PART_MODULE: u32 = 2;
