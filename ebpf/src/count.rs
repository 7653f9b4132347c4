//! Counting what was seen and what was lost.

use core::intrinsics::{AtomicOrdering, atomic_xadd};

use whittle_schemas::record::{
    Family,
    counter::{Reason, index},
};

use crate::maps::COUNTS;

/// Adds one to a counter of this CPU. Atomic, because a program may be interrupted by another one between
/// a load and a store.
#[inline(always)]
pub(crate) fn up(family: Family, reason: Reason) {
    if let Some(counter) = COUNTS.get_ptr_mut(index(family, reason)) {
        add(counter, 1);
    }
}

/// `*place += amount`, without reading the old value back: kernels before 5.12 have no other atomic.
#[inline(always)]
pub(crate) fn add(place: *mut u64, amount: u64) {
    // SAFETY: callers pass a pointer into a map value, aligned to eight bytes and valid for the program's run.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(place, amount) };
}
