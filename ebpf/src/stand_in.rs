//! Stand-ins. A kernel that preempts its own work preempts probes, too, and leaves a program out on a CPU where another task is
//! inside of it. There the agent attaches a program several times over, each time as a program of its own to the kernel: the one that is
//! first at a hook takes the call, and one behind it takes what nobody before it took. Each says where it was for the thread. What none
//! gets the kernel has counted with the first, what a stand-in takes is counted here, and `agent/src/kernel/misses.rs` subtracts. Of a large
//! program it is a small one that stands there, and enters it.
//!
//! Not for hooks that an interrupt comes by: it would have taken the call of the thread below it.

use aya_ebpf::{
    EbpfContext,
    helpers::{bpf_get_attach_cookie, bpf_get_current_pid_tgid},
    maps::ProgramArray,
};
use whittle_schemas::record::{
    Family,
    stand_in::{ALONE, AT_EXIT, FIRST, MOST, THREADS_OF_ENTRY},
};

use crate::{
    config, count,
    maps::{STOOD_IN, TAKEN},
    own_stack,
};

/// Defines what stands in the place of a large program, several times over: a small one, which takes the call and enters the large one by
/// a tail call. The verifier looks at that one once, however many there are. It is in a map that has its name in capitals, and has
/// [`entered`] at its start.
macro_rules! taker {
    ($taker:ident ($family:ident, $map:ident): fexit $function:literal) => {
        $crate::stand_in::taker!(@ $taker, $family, $map, fexit, aya_ebpf::programs::FExitContext, $function);
    };
    ($taker:ident ($family:ident, $map:ident): btf_tracepoint $function:literal) => {
        $crate::stand_in::taker!(@ $taker, $family, $map, btf_tracepoint, aya_ebpf::programs::BtfTracePointContext, $function);
    };
    (@ $taker:ident, $family:ident, $map:ident, $kind:ident, $context:ty, $function:literal) => {
        #[aya_ebpf::macros::map]
        static $map: aya_ebpf::maps::ProgramArray = aya_ebpf::maps::ProgramArray::with_max_entries(1, 0);

        #[aya_ebpf::macros::$kind(function = $function)]
        fn $taker(ctx: $context) -> i32 {
            $crate::stand_in::take(&ctx, whittle_schemas::record::Family::$family, &$map)
        }
    };
}
pub(crate) use taker;

/// What a [`taker`] does.
#[inline(always)]
pub(crate) fn take(ctx: &impl EbpfContext, family: Family, program: &ProgramArray) -> i32 {
    if !is_taken(ctx, family) {
        // SAFETY: nothing here has to be dropped. It comes back only where the place is empty, which the agent sees to.
        unsafe { program.tail_call(ctx, 0) };
    }
    0
}

/// To be in a program that takers enter, with the map that they find it in: see `own_stack`.
#[inline(always)]
pub(crate) fn entered(ctx: &impl EbpfContext, program: &ProgramArray) {
    own_stack::keep(ctx, program);
}

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
