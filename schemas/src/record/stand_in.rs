//! Programs that are attached several times over at one hook: which of them is which, by its attachment's cookie.

use super::Family;

/// The hook's only one: an attachment that was given no cookie.
pub const ALONE: u64 = 0;

/// Bits of a cookie that say which one it is at its hook, from [`FIRST`] on; those above tell hooks apart.
pub const PLACE_BITS: u32 = 3;

/// The place of the one that runs first.
pub const FIRST: u8 = 1;

/// Most programs at a hook.
pub const MOST: u8 = (1 << PLACE_BITS) - 1;

/// The cookie for a place, from [`FIRST`] on, at a hook of this number. Never [`ALONE`]. Hooks that are far apart share theirs.
#[must_use]
pub const fn cookie(hook: usize, place: u8) -> u64 {
    let hooks = 1 << (u8::BITS - PLACE_BITS);
    ((hook % hooks) << PLACE_BITS) as u64 | place as u64
}

/// Where what stand-ins take is counted that stand at the exit of system calls: behind the families, by whose numbers the others count.
pub const AT_EXIT: usize = Family::ALL.len();

/// How many of these counters there are.
pub const COUNTED: usize = AT_EXIT + 1;

/// Slots of memory in which records are put together, on each CPU: one for each task that is preempted in a probe there.
pub const SLOTS: u32 = 8;

/// Slots where probes are not preempted: for a probe, one that interrupts it, and one that interrupts that, with one to spare.
pub const SLOTS_ALONE: u32 = 4;

/// Threads that an entry of the map `TAKEN` has a byte for each of.
pub const THREADS_OF_ENTRY: u32 = 8;
