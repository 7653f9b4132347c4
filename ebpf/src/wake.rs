//! When a record wakes the agent. By itself the kernel wakes a reader that has read all before it: for each record, where they come
//! slower than they are read. But what is for the tables can wait a fraction of a second in the ring. A new subject cannot, which the agent
//! looks up while it lives, nor a library that may be OpenSSL's, which has to be found before it is used.

use aya_ebpf::helpers::generated::bpf_ringbuf_query;
use whittle_schemas::record::wake::{self, AWAKE, BY_ANY, Wake};

use crate::{
    maps::{RING, WAKE},
    scratch::Scratch,
};

/// How long a record can wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// The agent has to do something about it.
    Now,
    /// It is for the tables.
    Later,
}

impl Urgency {
    /// Of an opened file whose name is so long, and stands at the start of the text with a slash behind it.
    #[inline(always)]
    pub(crate) fn of_file(scratch: &mut Scratch, length: u32) -> Self {
        let last = (length as usize).wrapping_sub(3);
        // SAFETY: both places are inside of the slot, whatever the length, and have four bytes behind them.
        let is_library = unsafe {
            wake::is_library(
                scratch.text(0).cast::<u32>().read_unaligned(),
                scratch.text(last).cast::<u32>().read_unaligned(),
            )
        };
        if is_library { Self::Now } else { Self::Later }
    }
}

/// `BPF_RB_NO_WAKEUP`, `BPF_RB_FORCE_WAKEUP` and `BPF_RB_AVAIL_DATA` of `include/uapi/linux/bpf.h`.
const NO_WAKEUP: u64 = 1;
const FORCE_WAKEUP: u64 = 2;
const AVAIL_DATA: u64 = 0;

/// What a record is sent with.
#[inline(always)]
pub(crate) fn flags(urgency: Urgency) -> u64 {
    let Some(wake) = WAKE.get_ptr(0) else {
        return 0;
    };
    // SAFETY: a map's value, which the agent writes at any time: one load each.
    let (by, most) = unsafe { by_and_most(wake) };
    if by == AWAKE {
        // It looks into the ring before it waits again. Where it is about to, and has read all, what is urgent wakes it all the same.
        return if urgency == Urgency::Now {
            0
        } else {
            NO_WAKEUP
        };
    }
    if urgency == Urgency::Now || by == BY_ANY {
        return FORCE_WAKEUP;
    }
    // SAFETY: RING is a map.
    let there = unsafe { bpf_ringbuf_query((&raw const RING).cast_mut().cast(), AVAIL_DATA) };
    if there > u64::from(most) {
        FORCE_WAKEUP
    } else {
        NO_WAKEUP
    }
}

/// A record was sent with these flags: the next one need not wake the agent again.
#[inline(always)]
pub(crate) fn sent(flags: u64) {
    if flags == FORCE_WAKEUP
        && let Some(wake) = WAKE.get_ptr_mut(0)
    {
        // SAFETY: as above.
        unsafe { (&raw mut (*wake).by).write_volatile(AWAKE) };
    }
}

#[inline(always)]
unsafe fn by_and_most(wake: *const Wake) -> (u32, u32) {
    // SAFETY: the caller's.
    unsafe {
        (
            (&raw const (*wake).by).read_volatile(),
            (&raw const (*wake).most_bytes).read_volatile(),
        )
    }
}
