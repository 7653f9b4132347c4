//! Constants that the agent writes before load. The verifier knows their values, so that code for what
//! a host does not have is dead code there.

use whittle_schemas::record::offsets::Offsets;

/// Offsets of struct members on this kernel, from its BTF.
#[unsafe(no_mangle)]
pub(crate) static OFFSETS: Offsets = zeroed();

/// 1: every process is watched. 0: only the processes in the task map and their descendants.
#[unsafe(no_mangle)]
static WATCH_ALL: u32 = 0;

/// The agent's own process, which is never watched.
#[unsafe(no_mangle)]
static AGENT_TGID: u32 = 0;

/// 1: system calls are counted.
#[unsafe(no_mangle)]
static COUNT_CALLS: u32 = 0;

/// 1: the kernel's BTF does not say that the entry functions of system calls take a `struct pt_regs`.
#[unsafe(no_mangle)]
static OPAQUE_REGISTERS: u32 = 0;

/// 1: the kernel gives programs the running task with its type, as from Linux 5.11 on.
#[unsafe(no_mangle)]
static TYPED_TASK: u32 = 0;

/// 1: the kernel tells programs where a task's registers of user mode are, as from Linux 5.15 on.
#[unsafe(no_mangle)]
static TASK_REGISTERS: u32 = 0;

/// Places of one generation of the usage map, less one.
#[unsafe(no_mangle)]
static USAGE_MASK: u32 = 0;

/// Seed of the path hashes: random per load, so that nobody can prepare colliding paths.
#[unsafe(no_mangle)]
static HASH_SEED: u64 = 0;

const fn zeroed() -> Offsets {
    // SAFETY: Offsets is plain u32s, for which all bits zero is a value.
    unsafe { core::mem::zeroed() }
}

/// One member of [`OFFSETS`], as the agent wrote it.
macro_rules! offset {
    ($name:ident) => {{ $crate::config::read_u32(&raw const $crate::config::OFFSETS.$name) }};
}
pub(crate) use offset;

/// Reads a load-time constant. Volatile, or the compiler would fold in the zero that stands here.
#[inline(always)]
pub(crate) fn read_u32(place: *const u32) -> usize {
    // SAFETY: every caller passes the address of one of the statics above.
    unsafe { core::ptr::read_volatile(place) as usize }
}

#[inline(always)]
pub(crate) fn watch_all() -> bool {
    read_u32(&raw const WATCH_ALL) != 0
}

#[inline(always)]
pub(crate) fn agent_tgid() -> u32 {
    read_u32(&raw const AGENT_TGID) as u32
}

#[inline(always)]
pub(crate) fn count_calls() -> bool {
    read_u32(&raw const COUNT_CALLS) != 0
}

#[inline(always)]
pub(crate) fn opaque_registers() -> bool {
    read_u32(&raw const OPAQUE_REGISTERS) != 0
}

#[inline(always)]
pub(crate) fn has_typed_task() -> bool {
    read_u32(&raw const TYPED_TASK) != 0
}

#[inline(always)]
pub(crate) fn has_task_registers() -> bool {
    read_u32(&raw const TASK_REGISTERS) != 0
}

#[inline(always)]
pub(crate) fn usage_mask() -> u32 {
    read_u32(&raw const USAGE_MASK) as u32
}

#[inline(always)]
pub(crate) fn hash_seed() -> u64 {
    // SAFETY: the address of the static above.
    unsafe { core::ptr::read_volatile(&raw const HASH_SEED) }
}
