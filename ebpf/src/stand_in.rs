//! Stand-ins. A kernel that preempts its own work preempts probes, too, and leaves a program out on a CPU where another task is
//! inside of it. There the agent attaches a program several times over, each time as a program of its own to the kernel: the one that is
//! first at a hook takes the call, and one behind it takes what nobody before it took. Each says where it was for the thread. What none
//! gets the kernel has counted with the first, what a stand-in takes is counted here, and `agent/src/kernel/misses.rs` subtracts.
//!
//! Not for hooks that an interrupt comes by: it would have taken the call of the thread below it.

use aya_ebpf::{
    EbpfContext,
    helpers::{bpf_get_attach_cookie, bpf_get_current_pid_tgid},
};
use whittle_schemas::record::{
    Family,
    stand_in::{ALONE, AT_EXIT, FIRST, MOST, THREADS_OF_ENTRY},
};

use crate::{
    config, count,
    maps::{STOOD_IN, TAKEN},
};

/// Whether the running program has to leave this call, for one before it has taken it.
#[inline(always)]
pub(crate) fn is_taken(ctx: &impl EbpfContext, family: Family) -> bool {
    is_taken_of(ctx, family as u32)
}

/// As [`is_taken`], of the program that is all families': see `exit`.
#[inline(always)]
pub(crate) fn is_taken_at_exit(ctx: &impl EbpfContext) -> bool {
    is_taken_of(ctx, AT_EXIT as u32)
}

#[inline(always)]
fn is_taken_of(ctx: &impl EbpfContext, counted_as: u32) -> bool {
    if !config::has_stand_ins() {
        return false;
    }
    // SAFETY: the context is the program's own.
    let own = unsafe { bpf_get_attach_cookie(ctx.as_ptr()) };
    if own == ALONE {
        return false;
    }
    let own = own as u8;
    let first = own & !MOST | FIRST;
    let Some(last) = of_thread() else {
        return own != first;
    };
    // SAFETY: the byte is the running thread's, which is in one program at a time.
    let before = unsafe {
        let before = last.read_volatile();
        last.write_volatile(own);
        before
    };
    // Of an earlier call stays who was the last there: behind this one, or this one itself, unless it was left out.
    let is_taken = first <= before && before < own;
    if own != first
        && !is_taken
        && let Some(counter) = STOOD_IN.get_ptr_mut(counted_as)
    {
        count::add(counter, 1);
    }
    is_taken
}

/// The running thread's byte: the last program with stand-ins, or stand-in, that it was in. None for threads whose number is higher than any
/// was to be when the probes were loaded, and for the idle ones, which share theirs.
#[inline(always)]
fn of_thread() -> Option<*mut u8> {
    let tid = bpf_get_current_pid_tgid() as u32;
    if tid == 0 {
        return None;
    }
    let entry = TAKEN.get_ptr_mut(tid / THREADS_OF_ENTRY)?;
    let place = (tid % THREADS_OF_ENTRY) as usize;
    // SAFETY: an entry has a byte for each of them.
    Some(unsafe { entry.cast::<u8>().add(place) })
}
