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

/// Counts a repeat. False: this access is the first of its kind in this window, and goes to the ring.
#[inline(always)]
pub(crate) fn repeat(key: &UsageKey) -> bool {
    let Some(value) = generation(is_second()).get_ptr_mut(key) else { return false };
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
pub(crate) fn begin(family: Family, key: &UsageKey, record_flags: u8) {
    let map = generation(record_flags & FLAG_SECOND_GENERATION != 0);
    let value = UsageValue { repeats: 0, last_boottime_ns: 0 };
    if map.insert(key, value, BPF_NOEXIST).is_err() && map.get_ptr(key).is_none() {
        count::up(family, Reason::MapFull);
    }
}

/// The header flags of a record that is made now.
#[inline(always)]
pub(crate) fn flags() -> u8 {
    if is_second() { FLAG_SECOND_GENERATION } else { 0 }
}

#[inline(always)]
fn is_second() -> bool {
    GENERATION.get(0).is_some_and(|generation| *generation != 0)
}

#[inline(always)]
fn generation(second: bool) -> &'static HashMap<UsageKey, UsageValue> {
    if second { &USAGE_1 } else { &USAGE_0 }
}
