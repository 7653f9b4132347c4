//! Key and value of the usage map: one entry per (subject, action, object, outcome), counting repeats.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What makes two accesses the same. The first one also goes to the ring, with this key in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UsageKey {
    /// Kernel subject id, as announced in a subject record.
    pub subject: u64,
    /// The object, in the family's own encoding; compared, never decoded.
    pub object: [u64; 4],
    /// The family's action bits, such as [`super::file::READ`].
    pub action: u16,
    /// Number of the [`super::Family`].
    pub family: u8,
    /// Padding, zero.
    pub pad: u8,
    /// 0, or the positive errno that the access ended with.
    pub errno: i32,
}

const _: () = assert!(size_of::<UsageKey>() == 48);

/// What is counted per key.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UsageValue {
    /// Accesses after the first one of the generation: the first one is the ring record.
    pub repeats: u64,
    /// When the last repeat ended, on `CLOCK_BOOTTIME`, in nanoseconds; 0 without repeats.
    pub last_boottime_ns: u64,
}

const _: () = assert!(size_of::<UsageValue>() == 16);
