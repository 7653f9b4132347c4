//! Programs that the exits of many entry functions share: each hook is a few instructions and a tail call, and the verifier
//! looks at what they lead to once. From 6.1's updates on the kernel lets a program enter only what is attached to a function of the same
//! type, and types are the same within a part of the kernel and not across: those of sockets differ from those of files. And how a
//! family declares its calls.

use aya_ebpf::programs::FExitContext;

use crate::{maps::ENTERED, syscall::Call};

/// Place in [`ENTERED`]; the agent puts the program there before it attaches what enters them.
pub(crate) const CHANGE: u32 = 0;

/// Goes on in another program, which gets the same context.
#[inline(always)]
pub(crate) fn enter(ctx: &FExitContext, place: u32) -> i32 {
    // SAFETY: nothing here has to be dropped. It comes back only where the place is empty, which the agent sees to.
    unsafe { ENTERED.tail_call(ctx, place) };
    0
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
