//! A system call that ended: its number, arguments and result, from the registers that both the `sys_exit`
//! tracepoint and `fexit` of the entry function give. The registers keep the arguments until the call's end.

use aya_ebpf::{
    EbpfContext,
    helpers::{bpf_probe_read_user, generated},
    programs::{BtfTracePointContext, FExitContext},
};

use whittle_schemas::record::{Family, counter::Reason};

use crate::{
    config::{self, offset},
    kernel::{argument, current, read_or_zero},
    member::Member,
    sighting::Sighting,
    typed::Typed,
};

/// One call.
pub(crate) struct Call {
    registers: *const u8,
    result: i64,
    /// The registers came from the entry function, whose kernel may not say what they are.
    of_entry: bool,
}

impl Call {
    /// From `TP_PROTO(struct pt_regs *regs, long ret)` of `sys_exit`.
    #[inline(always)]
    pub(crate) fn of(ctx: &BtfTracePointContext) -> Self {
        Self {
            registers: ctx.arg(0),
            result: ctx.arg(1),
            of_entry: false,
        }
    }

    /// From `long __x64_sys_*(const struct pt_regs *regs)`.
    #[inline(always)]
    pub(crate) fn of_entry(ctx: &FExitContext) -> Self {
        let registers = if config::opaque_registers() {
            // As a number: the verifier lets nobody load a pointer whose type it does not know.
            read_or_zero::<u64>(ctx.as_ptr() as u64, 0) as *const u8
        } else {
            ctx.arg(0)
        };
        Self {
            registers,
            result: ctx.arg(1),
            of_entry: true,
        }
    }

    #[inline(always)]
    pub(crate) fn number(&self) -> u64 {
        self.register(offset!(regs_orig_ax))
    }

    /// Argument 0 to 5, in the registers that x86-64 passes them in.
    #[inline(always)]
    pub(crate) fn argument(&self, index: u32) -> u64 {
        match index {
            0 => self.register(offset!(regs_di)),
            1 => self.register(offset!(regs_si)),
            2 => self.register(offset!(regs_dx)),
            3 => self.register(offset!(regs_r10)),
            4 => self.register(offset!(regs_r8)),
            _ => self.register(offset!(regs_r9)),
        }
    }

    #[inline(always)]
    fn register<const INDEX: usize>(&self, member: Member<INDEX>) -> u64 {
        // Asked again for each: the verifier of 5.10 may forget a constant that was spilled, and would look at both branches.
        if self.of_entry && config::opaque_registers() {
            read_or_zero(self.registers as u64, member)
        } else {
            argument(self.registers, member)
        }
    }

    #[inline(always)]
    pub(crate) fn result(&self) -> i64 {
        self.result
    }

    /// 0, or the positive errno.
    #[inline(always)]
    pub(crate) fn errno(&self) -> i32 {
        if self.result < 0 {
            -self.result as i32
        } else {
            0
        }
    }

    /// The access of the running call, if somebody watches. Where it came through the 32-bit interface, it is counted as lost.
    #[inline(always)]
    pub(crate) fn sighting(family: Family) -> Option<Sighting> {
        let sighting = Sighting::of(family)?;
        if Self::is_compat() {
            sighting.ended(Err(Reason::Unsupported));
            return None;
        }
        Some(sighting)
    }

    /// Whether the running call is one of the 32-bit interface (`TS_COMPAT` of
    /// `arch/x86/include/asm/thread_info.h`).
    #[inline(always)]
    pub(crate) fn is_compat() -> bool {
        let status: u32 = if config::has_typed_task() {
            Typed::current().load(offset!(task_thread_status))
        } else {
            read_or_zero(current(), offset!(task_thread_status))
        };
        status & 2 != 0
    }
}

/// Reads a value from the caller's memory.
#[inline(always)]
pub(crate) fn read_user<T>(address: u64) -> Option<T> {
    // SAFETY: the helper checks the address itself; every T used here is plain integers.
    unsafe { bpf_probe_read_user(address as *const T) }.ok()
}

/// As [`read_user`], into a value that is there already. False: it cannot be read, and is zero.
#[inline(always)]
pub(crate) fn read_user_into<T>(address: u64, value: &mut T) -> bool {
    let size = size_of::<T>() as u32;
    // SAFETY: `value` has `size` bytes; every T used here is plain integers.
    unsafe {
        generated::bpf_probe_read_user((&raw mut *value).cast(), size, address as *const _) == 0
    }
}

/// As [`read_user`], with zeros for what cannot be read: the helper clears it. Of `read_user(..).unwrap_or(0)` the
/// compiler may make a value that is not always there, which the verifier of 6.1 refuses.
#[inline(always)]
pub(crate) fn read_user_or_zero<T: Default>(address: u64) -> T {
    let mut value = T::default();
    let size = size_of::<T>() as u32;
    // SAFETY: `value` has `size` bytes; every T used here is plain integers.
    unsafe { generated::bpf_probe_read_user((&raw mut value).cast(), size, address as *const _) };
    value
}
