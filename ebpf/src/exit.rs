//! The exit of a system call, `TP_PROTO(struct pt_regs *regs, long ret)` of `include/trace/events/syscalls.h`. Every call of every process
//! comes by, and most concern nobody: one program is attached for all families, and goes on in those of the families that a call
//! concerns, by tail calls. Which calls these are each family says in its own file; a table of them is made when this is compiled.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use whittle_schemas::record::exit::{CHANGE, EXEC, OPEN, PAYLOAD, PLACES, PRIVILEGE, SOCKET};

use crate::{
    change, file, maps::EXITS, own_stack, payload, privilege, process, socket, stand_in, subject,
    syscall::Call,
};

/// The one that is attached.
#[btf_tracepoint(function = "sys_exit")]
fn exit_sys_exit(ctx: BtfTracePointContext) -> i32 {
    // First, whatever call it is: what the kernel leaves out it counts without looking at the number.
    if stand_in::is_taken_at_exit(&ctx) {
        return 0;
    }
    let concerned = concerned(&Call::of(&ctx));
    if concerned != 0 && subject::watched().is_some() {
        enter(&ctx, concerned);
    }
    0
}

/// To be at the end of each program that is entered, whatever came of it: goes on in the next one that the call concerns. The tail
/// call is there even where nothing can follow, and is never made then: see `own_stack`.
#[inline(always)]
pub(crate) fn go_on<const PLACE: u32>(ctx: &BtfTracePointContext) -> i32 {
    let behind = const { behind(PLACE) };
    if behind != 0 {
        enter(ctx, concerned(&Call::of(ctx)) & behind);
    } else {
        own_stack::keep(ctx, &EXITS);
    }
    0
}

/// The places of a call's programs, a bit each.
#[inline(always)]
fn concerned(call: &Call) -> u32 {
    let Some(concerned) = CONCERNED.get(call.number() as usize) else {
        return 0;
    };
    let concerned = u32::from(*concerned);
    // Before anything is looked up: frequent calls have numbers that others are asked for by in the other interface.
    if concerned == 0 {
        0
    } else if Call::is_compat() {
        concerned >> OF_32
    } else {
        concerned & ((1 << OF_32) - 1)
    }
}

/// From this bit on, those of a call of the 32-bit interface.
const OF_32: u32 = u16::BITS / 2;

const _: () = assert!(PLACES <= OF_32);

/// More than the kernel has calls; those of x32 have a bit more, and are nobody's.
const NUMBERS: usize = 512;

/// By number, what [`concerned`] says.
static CONCERNED: [u16; NUMBERS] = by_number();

const fn by_number() -> [u16; NUMBERS] {
    let mut table = [0; NUMBERS];
    let mut number = 0;
    while number < NUMBERS {
        table[number] = of_number(number as u64);
        number += 1;
    }
    table
}

/// The places behind one that some call concerns as well.
const fn behind(place: u32) -> u32 {
    let mut found = 0;
    let mut number = 0;
    while number < NUMBERS {
        let concerned = CONCERNED[number] as u32;
        if concerned >> place & 1 != 0 {
            found |= concerned;
        }
        if concerned >> (place + OF_32) & 1 != 0 {
            found |= concerned >> OF_32;
        }
        number += 1;
    }
    found & ((1 << PLACES) - (2 << place))
}

/// Which program is entered for which calls, and for which of the 32-bit interface.
macro_rules! programs {
    ($($place:ident: $is_one:path, $is_one_32:path;)*) => {
        const fn of_number(number: u64) -> u16 {
            $((($is_one(number) as u16) << $place) | (($is_one_32(number) as u16) << ($place + OF_32)))|*
        }

        /// Goes on in the first of these programs that is there. A family that is left out, or has another backend, has none.
        #[inline(always)]
        fn enter(ctx: &BtfTracePointContext, places: u32) {
            // A call for each: of one whose place the verifier knows the kernel makes a jump.
            $(
                if places & (1 << $place) != 0 {
                    // SAFETY: nothing here has to be dropped.
                    unsafe { EXITS.tail_call(ctx, $place) };
                }
            )*
        }
    };
}

programs! {
    OPEN: file::is_open, file::is_open_32;
    CHANGE: change::is_change, change::is_change_32;
    EXEC: process::is_exec, process::is_exec_32;
    PRIVILEGE: privilege::is_act, privilege::is_act_32;
    SOCKET: socket::is_ours, socket::is_ours_32;
    PAYLOAD: payload::is_ours, payload::is_ours_32;
}
