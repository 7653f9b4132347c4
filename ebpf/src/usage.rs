//! The usage map: a repeat costs one lookup and one add, and ends here.

use aya_ebpf::{helpers::bpf_ktime_get_boot_ns, maps::HashMap};
use whittle_schemas::record::{
    FLAG_SECOND_GENERATION, Family,
    counter::Reason,
    usage::{UsageKey, UsageValue},
};

use crate::{
    count,
    maps::{GENERATION, USAGE_0, USAGE_1},
    scratch::BPF_NOEXIST,
};

/// The generation that an access belongs to, whole: its counters, its map and its record. Read once, when
/// the access reaches the probe.
#[derive(Clone, Copy)]
pub(crate) struct Generation(u32);

impl Generation {
    /// The one that counts now.
    #[inline(always)]
    pub(crate) fn now() -> Self {
        Self(GENERATION.get(0).copied().unwrap_or(0) & 1)
    }

    /// 0 or 1.
    #[inline(always)]
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// The generation of this number, as one global function passes it to another.
    #[inline(always)]
    pub(crate) fn of_number(number: u32) -> Self {
        Self(number & 1)
    }

    /// The header flags of a record that belongs to it.
    #[inline(always)]
    pub(crate) fn flags(self) -> u8 {
        if self.0 == 0 {
            0
        } else {
            FLAG_SECOND_GENERATION
        }
    }

    #[inline(always)]
    fn map(self) -> &'static HashMap<UsageKey, UsageValue> {
        if self.0 == 0 { &USAGE_0 } else { &USAGE_1 }
    }
}

/// Counts a repeat. False: this access is the first of its kind in this window, and goes to the ring.
#[inline(always)]
pub(crate) fn repeat(generation: Generation, key: &UsageKey) -> bool {
    let Some(value) = generation.map().get_ptr_mut(key) else {
        return false;
    };
    // SAFETY: the kernel keeps the entry while the program runs; the agent removes entries only from a
    // generation that no program looks at any more.
    unsafe {
        count::add(&raw mut (*value).repeats, 1);
        (*value).last_boottime_ns = bpf_ktime_get_boot_ns();
    }
    true
}

/// Makes room for the repeats of an access whose record is in the ring. Without room each of them goes
/// to the ring as well, so nothing is lost.
#[inline(always)]
pub(crate) fn begin(generation: Generation, family: Family, key: &UsageKey) {
    let map = generation.map();
    let value = UsageValue {
        repeats: 0,
        last_boottime_ns: 0,
    };
    if map.insert(key, value, BPF_NOEXIST).is_err() && map.get_ptr(key).is_none() {
        count::up(generation, family, Reason::MapFull);
    }
}
