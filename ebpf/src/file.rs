//! Hook family `file`: opens of every form, with what they were for and how they ended.
//!
//! Triggers:
//! - `sys_exit` of open, openat, openat2, creat: the descriptor leads to the `struct file`.
//! - `fexit` of `do_filp_open(int dfd, struct filename *pathname, const struct open_flags *op)` (5.10 to 6.12;
//!   `do_file_open` on 7.3): one call per request, io_uring's included, and its result tells a refusal.

use aya_ebpf::{
    macros::{btf_tracepoint, fexit},
    programs::{BtfTracePointContext, FExitContext},
};
use whittle_schemas::record::{
    Family, KIND_FILE, Text, WALK_FAULT, WALK_TRUNCATED,
    counter::Reason,
    file::{APPEND, CREATE, EXECUTE, FileBody, PATH, READ, TRUNCATE, WRITE},
    usage::UsageKey,
};

use crate::{
    config::offset,
    emit, hash,
    kernel::{self, read},
    path::{self, Asked, Path},
    scratch::{self, Scratch},
    subject::{self, Sighting},
    syscall::{self, Call},
    usage,
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

/// Exit of a system call: `TP_PROTO(struct pt_regs *regs, long ret)`, `include/trace/events/syscalls.h`.
#[btf_tracepoint(function = "sys_exit")]
fn file_sys_exit(ctx: BtfTracePointContext) -> i32 {
    let call = Call::of(&ctx);
    let Some(sighting) = call.watched(Family::File, is_open, is_open_32) else {
        return 0;
    };
    sighting.ended(by_call(&call).and_then(|open| touch(sighting, &open)));
    0
}

/// Exit of the kernel's open: the function that every form of it ends in.
#[fexit(function = "do_filp_open")]
fn file_filp_open(ctx: FExitContext) -> i32 {
    let result: u64 = ctx.arg(3);
    let flags: u32 = match read(ctx.arg::<u64>(2), offset!(open_flags_flag)) {
        Some(flags) => flags,
        None => 0,
    };
    // Opens by execve are the process family's.
    if flags & FMODE_EXEC != 0 {
        return 0;
    }
    let Some(sighting) = Sighting::of(Family::File) else {
        return 0;
    };
    let Some(name) = read(ctx.arg::<u64>(1), offset!(filename_name)) else {
        sighting.count(Reason::ObjectUnknown);
        return 0;
    };
    let open = Open {
        flags: u64::from(flags),
        directory: ctx.arg::<u64>(0) as i32,
        asked: Asked::Kernel(name),
        result: pointer_or_errno(result),
    };
    sighting.ended(touch(sighting, &open));
    0
}

/// `__FMODE_EXEC` of `include/linux/fs.h`: set while execve opens a program.
const FMODE_EXEC: u32 = 0x20;

const OPEN: u64 = 2;
const CREAT: u64 = 85;
const OPENAT: u64 = 257;
const OPENAT2: u64 = 437;

const AT_FDCWD: i32 = -100;

#[inline(always)]
fn is_open(number: u64) -> bool {
    matches!(number, OPEN | CREAT | OPENAT | OPENAT2)
}

/// The same calls of the 32-bit interface: open, creat, openat, openat2.
#[inline(always)]
fn is_open_32(number: u64) -> bool {
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
pub(crate) fn pointer_or_errno(value: u64) -> Result<u64, i32> {
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
        Ok(file) => opened(sighting, subject, file, Some(open.flags)),
        Err(errno) => {
            let action = action(open.flags, open.flags & O_CREAT != 0);
            let key = sighting.key(subject, action, errno);
            asked(sighting, key, open.directory, open.asked)
        }
    }
}

const O_WRONLY: u64 = 1;
const O_RDWR: u64 = 2;
const O_CREAT: u64 = 0o100;
const O_TRUNC: u64 = 0o1000;
const O_APPEND: u64 = 0o2000;
const O_PATH: u64 = 0o10_000_000;

/// The action bits of an open; `created`: whether it made the file.
#[inline(always)]
fn action(flags: u64, created: bool) -> u16 {
    if flags & O_PATH != 0 {
        return PATH;
    }
    let mut action = match flags & 3 {
        O_WRONLY => WRITE,
        O_RDWR => READ | WRITE,
        // 3 is an old way to ask for ioctl alone: no right to the content, and checked as both.
        3 => READ | WRITE,
        _ => READ,
    };
    if created {
        action |= CREATE;
    }
    if flags & O_TRUNC != 0 {
        action |= TRUNCATE;
    }
    if flags & O_APPEND != 0 {
        action |= APPEND;
    }
    action
}

/// `FMODE_CREATED` of `include/linux/fs.h`: this open made the file.
const FMODE_CREATED: u32 = 0x10_0000;

/// A file that was opened (`flags`) or executed (none): known by its dentry.
#[inline(always)]
pub(crate) fn opened(
    sighting: Sighting,
    subject: u64,
    file: u64,
    flags: Option<u64>,
) -> Result<(), Reason> {
    let path = Path::of_file(file).ok_or(Reason::ObjectUnknown)?;
    let inode: u64 = read(file, offset!(file_inode)).ok_or(Reason::ObjectUnknown)?;
    let sb: u64 = read(inode, offset!(inode_sb)).ok_or(Reason::ObjectUnknown)?;
    let number: u64 = read(inode, offset!(inode_ino)).ok_or(Reason::ObjectUnknown)?;
    let device: u32 = read(sb, offset!(sb_dev)).ok_or(Reason::ObjectUnknown)?;
    let name_hash: u32 =
        read(path.dentry, offset!(dentry_name_hash)).ok_or(Reason::ObjectUnknown)?;
    let action = match flags {
        Some(flags) => {
            let mode: u32 = read(file, offset!(file_mode)).ok_or(Reason::ObjectUnknown)?;
            action(flags, mode & FMODE_CREATED != 0)
        }
        None => EXECUTE,
    };
    let mut key = sighting.key(subject, action, 0);
    let name = (u64::from(device) << 32) | u64::from(name_hash);
    key.object = [number, path.mnt, name, u64::from(path::is_unlinked(path))];
    if usage::repeat(sighting.generation, &key) {
        return Ok(());
    }
    let mode: u16 = read(inode, offset!(inode_mode)).unwrap_or(0);
    scratch::with(|scratch, slot| {
        let mut text = path::EMPTY;
        path::walk(slot, path, &mut text);
        let inode = Inode {
            number,
            device,
            mode: u32::from(mode),
        };
        send(scratch, sighting, &key, text, inode)
    })?;
    usage::begin(sighting.generation, sighting.family, &key);
    Ok(())
}

/// An open or exec that failed, or a script that was executed: known by what the caller asked for.
#[inline(always)]
pub(crate) fn asked(
    sighting: Sighting,
    mut key: UsageKey,
    directory: i32,
    asked: Asked,
) -> Result<(), Reason> {
    let is_repeat = scratch::with(|scratch, slot| {
        let mut text = path::asked(scratch, asked)?;
        let lanes = hash::text(slot, text.asked_bytes);
        let base = if path::is_relative(scratch) {
            base(directory)
        } else {
            None
        };
        let identity = base.and_then(path::identity).unwrap_or(0);
        key.object = [lanes[0], lanes[1], identity, BY_REQUEST];
        if usage::repeat(sighting.generation, &key) {
            return Ok(true);
        }
        if let Some(base) = base {
            path::walk(slot, base, &mut text);
        }
        send(
            scratch,
            sighting,
            &key,
            text,
            Inode {
                number: 0,
                device: 0,
                mode: 0,
            },
        )?;
        Ok(false)
    })?;
    if !is_repeat {
        usage::begin(sighting.generation, sighting.family, &key);
    }
    Ok(())
}

/// Last word of the object where it is known by what was asked for, and not by its inode.
const BY_REQUEST: u64 = 2;

/// Where a relative path starts; None where that cannot be told, as with a descriptor that is not open.
#[inline(always)]
fn base(directory: i32) -> Option<Path> {
    if directory == AT_FDCWD {
        return Path::working_directory();
    }
    Path::of_file(kernel::file_of(directory as u32 as u64).ok()?)
}

struct Inode {
    number: u64,
    device: u32,
    mode: u32,
}

#[inline(always)]
fn send(
    scratch: &mut Scratch,
    sighting: Sighting,
    key: &UsageKey,
    text: Text,
    inode: Inode,
) -> Result<(), Reason> {
    if text.walk_flags & (WALK_TRUNCATED | WALK_FAULT) != 0 {
        sighting.count(Reason::Truncated);
    }
    let body = FileBody {
        header: emit::header(KIND_FILE, sighting.generation.flags(), &text),
        key: *key,
        text,
        inode: inode.number,
        device: inode.device,
        mode: inode.mode,
    };
    emit::send(scratch, body, &text)
}
