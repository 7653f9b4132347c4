//! Programs that the exits of many entry functions share: each hook is a few instructions and a tail call, and the verifier
//! looks at what they lead to once. From 6.1's updates on the kernel lets a program enter only what is attached to a function of the same
//! type, and types are the same within a part of the kernel and not across: those of sockets differ from those of files. And how a
//! family declares its calls.

use aya_ebpf::programs::FExitContext;

use crate::{config, maps::ENTERED, syscall::Call};

/// Place in [`ENTERED`]; the agent puts the program there before it attaches what enters them.
pub(crate) const CHANGE: u32 = 0;

/// Goes on in another program, which gets the same context.
#[inline(always)]
pub(crate) fn enter(ctx: &FExitContext, place: u32) -> i32 {
    // SAFETY: nothing here has to be dropped. It comes back only where the place is empty, which the agent sees to.
    unsafe { ENTERED.tail_call(ctx, place) };
    0
}

/// To be at the start of every program that others enter. From Linux 6.13 on the kernel keeps the variables of a program in memory of the
/// CPU, for it lets nobody else into that program there; but who comes by a tail call from another one is not asked, and where the
/// kernel preempts probes two tasks would have the same variables. They stay on the task's stack in a program that itself has a tail call, which
/// this one has for nothing else: it is never made.
#[inline(always)]
pub(crate) fn keep_on_own_stack(ctx: &FExitContext) {
    if config::agent_tgid() == 0 {
        enter(ctx, CHANGE);
    }
}

/// The call's own number: that of an x32 call has a bit more.
#[inline(always)]
pub(crate) fn number(call: &Call) -> u64 {
    call.number() & 0x3fff_ffff
}

/// Defines system calls by number, what says whether a number is one of them, and for the exit of each one's entry function a program
/// that leads to `$ended`, which gets the number and the context.
macro_rules! calls {
    ($family:ident, $is_one:ident, $ended:ident; $($name:ident $program:ident = $number:literal, $function:literal;)*) => {
        $(const $name: u64 = $number;)*

        #[inline(always)]
        pub(crate) const fn $is_one(number: u64) -> bool {
            matches!(number, $($name)|*)
        }

        $(
            #[fexit(function = $function)]
            fn $program(ctx: FExitContext) -> i32 {
                if $crate::stand_in::is_taken(&ctx, Family::$family) {
                    return 0;
                }
                $ended($name, &ctx)
            }
        )*
    };
}
pub(crate) use calls;
