//! Hook family `file`: opens of every form, with what they were for and how they ended.
//!
//! Triggers:
//! - `sys_exit` of open, openat, openat2, creat: the descriptor leads to the `struct file`.
//! - `fexit` of `do_filp_open(int dfd, struct filename *pathname, const struct open_flags *op)` (5.10 to 6.12;
//!   `do_file_open` on 7.3): one call per request, `io_uring`'s included, and its result tells a refusal.
//! - kprobe and kretprobe of the same function, beside the first: for what comes another way than by those calls.

use aya_ebpf::{
    EbpfContext,
    macros::{btf_tracepoint, fexit, kprobe, kretprobe},
    programs::{BtfTracePointContext, FExitContext, ProbeContext, RetProbeContext},
};
use whittle_schemas::record::{Family, counter::Reason, exit::OPEN as OPEN_PLACE};

use crate::{
    access::{self, AT_FDCWD, Asking, O_CREAT, O_TRUNC, O_WRONLY},
    asked::Asked,
    config::{self, offset},
    exit,
    function::{Place, Returned},
    kernel::{self, read},
    sighting::Sighting,
    stand_in, subject,
    syscall::{self, Call},
    typed::Typed,
    uring,
};

/// An open that ended, as both triggers report it.
struct Open {
    /// `O_` flags as the caller gave them.
    flags: u64,
    /// Where a relative path starts: a descriptor, or `AT_FDCWD`.
    directory: i32,
    asked: Asked,
    /// The opened `struct file`, or the errno.
    result: Result<u64, i32>,
}

/// What the exit of these calls leads to.
#[btf_tracepoint(function = "sys_exit")]
fn file_sys_exit(ctx: BtfTracePointContext) -> i32 {
    let call = Call::of(&ctx);
    if let Some(sighting) = Call::sighting(Family::File) {
        sighting.ended(by_call(&call).and_then(|open| touch(sighting, &open)));
    }
    exit::go_on::<OPEN_PLACE>(&ctx)
}

/// Exit of the kernel's open: the function that every form of it ends in.
#[fexit(function = "do_filp_open")]
fn file_filp_open(ctx: FExitContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::File) {
        return 0;
    }
    let flags: u32 = Typed::argument(&ctx, 2).load(offset!(open_flags_flag));
    // Opens by execve are the process family's.
    if flags & FMODE_EXEC != 0 {
        return 0;
    }
    if Typed::argument(&ctx, RESULT).is_error() && is_tried_again(&ctx) {
        return 0;
    }
    let file = Typed::argument(&ctx, RESULT);
    if config::has_typed_task() && !file.is_error() {
        let task = Typed::current();
        if let Some((sighting, subject)) = subject::of_typed(task, Family::File) {
            sighting.ended(subject.and_then(|subject| {
                access::opened_typed(sighting, subject, task, file, u64::from(flags))
            }));
        }
        return 0;
    }
    if let Some(sighting) = Sighting::of(Family::File) {
        sighting.ended(by_kernel(&ctx, sighting, u64::from(flags)));
    }
    0
}

#[inline(always)]
fn by_kernel(ctx: &FExitContext, sighting: Sighting, flags: u64) -> Result<(), Reason> {
    // From here on a number: the verifier lets nobody compute with a typed pointer.
    let result: u64 =
        read(ctx.as_ptr() as u64, RESULT * size_of::<u64>()).ok_or(Reason::ObjectUnknown)?;
    let name = read(ctx.arg::<u64>(1), offset!(filename_name)).ok_or(Reason::ObjectUnknown)?;
    let open = Open {
        flags,
        directory: ctx.arg::<u64>(0) as i32,
        asked: Asked::Kernel(name),
        result: pointer_or_errno(result),
    };
    touch(sighting, &open)
}

/// Index of the result behind the three arguments.
const RESULT: usize = 3;

/// `io_uring` first asks for what needs no waiting, and has a worker ask again where that is not enough.
#[inline(always)]
fn is_tried_again(ctx: &FExitContext) -> bool {
    let result: Option<i64> = read(ctx.as_ptr() as u64, RESULT * size_of::<u64>());
    result == Some(-EAGAIN) && !uring::is_call()
}

const EAGAIN: i64 = 11;

/// Place of kprobes.
const OPENED: Place = Place {
    number: 4,
    family: Family::File,
};

#[kprobe]
fn file_filp_open_entry(ctx: ProbeContext) -> u32 {
    OPENED.enter(&ctx, |_| !uring::is_call())
}

#[kretprobe]
fn file_filp_open_return(ctx: RetProbeContext) -> u32 {
    let Some(returned) = Returned::of_return(&ctx, OPENED) else {
        return 0;
    };
    let flags = read::<u32>(returned.argument(2), offset!(open_flags_flag)).unwrap_or(0);
    if flags & FMODE_EXEC != 0 || i64::from(returned.errno()) == EAGAIN {
        return 0;
    }
    if let Some(sighting) = Sighting::of(Family::File) {
        let ended = returned_open(&returned, u64::from(flags));
        sighting.ended(ended.and_then(|open| touch(sighting, &open)));
    }
    0
}

#[inline(always)]
fn returned_open(returned: &Returned, flags: u64) -> Result<Open, Reason> {
    let name = read(returned.argument(1), offset!(filename_name)).ok_or(Reason::ObjectUnknown)?;
    Ok(Open {
        flags,
        directory: returned.argument(0) as i32,
        asked: Asked::Kernel(name),
        result: pointer_or_errno(returned.result()),
    })
}

/// `__FMODE_EXEC` of `include/linux/fs.h`: set while execve opens a program.
const FMODE_EXEC: u32 = 0x20;

const OPEN: u64 = 2;
const CREAT: u64 = 85;
const OPENAT: u64 = 257;
const OPENAT2: u64 = 437;

#[inline(always)]
pub(crate) const fn is_open(number: u64) -> bool {
    matches!(number, OPEN | CREAT | OPENAT | OPENAT2)
}

/// The same calls of the 32-bit interface: open, creat, openat, openat2.
#[inline(always)]
pub(crate) const fn is_open_32(number: u64) -> bool {
    matches!(number, 5 | 8 | 295 | 437)
}

#[inline(always)]
fn by_call(call: &Call) -> Result<Open, Reason> {
    let (directory, asked, flags) = match call.number() {
        OPEN => (AT_FDCWD, call.argument(0), call.argument(1)),
        CREAT => (AT_FDCWD, call.argument(0), O_CREAT | O_WRONLY | O_TRUNC),
        OPENAT => (call.argument(0) as i32, call.argument(1), call.argument(2)),
        _ => (
            call.argument(0) as i32,
            call.argument(1),
            syscall::read_user::<u64>(call.argument(2)).unwrap_or(0),
        ),
    };
    let result = match call.errno() {
        0 => Ok(kernel::file_of(call.result() as u64)?),
        errno => Err(errno),
    };
    Ok(Open {
        flags,
        directory,
        asked: Asked::User(asked),
        result,
    })
}

#[inline(always)]
fn pointer_or_errno(value: u64) -> Result<u64, i32> {
    if value > u64::MAX - 4096 {
        Err(-(value as i64) as i32)
    } else {
        Ok(value)
    }
}

#[inline(always)]
fn touch(sighting: Sighting, open: &Open) -> Result<(), Reason> {
    let subject = subject::of(sighting.task)?;
    match open.result {
        Ok(file) => access::opened(sighting, subject, file, open.flags),
        Err(errno) => {
            let action = access::action(open.flags, open.flags & O_CREAT != 0);
            access::asked(
                sighting,
                Asking {
                    subject,
                    action,
                    errno,
                    directory: open.directory,
                    asked: open.asked,
                },
            )
        }
    }
}
