//! The usage map: one place per (subject, action, object, outcome), counting repeats. It is an open-addressing table in an array
//! of the kernel: looking a key up takes a fraction of what the kernel's own hash maps take, and the agent reads it as memory.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::Family;

/// Who did what, and how it ended: in each record of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UsageKey {
    /// Kernel subject id, as announced in a subject record.
    pub subject: u64,
    /// Stands for all of it, the object too.
    pub id: UsageId,
    /// The family's action bits, such as [`super::file::READ`].
    pub action: u16,
    /// Number of the [`super::Family`].
    pub family: u8,
    /// Padding, zero.
    pub pad: u8,
    /// 0, or the positive errno that the access ended with.
    pub errno: i32,
}

const _: () = assert!(size_of::<UsageKey>() == 32);

/// Words that an access is told apart by, at most: the subject; action, family and errno; and the object, in the family's own encoding.
pub const WORDS: usize = 6;

/// What makes two accesses the same: two sums of their [`WORDS`], each word times a factor that is random for each load of the probes, so
/// that nobody can prepare two with the same. The lowest bits of the second are the family's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UsageId(pub [u64; 2]);

/// Bits of [`UsageId`]'s second number that are the family's.
pub const FAMILY_BITS: u64 = 7;

impl UsageId {
    /// That of nothing.
    pub const NONE: Self = Self([0; 2]);

    /// The hook family; None for a number that this ABI does not know.
    #[must_use]
    pub fn family(self) -> Option<Family> {
        Family::from_number((self.0[1] & FAMILY_BITS) as u8)
    }
}

/// Instead of a family's number: the id stands for a folder whose path was sent, and its place has no repeats.
pub const FOLDER: u64 = 7;

const _: () = assert!(FOLDER <= FAMILY_BITS && FOLDER >= Family::ALL.len() as u64);

/// A place of the usage map, which both generations share: the first one's places come before the second one's. All zero: free.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UsageSlot {
    /// What is counted here. Its first number is written last, and is 0 until then.
    pub id: UsageId,
    /// Accesses after the first one of the generation, which is the ring record; and in units of [`CLAIM`], who wanted the
    /// place. Whoever finds itself the only one has it. Where two came at once nobody has it, and its id stays zero.
    pub claims_and_repeats: u64,
    /// When the last repeat ended, in the kernel's jiffies: a load, where a clock takes a call. 0 without repeats.
    pub last_jiffies: u64,
}

/// The value of map `TICK`: a time in jiffies and by the clock of records, written with each of these. With it the agent makes
/// times of [`UsageSlot::last_jiffies`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Tick {
    /// The kernel's jiffies, which begin somewhere, and stand still while the machine sleeps.
    pub jiffies: u64,
    /// `CLOCK_BOOTTIME`, in nanoseconds.
    pub boottime_ns: u64,
}

impl Tick {
    /// When so many jiffies were, one of which is so many nanoseconds: exact to one of them, and of before a sleep of the machine too late by
    /// as long as it slept.
    #[must_use]
    pub const fn boottime_ns_at(self, jiffies: u64, jiffy_ns: u64) -> u64 {
        // Jiffies wrap around; what is to be told is near.
        let since = jiffies.wrapping_sub(self.jiffies).cast_signed();
        let since_ns = since.saturating_mul(jiffy_ns.cast_signed());
        self.boottime_ns.saturating_add_signed(since_ns)
    }
}

/// In [`UsageSlot::claims_and_repeats`]: one claim. Below it is room for 280 trillion repeats.
pub const CLAIM: u64 = 1 << 48;

/// Places in which a key is looked for, from its home on: with a quarter of all places taken, one key in four hundred finds none. The
/// verifier looks at each, in each program.
pub const PROBES: u32 = 4;

const _: () = assert!(size_of::<UsageSlot>() == 32);

impl UsageSlot {
    /// How often the access was repeated.
    #[must_use]
    pub const fn repeats(&self) -> u64 {
        self.claims_and_repeats & (CLAIM - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_jiffies_is_told_from_one_that_is_known_by_both_clocks() {
        let tick = Tick {
            jiffies: 3,
            boottime_ns: 50_000_000,
        };
        assert_eq!(tick.boottime_ns_at(3, 4_000_000), 50_000_000);
        assert_eq!(tick.boottime_ns_at(5, 4_000_000), 58_000_000);
        assert_eq!(tick.boottime_ns_at(1, 4_000_000), 42_000_000);
        // They wrap around, and there is no time before the first.
        assert_eq!(tick.boottime_ns_at(u64::MAX, 4_000_000), 34_000_000);
        assert_eq!(tick.boottime_ns_at(u64::MAX - 99, 4_000_000), 0);
    }
}
