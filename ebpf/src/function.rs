//! A function of the kernel that returned: its arguments and its result, as numbers. `fexit` has both at once; a kprobe
//! remembers the running thread's arguments until its kretprobe has the result. What the functions are is the families'.

use aya_ebpf::{
    EbpfContext,
    helpers::bpf_get_current_pid_tgid,
    programs::{FExitContext, ProbeContext, RetProbeContext},
};
use whittle_schemas::record::{Family, counter::Reason};

use crate::{
    config::offset,
    kernel::{read, read_or_zero},
    maps::INSIDE,
    scratch::BPF_NOEXIST,
    sighting::Sighting,
    subject,
};

/// Arguments that are kept of a function.
pub(crate) const ARGUMENTS: usize = 5;

/// A call of a kernel function, after its end.
pub(crate) struct Returned {
    arguments: [u64; ARGUMENTS],
    result: u64,
}

impl Returned {
    /// From `fexit` of a function with this many arguments. Read and not loaded: the verifier lets nobody compute with
    /// typed pointers.
    #[inline(always)]
    pub(crate) fn of_exit(ctx: &FExitContext, arguments: usize) -> Option<Self> {
        let base = ctx.as_ptr() as u64;
        Some(Self {
            arguments: read(base, 0)?,
            result: read(base, arguments * size_of::<u64>())?,
        })
    }

    /// From a kretprobe, with what the kprobe of the same place remembered; None where it had no reason to.
    #[inline(always)]
    pub(crate) fn of_return(ctx: &RetProbeContext, place: Place) -> Option<Self> {
        let key = place.key();
        // SAFETY: the entry is this thread's own.
        let arguments = unsafe { *INSIDE.get_ptr(key)? };
        // It was there a moment ago, and nobody else has this key.
        let _ = INSIDE.remove(key);
        Some(Self {
            arguments,
            result: result(ctx),
        })
    }

    #[inline(always)]
    pub(crate) fn argument(&self, index: usize) -> u64 {
        self.arguments[index]
    }

    #[inline(always)]
    pub(crate) fn result(&self) -> u64 {
        self.result
    }

    /// As [`errno`], of the result.
    #[inline(always)]
    pub(crate) fn errno(&self) -> i32 {
        errno(self.result)
    }
}

/// 0, or the positive errno, of what a function gave that gives an `int`, a `long` or an error pointer.
#[inline(always)]
pub(crate) fn errno(result: u64) -> i32 {
    // An `int` leaves the register's upper half empty.
    let result = if result < 1 << 32 {
        i64::from(result as i32)
    } else {
        result as i64
    };
    if (-4095..0).contains(&result) {
        -result as i32
    } else {
        0
    }
}

/// What a function gave that a kretprobe is on.
#[inline(always)]
pub(crate) fn result(ctx: &RetProbeContext) -> u64 {
    read_or_zero(ctx.as_ptr() as u64, offset!(regs_ax))
}

/// A function that kprobes are on.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Tells it from others that the same thread may be in meanwhile.
    pub(crate) number: u8,
    pub(crate) family: Family,
}

impl Place {
    /// Process and thread ids have 22 bits.
    #[inline(always)]
    fn key(self) -> u64 {
        bpf_get_current_pid_tgid() | (u64::from(self.number) << 56)
    }

    /// Remembers the arguments until the function returns, where somebody watches the process and `is_ours` says of them that
    /// the family has to do with it.
    #[inline(always)]
    pub(crate) fn enter(
        self,
        ctx: &ProbeContext,
        is_ours: impl FnOnce(&[u64; ARGUMENTS]) -> bool,
    ) -> u32 {
        if subject::watched().is_none() {
            return 0;
        }
        let arguments = arguments(ctx);
        if is_ours(&arguments) {
            self.remember(arguments);
        }
        0
    }

    #[inline(always)]
    fn remember(self, arguments: [u64; ARGUMENTS]) {
        let key = self.key();
        if INSIDE.insert(key, arguments, BPF_NOEXIST).is_ok() {
            return;
        }
        // The kernel has only so many return probes of a function at a time. Where it had none, what the last call
        // remembered is still here; or there is no room.
        if let Some(sighting) = Sighting::of(self.family) {
            sighting.ended(Err(Reason::Nested));
        }
        // Without room this call is the one that was counted.
        let _ = INSIDE.insert(key, arguments, 0);
    }
}

/// The registers that x86-64 passes a function's arguments in.
#[inline(always)]
pub(crate) fn arguments(ctx: &ProbeContext) -> [u64; ARGUMENTS] {
    let registers = ctx.as_ptr() as u64;
    [
        read(registers, offset!(regs_di)).unwrap_or(0),
        read(registers, offset!(regs_si)).unwrap_or(0),
        read(registers, offset!(regs_dx)).unwrap_or(0),
        read(registers, offset!(regs_cx)).unwrap_or(0),
        read(registers, offset!(regs_r8)).unwrap_or(0),
    ]
}
