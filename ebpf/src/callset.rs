//! Hook family `syscall`: which system calls a process makes, and how often. Loaded only where that is asked for.
//!
//! Trigger: `tp_btf/sys_enter`, `TP_PROTO(struct pt_regs *regs, long id)`. The entry and not the exit: exit and
//! `exit_group` have none, and that of `rt_sigreturn` has lost the number. A call that a seccomp filter refuses does
//! not come here.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use whittle_schemas::record::{
    Family, KIND_CALL,
    callset::{CALL, CALLS, CallBody, I386, NATIVE, NO_CALL, X32},
    counter::Reason,
};

use crate::{number, path, sighting::Sighting, stand_in, subject, syscall::Call};

stand_in::taker! { callset_sys_enter_taker (Syscall, CALLSET_SYS_ENTER): btf_tracepoint "sys_enter" }

/// Any call, as it is entered.
#[btf_tracepoint(function = "sys_enter")]
fn callset_sys_enter(ctx: BtfTracePointContext) -> i32 {
    stand_in::entered(&ctx, &CALLSET_SYS_ENTER);
    count(ctx.arg::<u64>(1));
    0
}

/// `__X32_SYSCALL_BIT` of `arch/x86/include/uapi/asm/unistd.h`.
const X32_BIT: u64 = 0x4000_0000;

/// Counts one call of the running task.
#[inline(always)]
pub(crate) fn count(id: u64) {
    if let Some(sighting) = Sighting::of(Family::Syscall) {
        sighting.ended(try_count(sighting, id));
    }
}

#[inline(always)]
fn try_count(sighting: Sighting, id: u64) -> Result<(), Reason> {
    let subject = subject::of(sighting.task)?;
    let (interface, id) = if Call::is_compat() {
        (I386, id & 0xffff_ffff)
    } else if id & X32_BIT != 0 && id < 2 * X32_BIT {
        (X32, id & !X32_BIT)
    } else {
        (NATIVE, id)
    };
    let number = if id < u64::from(CALLS) {
        id as u32
    } else {
        NO_CALL
    };
    let object = u64::from(number) | (u64::from(interface) << 32);
    let key = sighting.key_of_number(subject, CALL, 0, object);
    number::touch(sighting, &key, KIND_CALL, |header| CallBody {
        header,
        key,
        text: path::EMPTY,
        number,
        interface,
    })
}
