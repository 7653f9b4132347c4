//! What wakes the agent: most records can wait, and a wake-up costs several times what a record does.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The value of map `WAKE`, which the agent and the probes share.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Wake {
    /// One of the three below. The agent writes it before it waits, and who wakes it makes it [`AWAKE`].
    pub by: u32,
    /// Bytes in the ring from which on the agent is woken whatever came.
    pub most_bytes: u32,
}

/// The agent is not waiting, or rests.
pub const AWAKE: u32 = 0;
/// It waits for a short time, and has to be woken for what cannot wait as long.
pub const BY_URGENT: u32 = 1;
/// It has to be woken for the next record.
pub const BY_ANY: u32 = 2;

/// Whether an opened file may be a library, by the first four bytes of its name and the four that begin with the last three of it, as they
/// are in memory: it may be OpenSSL's, which has to be found before it is used. The file's name is followed by a slash.
#[must_use]
#[inline]
pub const fn is_library(first: u32, last: u32) -> bool {
    first & 0x00ff_ffff == u32::from_le_bytes(*b"lib\0") || last == u32::from_le_bytes(*b".so/")
}
