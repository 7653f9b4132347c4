//! Markers in the probes' instructions, for which the agent writes numbers of the host before it loads them. The verifier sees the
//! numbers alone, so that a branch that the host has no use for is dead code there.

/// Offset field of a load: of the member at index 0 of [`super::offsets::MEMBERS`], which those of the others follow. Nothing else
/// is loaded from so far behind a pointer.
pub const LOADED: i16 = 0x7000;

/// Immediate of an addition, or of a move, in the same way.
pub const ADDED: i32 = 0x5749_0000;

/// Immediate of a move: the first of [`Constant`].
pub const MOVED: i32 = 0x5749_8000;

/// One past the last immediate that is a marker.
pub const END: i32 = 0x574a_0000;

/// A number that is no offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Constant {
    /// 1: every process is watched. 0: only the processes in the task map and their descendants.
    WatchAll = 0,
    /// The agent's own process, which is never watched.
    AgentTgid = 1,
    /// 1: system calls are counted.
    CountCalls = 2,
    /// 1: the kernel's BTF does not say that the entry functions of system calls take a `struct pt_regs`.
    OpaqueRegisters = 3,
    /// 1: the kernel gives programs the running task with its type, as from Linux 5.11 on.
    TypedTask = 4,
    /// 1: the kernel tells programs where a task's registers of user mode are, as from Linux 5.15 on.
    TaskRegisters = 5,
    /// Places of one generation of the usage map, less one.
    UsageMask = 6,
    /// 1: programs are attached several times over: see `stand_in` of the probes.
    StandIns = 7,
    /// First address at which memory may be mapped without `CAP_SYS_RAWIO`.
    LowestAddress = 8,
}

/// How many there are.
pub const CONSTANTS: usize = 9;
