//! Numbers that the agent writes into the probes before it loads them. The verifier knows their values, so that code for what
//! a host does not have is dead code there. Offsets of struct members are used as `member` has it.

use core::{arch::asm, hint};

use whittle_schemas::record::immediate::{Constant, MOVED};

/// Seed of the path hashes: random per load, so that nobody can prepare colliding paths.
#[unsafe(no_mangle)]
static HASH_SEED: u64 = 0;

/// A member of a kernel struct, by its name in `whittle_schemas::record::offsets::Offsets`.
macro_rules! offset {
    ($name:ident) => {{
        const INDEX: usize =
            core::mem::offset_of!(whittle_schemas::record::offsets::Offsets, $name) / 4;
        $crate::member::Member::<INDEX>
    }};
}
pub(crate) use offset;

/// A number that stands in the instruction.
macro_rules! constant {
    ($name:ident) => {{
        let number: u64;
        // SAFETY: it writes a register.
        unsafe {
            asm!(
                "{number} = {marker}",
                number = out(reg) number,
                marker = const MOVED + Constant::$name as i32,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        // SAFETY: the agent writes no negative number of 32 bits.
        unsafe { hint::assert_unchecked(number < 1 << 31) };
        number
    }};
}

#[inline(always)]
pub(crate) fn watch_all() -> bool {
    constant!(WatchAll) != 0
}

#[inline(always)]
pub(crate) fn agent_tgid() -> u32 {
    constant!(AgentTgid) as u32
}

#[inline(always)]
pub(crate) fn count_calls() -> bool {
    constant!(CountCalls) != 0
}

#[inline(always)]
pub(crate) fn opaque_registers() -> bool {
    constant!(OpaqueRegisters) != 0
}

#[inline(always)]
pub(crate) fn has_typed_task() -> bool {
    constant!(TypedTask) != 0
}

#[inline(always)]
pub(crate) fn has_task_registers() -> bool {
    constant!(TaskRegisters) != 0
}

#[inline(always)]
pub(crate) fn usage_mask() -> u32 {
    constant!(UsageMask) as u32
}

#[inline(always)]
pub(crate) fn has_stand_ins() -> bool {
    constant!(StandIns) != 0
}

#[inline(always)]
pub(crate) fn lowest_address() -> u64 {
    constant!(LowestAddress)
}

#[inline(always)]
pub(crate) fn hash_seed() -> u64 {
    // SAFETY: the address of the static above. Volatile, or the compiler would fold in the zero that stands here.
    unsafe { core::ptr::read_volatile(&raw const HASH_SEED) }
}
