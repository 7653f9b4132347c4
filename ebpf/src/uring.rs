//! `io_uring`: who leads to a function that system calls and `io_uring` share, and, for families that do not see what it does,
//! that it is used. The exit of a call tells of the call; what `io_uring` asks for is told by the function itself, in
//! `change_uring` and `socket_uring`.
//!
//! Trigger: `tp_btf/io_uring_create`: `TP_PROTO(int fd, void *ctx, u32 sq_entries, u32 cq_entries, u32 flags)`, the same on
//! 5.10 to 7.3.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use whittle_schemas::record::{Family, counter::Reason};

use crate::{
    config::{self, offset},
    kernel::{current, read_or_zero},
    sighting::Sighting,
    stand_in,
    typed::{self, Typed},
};

/// Defines, for each family, the program that counts a ring as something that is lost to it.
macro_rules! unseen {
    ($($program:ident: $family:ident;)*) => {$(
        #[btf_tracepoint(function = "io_uring_create")]
        fn $program(ctx: BtfTracePointContext) -> i32 {
            if stand_in::is_taken(&ctx, Family::$family) {
                return 0;
            }
            if let Some(sighting) = Sighting::of(Family::$family) {
                sighting.ended(Err(Reason::Unsupported));
            }
            0
        }
    )*};
}

unseen! {
    uring_unseen_file: File;
    uring_unseen_socket: Socket;
    uring_unseen_payload: Payload;
}

/// Whether the running thread is inside of a system call of its own that is not `io_uring`'s. What `io_uring` does it does in
/// workers, inside of its own call, and at the end of other calls, when those have their result already.
#[inline(always)]
pub(crate) fn is_call() -> bool {
    const ENOSYS: i64 = 38;
    const IO_URING_ENTER: u64 = 426;
    if is_worker() {
        return false;
    }
    let (result, number): (i64, u64) = if config::has_task_registers() {
        let registers = typed::registers();
        (
            registers.load::<u64, _>(offset!(regs_ax)) as i64,
            registers.load(offset!(regs_orig_ax)),
        )
    } else {
        let registers = user_registers();
        (
            read_or_zero(registers, offset!(regs_ax)),
            read_or_zero(registers, offset!(regs_orig_ax)),
        )
    };
    // The entry code puts this there for a call that has no result yet.
    result == -ENOSYS && number != IO_URING_ENTER
}

/// Whether the running thread is one that `io_uring` made in the process.
#[inline(always)]
pub(crate) fn is_worker() -> bool {
    const PF_IO_WORKER: u32 = 0x10;
    let flags: u32 = if config::has_typed_task() {
        Typed::current().load(offset!(task_flags))
    } else {
        read_or_zero(current(), offset!(task_flags))
    };
    flags & PF_IO_WORKER != 0
}

/// Size of a thread's stack and of `struct pt_regs` on x86-64.
const THREAD_SIZE: u64 = 16_384;
const PT_REGS_BYTES: u64 = 168;

/// Where the running thread's registers of user mode are kept, by computing: they are the last thing on the stack.
#[inline(always)]
fn user_registers() -> u64 {
    read_or_zero::<u64>(current(), offset!(task_stack)) + THREAD_SIZE - PT_REGS_BYTES
}
