//! What the kernel counts about itself: per window generation and hook family, accesses seen and lost, by reason.
//! An access counts in the generation that it began in, so that the counts of a window are exact.

use super::Family;

/// Number of reasons, as the kernel counts them.
const REASONS: u32 = 8;
/// Number of families.
const FAMILIES: u32 = 7;

const _: () =
    assert!(Reason::ALL.len() == REASONS as usize && Family::ALL.len() == FAMILIES as usize);

/// Index of one counter inside the kernel's counter array. `generation` is 0 or 1.
#[must_use]
pub const fn index(generation: u32, family: Family, reason: Reason) -> u32 {
    ((generation & 1) * FAMILIES + family as u32) * REASONS + reason as u32
}

/// Entries of the counter array.
pub const COUNTERS: u32 = 2 * FAMILIES * REASONS;

/// Why a counter went up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// An access by a watched task reached the probe. Everything else here is part of it or lost from it.
    Seen = 0,
    /// Lost: the ring had no room, for the access or for the subject it belongs to.
    RingFull = 1,
    /// Lost: the task or its executable could not be told, or their maps were full.
    SubjectUnknown = 2,
    /// Lost: the object was gone or unreadable (a descriptor closed meanwhile, a faulting pointer).
    ObjectUnknown = 3,
    /// Lost: no scratch memory was free, because probes had interrupted each other too deeply; or the kernel left a probe out, because
    /// it was running on that CPU already, so that it may or may not have been an access.
    Nested = 4,
    /// Lost: a form that this backend cannot decode, such as 32-bit system calls.
    Unsupported = 5,
    /// Not lost: the usage map was full, so the access went to the ring although it may be a repeat.
    MapFull = 6,
    /// Not lost: recorded, but with a path that is not whole.
    Truncated = 7,
}

impl Reason {
    /// The result behind a number of [`Self::number`].
    ///
    /// # Errors
    /// The reason why the access is lost.
    pub const fn or_recorded(number: u32) -> Result<(), Self> {
        match number {
            1 => Err(Self::RingFull),
            2 => Err(Self::SubjectUnknown),
            3 => Err(Self::ObjectUnknown),
            4 => Err(Self::Nested),
            5 => Err(Self::Unsupported),
            _ => Ok(()),
        }
    }

    /// What became of an access, in one number: 0 for a recorded one. The kernel's global functions give numbers.
    #[must_use]
    pub const fn number(result: Result<(), Self>) -> u32 {
        match result {
            Ok(()) => 0,
            Err(reason) => reason as u32,
        }
    }

    /// Whether what is counted so is lost.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        !matches!(self, Self::Seen | Self::MapFull | Self::Truncated)
    }

    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Seen,
        Self::RingFull,
        Self::SubjectUnknown,
        Self::ObjectUnknown,
        Self::Nested,
        Self::Unsupported,
        Self::MapFull,
        Self::Truncated,
    ];
}
