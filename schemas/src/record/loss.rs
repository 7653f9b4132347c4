//! Key of the maps of losses: who lost accesses of which family. The value is how many; what a subject cannot be told of is in the
//! counters of `counter` alone.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Whose a loss is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct LossKey {
    /// Kernel subject id, as announced in a subject record.
    pub subject: u64,
    /// Number of the [`super::Family`].
    pub family: u32,
    /// Padding, zero.
    pub pad: u32,
}

const _: () = assert!(size_of::<LossKey>() == 16);
