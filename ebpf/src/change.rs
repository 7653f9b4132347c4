//! Hook family `file`, changes: names made, moved and removed, attributes set, file systems mounted, files mapped as code. Who
//! changes is known by what was asked for, or by the descriptor; opens are `file`.
//!
//! Triggers: `sys_exit` of these calls, or `fexit` of their entry functions
//! (`long __x64_sys_*(const struct pt_regs *regs)`, 4.17 on).

use aya_ebpf::{
    macros::{btf_tracepoint, fexit},
    programs::{BtfTracePointContext, FExitContext},
};
use whittle_schemas::record::{Family, counter::Reason, exit::CHANGE, file::change};

use crate::{
    access::{self, AT_FDCWD, Asking},
    asked::Asked,
    entry, exit, kernel,
    maps::ENTERED,
    own_stack,
    sighting::Sighting,
    subject,
    syscall::Call,
};

/// What the exit of these calls leads to.
#[btf_tracepoint(function = "sys_exit")]
fn change_sys_exit(ctx: BtfTracePointContext) -> i32 {
    let call = Call::of(&ctx);
    let number = call.number();
    if is_mine(number, &call)
        && let Some(sighting) = Call::sighting(Family::File)
    {
        ended(sighting, number, &call);
    }
    exit::go_on::<CHANGE>(&ctx)
}

/// What the exits of the entry functions lead to.
#[fexit(function = "__x64_sys_mmap")]
fn change_entered(ctx: FExitContext) -> i32 {
    own_stack::keep(&ctx, &ENTERED);
    if let Some(sighting) = Sighting::of(Family::File) {
        let call = Call::of_entry(&ctx);
        ended(sighting, entry::number(&call), &call);
    }
    0
}

#[inline(always)]
fn exited(number: u64, ctx: &FExitContext) -> i32 {
    if is_mine(number, &Call::of_entry(ctx)) && subject::watched().is_some() {
        return entry::enter(ctx, entry::CHANGE);
    }
    0
}

entry::calls! {
    File, is_change, exited;
    MMAP change_mmap = 9, "__x64_sys_mmap";
    TRUNCATE change_truncate = 76, "__x64_sys_truncate";
    FTRUNCATE change_ftruncate = 77, "__x64_sys_ftruncate";
    RENAME change_rename = 82, "__x64_sys_rename";
    MKDIR change_mkdir = 83, "__x64_sys_mkdir";
    RMDIR change_rmdir = 84, "__x64_sys_rmdir";
    LINK change_link = 86, "__x64_sys_link";
    UNLINK change_unlink = 87, "__x64_sys_unlink";
    SYMLINK change_symlink = 88, "__x64_sys_symlink";
    CHMOD change_chmod = 90, "__x64_sys_chmod";
    FCHMOD change_fchmod = 91, "__x64_sys_fchmod";
    CHOWN change_chown = 92, "__x64_sys_chown";
    FCHOWN change_fchown = 93, "__x64_sys_fchown";
    LCHOWN change_lchown = 94, "__x64_sys_lchown";
    UTIME change_utime = 132, "__x64_sys_utime";
    MKNOD change_mknod = 133, "__x64_sys_mknod";
    MOUNT change_mount = 165, "__x64_sys_mount";
    UMOUNT change_umount = 166, "__x64_sys_umount";
    SETXATTR change_setxattr = 188, "__x64_sys_setxattr";
    LSETXATTR change_lsetxattr = 189, "__x64_sys_lsetxattr";
    FSETXATTR change_fsetxattr = 190, "__x64_sys_fsetxattr";
    REMOVEXATTR change_removexattr = 197, "__x64_sys_removexattr";
    LREMOVEXATTR change_lremovexattr = 198, "__x64_sys_lremovexattr";
    FREMOVEXATTR change_fremovexattr = 199, "__x64_sys_fremovexattr";
    UTIMES change_utimes = 235, "__x64_sys_utimes";
    MKDIRAT change_mkdirat = 258, "__x64_sys_mkdirat";
    MKNODAT change_mknodat = 259, "__x64_sys_mknodat";
    FCHOWNAT change_fchownat = 260, "__x64_sys_fchownat";
    FUTIMESAT change_futimesat = 261, "__x64_sys_futimesat";
    UNLINKAT change_unlinkat = 263, "__x64_sys_unlinkat";
    RENAMEAT change_renameat = 264, "__x64_sys_renameat";
    LINKAT change_linkat = 265, "__x64_sys_linkat";
    SYMLINKAT change_symlinkat = 266, "__x64_sys_symlinkat";
    FCHMODAT change_fchmodat = 268, "__x64_sys_fchmodat";
    UTIMENSAT change_utimensat = 280, "__x64_sys_utimensat";
    RENAMEAT2 change_renameat2 = 316, "__x64_sys_renameat2";
    MOVE_MOUNT change_move_mount = 429, "__x64_sys_move_mount";
    FCHMODAT2 change_fchmodat2 = 452, "__x64_sys_fchmodat2";
}

/// The same calls of the 32-bit interface (`arch/x86/entry/syscalls/syscall_32.tbl`).
#[inline(always)]
pub(crate) const fn is_change_32(number: u64) -> bool {
    matches!(
        number,
        9 | 10
            | 14..=16
            | 21
            | 22
            | 30
            | 38..=40
            | 52
            | 83
            | 92..=95
            | 182
            | 192..=194
            | 198
            | 207
            | 212
            | 226..=228
            | 235..=237
            | 271
            | 296..=299
            | 301..=304
            | 306
            | 320
            | 353
            | 412
            | 429
            | 452
    )
}

/// What a call names.
#[derive(Clone, Copy)]
enum Object {
    /// A path, from a directory's descriptor.
    Path(i32, u64),
    Descriptor(u64),
}

/// Most calls of `mmap` map nothing that is run. A descriptor that is not open names nothing.
#[inline(always)]
fn is_mine(number: u64, call: &Call) -> bool {
    const PROT_EXEC: u64 = 4;
    const MAP_ANONYMOUS: u64 = 0x20;
    const EBADF: i32 = 9;
    match number {
        MMAP if call.argument(2) & PROT_EXEC == 0 || call.argument(3) & MAP_ANONYMOUS != 0 => false,
        MMAP | FTRUNCATE | FCHMOD | FCHOWN | FSETXATTR | FREMOVEXATTR => call.errno() != EBADF,
        FUTIMESAT | UTIMENSAT => call.argument(1) != 0 || call.errno() != EBADF,
        _ => true,
    }
}

#[inline(always)]
fn ended(sighting: Sighting, number: u64, call: &Call) {
    let at = |directory: u32, path: u32| {
        Object::Path(call.argument(directory) as i32, call.argument(path))
    };
    let here = |path: u32| Object::Path(AT_FDCWD, call.argument(path));
    let descriptor = || Object::Descriptor(call.argument(0));
    let (action, object) = match number {
        MMAP => (change::MAP, Object::Descriptor(call.argument(4))),
        TRUNCATE => (change::RESIZE, here(0)),
        FTRUNCATE => (change::RESIZE, descriptor()),
        RENAME => (change::RENAME, here(0)),
        RENAMEAT | RENAMEAT2 => (change::RENAME, at(0, 1)),
        MKDIR => (change::MKDIR, here(0)),
        MKDIRAT => (change::MKDIR, at(0, 1)),
        RMDIR => (change::RMDIR, here(0)),
        LINK => (change::LINK, here(0)),
        LINKAT => (change::LINK, at(0, 1)),
        UNLINK => (change::UNLINK, here(0)),
        UNLINKAT => (removal(call.argument(2)), at(0, 1)),
        SYMLINK => (change::SYMLINK, here(1)),
        SYMLINKAT => (change::SYMLINK, at(1, 2)),
        MKNOD => (change::MKNOD, here(0)),
        MKNODAT => (change::MKNOD, at(0, 1)),
        CHMOD => (change::CHMOD, here(0)),
        FCHMOD => (change::CHMOD, descriptor()),
        FCHMODAT | FCHMODAT2 => (change::CHMOD, at(0, 1)),
        CHOWN | LCHOWN => (change::CHOWN, here(0)),
        FCHOWN => (change::CHOWN, descriptor()),
        FCHOWNAT => (change::CHOWN, at(0, 1)),
        UTIME | UTIMES => (change::UTIME, here(0)),
        FUTIMESAT | UTIMENSAT => (change::UTIME, at(0, 1)),
        SETXATTR | LSETXATTR => (change::SETXATTR, here(0)),
        FSETXATTR => (change::SETXATTR, descriptor()),
        REMOVEXATTR | LREMOVEXATTR => (change::REMOVEXATTR, here(0)),
        FREMOVEXATTR => (change::REMOVEXATTR, descriptor()),
        MOUNT => (change::MOUNT, here(1)),
        UMOUNT => (change::UMOUNT, here(0)),
        _ => (change::MOUNT, at(2, 3)),
    };
    touch(sighting, call, action, object);
    let (action, object) = match number {
        RENAME => (change::RENAME_TO, here(1)),
        RENAMEAT | RENAMEAT2 => (change::RENAME_TO, at(2, 3)),
        LINK => (change::LINK_TO, here(1)),
        LINKAT => (change::LINK_TO, at(2, 3)),
        _ => return,
    };
    touch(sighting.again(), call, action, object);
}

/// What `unlinkat` removes: `AT_REMOVEDIR` of `include/uapi/linux/fcntl.h`.
#[inline(always)]
fn removal(flags: u64) -> u16 {
    if flags & 0x200 == 0 {
        change::UNLINK
    } else {
        change::RMDIR
    }
}

/// Tells of one thing that a call changed.
#[inline(always)]
fn touch(sighting: Sighting, call: &Call, action: u16, object: Object) {
    let (by_descriptor, number, path) = match object {
        // Without a path the descriptor itself is meant.
        Object::Path(directory, 0) => (BY_DESCRIPTOR, directory as u32, 0),
        Object::Path(directory, path) => (0, directory as u32, path),
        Object::Descriptor(number) => (BY_DESCRIPTOR, number as u32, 0),
    };
    let what = u64::from(sighting.packed())
        | (u64::from(action) << 16)
        | (u64::from(call.errno() as u32 & 0xffff) << 32)
        | by_descriptor;
    // The result is for the verifier alone: a global function gives a number.
    let _ = core::hint::black_box(touch_changed(what, number, path));
}

/// In the first number of [`touch_changed`]: what is changed is behind a descriptor.
const BY_DESCRIPTOR: u64 = 1 << 63;

/// A global function, which the verifier checks once and not again for each call. Generation and family, action and errno share a number.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn touch_changed(what: u64, number: u32, path: u64) -> u32 {
    let sighting = Sighting::unpacked(what as u32 & 0xffff);
    let touched = match subject::watched() {
        Some(task) => try_touch(Sighting { task, ..sighting }, what, number, path),
        None => Err(Reason::SubjectUnknown),
    };
    sighting.ended(touched);
    0
}

#[inline(always)]
fn try_touch(sighting: Sighting, what: u64, number: u32, path: u64) -> Result<(), Reason> {
    let subject = subject::of(sighting.task)?;
    let (action, errno) = ((what >> 16) as u16, (what >> 32) as i32 & 0xffff);
    if what & BY_DESCRIPTOR != 0 {
        let file = kernel::file_of(u64::from(number))?;
        return access::changed(sighting, subject, file, action, errno);
    }
    access::asked(
        sighting,
        Asking {
            subject,
            action,
            errno,
            directory: number as i32,
            asked: Asked::User(path),
        },
    )
}
