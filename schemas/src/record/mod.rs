//! The ABI between the probes and the agent: ring records, map keys and values, load-time constants.
//! One file per hook family beside the parts that all share. Everything here is `repr(C)`, little
//! endian, explicitly padded, and read on the agent's side through zerocopy.

pub mod bound;
pub mod callset;
pub mod capability;
pub mod counter;
pub mod exit;
pub mod file;
pub mod immediate;
pub mod loss;
pub mod offsets;
pub mod payload;
pub mod privilege;
pub mod process;
pub mod socket;
pub mod stand_in;
pub mod subject;
pub mod usage;
pub mod wake;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Version of everything in this module. An agent adopts no map and decodes no record of another one.
pub const ABI_VERSION: u8 = 6;

/// Most bytes of a record's fixed part, the header and what its kind has. The text follows it.
pub const FIXED_BYTES: usize = 256;

/// No record has fewer bytes.
pub const RECORD_BYTES: usize = 64;

/// Largest path that a caller can ask for, in bytes with its NUL: `PATH_MAX` of `include/uapi/linux/limits.h`.
pub const ASKED_BYTES: usize = 4096;

/// Deepest path that is walked, in steps: one per component and one per mount crossed.
pub const WALK_STEPS: u32 = 512;

/// The hook families: the unit in which whittle plans, counts, and states coverage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Family {
    /// Fork, exec, exit: `process.rs` on both sides.
    Process = 0,
    /// Opens of every form: `file.rs`.
    File = 1,
    /// Connect, bind, listen, and datagrams sent to an address: `socket.rs`.
    Socket = 2,
    /// Bytes of connections, and their opening and closing: `payload.rs`.
    Payload = 3,
    /// Checks of capabilities: `capability.rs`.
    Capability = 4,
    /// Which system calls are made, where that is asked for: `callset.rs`.
    Syscall = 5,
    /// Privileged acts: `privilege.rs`.
    Privilege = 6,
}

impl Family {
    /// All families, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Process,
        Self::File,
        Self::Socket,
        Self::Payload,
        Self::Capability,
        Self::Syscall,
        Self::Privilege,
    ];

    /// The family's name in tables, messages and `whittle doctor`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::File => "file",
            Self::Socket => "socket",
            Self::Payload => "payload",
            Self::Capability => "capability",
            Self::Syscall => "syscall",
            Self::Privilege => "privilege",
        }
    }

    /// The family with this number; None for a number that this ABI does not know.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|family| *family as u8 == number)
    }
}

/// `Header::kind` of a [`subject::SubjectBody`].
pub const KIND_SUBJECT: u8 = 1;
/// `Header::kind` of an access by path: [`file::FileBody`], from the families file and process.
pub const KIND_FILE: u8 = 2;
/// `Header::kind` of a [`socket::SocketBody`].
pub const KIND_SOCKET: u8 = 3;
/// `Header::kind` of a [`payload::PayloadBody`].
pub const KIND_PAYLOAD: u8 = 4;
/// `Header::kind` of a [`payload::OpenedBody`].
pub const KIND_OPENED: u8 = 5;
/// `Header::kind` of a [`payload::ClosedBody`].
pub const KIND_CLOSED: u8 = 6;
/// `Header::kind` of a [`capability::CapabilityBody`].
pub const KIND_CAPABILITY: u8 = 7;
/// `Header::kind` of a [`callset::CallBody`].
pub const KIND_CALL: u8 = 8;
/// `Header::kind` of a [`privilege::PrivilegeBody`].
pub const KIND_PRIVILEGE: u8 = 9;

/// `Header::flags`: the usage map's second generation holds the repeats.
pub const FLAG_SECOND_GENERATION: u8 = 1;

/// What every ring record starts with.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// Which body follows: one of the `KIND_` constants.
    pub kind: u8,
    /// [`ABI_VERSION`] of the probes.
    pub version: u8,
    /// `FLAG_` bits.
    pub flags: u8,
    /// Size of the fixed part, in units of eight bytes.
    pub fixed: u8,
    /// Bytes of the whole record, header included.
    pub length: u32,
    /// When the access ended, on `CLOCK_BOOTTIME`, in nanoseconds.
    pub boottime_ns: u64,
    /// Process (thread group) that acted.
    pub tgid: u32,
    /// Thread that acted.
    pub tid: u32,
}

const _: () = assert!(size_of::<Header>() == 24);

impl Header {
    /// [`Header::fixed`] of a body, which starts with the header.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the assertion: at most 256, in units of eight"
    )]
    #[must_use]
    pub const fn fixed_of<T>() -> u8 {
        const { assert!(size_of::<T>().is_multiple_of(8) && size_of::<T>() <= FIXED_BYTES) };
        (size_of::<T>() / 8) as u8
    }
}

/// What the text behind a record's fixed part holds: first the path that the caller asked for, then one
/// that the kernel walked from a dentry to the task's root. A walked path arrives leaf first, each
/// component ended by `/`: `/etc/passwd` as `passwd/etc/`.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Text {
    /// Bytes of the path that the caller asked for, without a NUL; 0 where the walked one says it all.
    pub asked_bytes: u32,
    /// Bytes of the walked path, behind the asked one.
    pub walked_bytes: u32,
    /// `WALK_` bits.
    pub walk_flags: u32,
    /// Magic number of the file system at the start of the walk (`super_block.s_magic`, low half).
    pub magic: u32,
}

const _: () = assert!(size_of::<Text>() == 16);

/// `Text::walk_flags`: the path was longer or deeper than what is walked; its outermost part is missing.
pub const WALK_TRUNCATED: u32 = 1;
/// `Text::walk_flags`: the walk ended at the root of a mount that is mounted nowhere (pipes, memfd).
pub const WALK_DETACHED: u32 = 2;
/// `Text::walk_flags`: the dentry was unlinked when the path was walked.
pub const WALK_DELETED: u32 = 4;
/// `Text::walk_flags`: the walk ended at the global root, outside of the task's own root.
pub const WALK_ESCAPED: u32 = 8;
/// `Text::walk_flags`: kernel or user memory could not be read on the way; the path is not whole.
pub const WALK_FAULT: u32 = 16;
/// `Text::walk_flags`: the walk ended in a folder whose path an earlier record of the same generation has said.
pub const WALK_BELOW: u32 = 64;
/// `Text::walk_flags`: the caller's path was `PATH_MAX` bytes or longer.
pub const ASKED_TRUNCATED: u32 = 32;

/// Whether a walk with these flags says the whole path of the folder that its name is in.
#[must_use]
pub const fn says_folder(walk_flags: u32) -> bool {
    walk_flags & (WALK_BELOW | WALK_DETACHED | WALK_ESCAPED | WALK_FAULT | WALK_TRUNCATED) == 0
}
