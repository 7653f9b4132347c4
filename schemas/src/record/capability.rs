//! Checks of capabilities: which one the kernel asked the running task for, and whether it had it.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{FIXED_BYTES, Header, Text, usage::UsageKey};

/// Action: the kernel asked for the capability.
pub const USE: u16 = 1;

/// Body of a [`super::KIND_CAPABILITY`] record.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CapabilityBody {
    /// Kind, clock and thread.
    pub header: Header,
    /// Subject, action and outcome.
    pub key: UsageKey,
    /// Nothing.
    pub text: Text,
    /// Number of the capability, of `include/uapi/linux/capability.h`.
    pub capability: u32,
    /// [`FOREIGN`], or 0.
    pub flags: u32,
}

const _: () =
    assert!(size_of::<CapabilityBody>() == 80 && size_of::<CapabilityBody>() <= FIXED_BYTES);

/// `CapabilityBody::flags`: asked for over another user namespace than the task's own.
pub const FOREIGN: u32 = 1;

/// One more than the highest number that a capability can have: a set is 64 bits.
pub const CAPABILITIES: u32 = 64;

/// Names of the capabilities, by their numbers.
pub const NAMES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// Frames of the kernel's stack that are looked at where the tracepoint is used: its own, and the callers behind them.
pub const FRAMES: usize = 6;

/// Most functions that are known to ask not to be audited.
pub const UNAUDITED_RANGES: usize = 16;
