//! Privileged acts: hook family `privilege`. What was asked for is a number whose meaning the action gives.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{FIXED_BYTES, Header, Text, usage::UsageKey};

/// Action: another process was attached to, or the own parent let do so. Object: the request of `ptrace(2)`.
pub const PTRACE: u16 = 1;
/// Action: another process's memory or descriptors were taken. Object: the number of the system call.
pub const REACH: u16 = 2;
/// Action: `bpf(2)`. Object: the command.
pub const BPF: u16 = 3;
/// Action: a kernel module was loaded. Object: the number of the system call.
pub const LOAD_MODULE: u16 = 4;
/// Action: a kernel module was unloaded. Object: 0.
pub const UNLOAD_MODULE: u16 = 5;
/// Action: a key of the kernel's was used, by `keyctl(2)`. Object: the operation.
pub const KEYCTL: u16 = 6;
/// Action: a key was added. Object: 0.
pub const ADD_KEY: u16 = 7;
/// Action: a key was asked for. Object: 0.
pub const REQUEST_KEY: u16 = 8;
/// Action: other namespaces were entered. Object: their `CLONE_NEW` bits; 0 for whatever the descriptor was.
pub const SETNS: u16 = 9;
/// Action: namespaces were made, by `unshare(2)` or for a child. Object: their `CLONE_NEW` bits.
pub const UNSHARE: u16 = 10;
/// Action: a signal was sent to a process of another user, or to anyone, and refused. Object: the signal, and above it
/// [`USER_KNOWN`] with the user in the high half.
pub const SIGNAL: u16 = 11;

/// Action: a ring of `io_uring` was made, by which calls can be made that no seccomp filter sees. Object: 0.
pub const IO_URING: u16 = 12;

/// Action: memory that is no file's, or was mapped without it, was made executable. Object: [`REMAPPED`] and [`WRITABLE`].
pub const EXECUTABLE: u16 = 13;

/// In the object of [`EXECUTABLE`]: by `mprotect(2)`, of memory that was there, and not by `mmap(2)`.
pub const REMAPPED: u64 = 1;
/// In the object of [`EXECUTABLE`]: it can be written at the same time.
pub const WRITABLE: u64 = 2;

/// In the object of [`SIGNAL`]: the high half is the real user id of the process that got it.
pub const USER_KNOWN: u64 = 1 << 16;

/// The bits of namespaces: `CLONE_NEW*` of `include/uapi/linux/sched.h`.
pub const NAMESPACES: u64 = 0x7e02_0080;

/// Body of a [`super::KIND_PRIVILEGE`] record.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct PrivilegeBody {
    /// Kind, clock and thread.
    pub header: Header,
    /// Subject, action and outcome.
    pub key: UsageKey,
    /// Nothing.
    pub text: Text,
    /// What was asked for.
    pub asked: u64,
}

const _: () = assert!(size_of::<PrivilegeBody>() <= FIXED_BYTES);
