//! Counting what was seen and what was lost.

use core::intrinsics::{AtomicOrdering, atomic_xadd};

use whittle_schemas::record::{
    Family,
    counter::{Reason, index},
};

use crate::{maps::COUNTS, usage::Generation};

/// Adds one to a counter of this CPU. Atomic, because a program may be interrupted by another one between
/// a load and a store.
#[inline(always)]
pub(crate) fn up(generation: Generation, family: Family, reason: Reason) {
    up_by(generation, family, reason, 1);
}

/// As [`up`], for several accesses at once.
#[inline(always)]
pub(crate) fn up_by(generation: Generation, family: Family, reason: Reason, amount: u64) {
    if let Some(counter) = COUNTS.get_ptr_mut(index(generation.number(), family, reason)) {
        add(counter, amount);
    }
}

/// `*place += amount`, without reading the old value back: kernels before 5.12 have no other atomic.
#[inline(always)]
pub(crate) fn add(place: *mut u64, amount: u64) {
    // SAFETY: callers pass a pointer into a map value, aligned to eight bytes and valid for the program's run.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(place, amount) };
}
