//! Hook family `file`, changes by `io_uring`: its workers call what the system calls call, and no call ends that would tell of it.
//!
//! Triggers: `fentry` and `fexit`, or kprobe and kretprobe, of the functions below, in workers alone; on 7.3 they are called
//! `filename_*`. Those before give the names back when they are done, so that the entry keeps a copy. With trampolines the
//! exits only say how it ended, and the exit of the worker's own function, `void io_wq_submit_work(struct io_wq_work *work)`,
//! does the rest: the verifier looks at that once, and at each of the others.

use aya_ebpf::{
    EbpfContext,
    helpers::{bpf_get_current_pid_tgid, generated::bpf_probe_read_kernel_str},
    macros::{fentry, fexit, kprobe, kretprobe},
    programs::{FEntryContext, FExitContext, ProbeContext, RetProbeContext},
};
use whittle_schemas::record::{ASKED_BYTES, Family, counter::Reason, file::change};

use crate::{
    access::{self, Asking},
    asked::Asked,
    config::offset,
    function::{self, ARGUMENTS, Place, Returned},
    kernel::read,
    maps::CHANGING,
    scratch::{self, BPF_NOEXIST},
    sighting::Sighting,
    stand_in, subject, uring,
};

/// What a worker is changing.
#[repr(C)]
pub(crate) struct Changing {
    /// First, so that an entry's address is that of the first name.
    names: [[u8; ASKED_BYTES]; 2],
    /// Where each name starts: a descriptor, or `AT_FDCWD`.
    directories: [i32; 2],
    /// 0 for a name that there is not.
    actions: [u16; 2],
    /// How it ended; [`RUNNING`] until then.
    errno: i32,
    /// The address of this very entry, as a number.
    address: u64,
}

const RUNNING: i32 = -1;

/// A name among a function's arguments: the action, the directory's descriptor, and the `struct filename`.
type Name = (u16, u64, u64);

const NONE: Name = (0, 0, 0);

/// Defines, for each function, the programs on its entry and the one on its exit.
macro_rules! changes {
    ($($entry:ident $exit:ident $probe:ident ($count:literal) = $function:literal, $names:expr;)*) => {$(
        #[fentry(function = $function)]
        fn $entry(ctx: FEntryContext) -> i32 {
            if stand_in::is_taken(&ctx, Family::File) {
                return 0;
            }
            if uring::is_worker() && let Some(arguments) = read(ctx.as_ptr() as u64, 0) {
                begun($names(arguments));
            }
            0
        }

        #[kprobe]
        fn $probe(ctx: ProbeContext) -> u32 {
            if uring::is_worker() {
                begun($names(function::arguments(&ctx)));
            }
            0
        }

        #[fexit(function = $function)]
        fn $exit(ctx: FExitContext) -> i32 {
            if stand_in::is_taken(&ctx, Family::File) {
                return 0;
            }
            if uring::is_worker()
                && let (Some(changing), Some(returned)) = (own(), Returned::of_exit(&ctx, $count))
            {
                changing.errno = returned.errno();
            }
            0
        }
    )*};
}

changes! {
    uring_unlink_entry uring_unlink uring_unlink_probe (2) = "do_unlinkat", unlink;
    uring_rmdir_entry uring_rmdir uring_rmdir_probe (2) = "do_rmdir", rmdir;
    uring_mkdir_entry uring_mkdir uring_mkdir_probe (3) = "do_mkdirat", mkdir;
    uring_symlink_entry uring_symlink uring_symlink_probe (3) = "do_symlinkat", symlink;
    uring_link_entry uring_link uring_link_probe (5) = "do_linkat", link;
    uring_rename_entry uring_rename uring_rename_probe (5) = "do_renameat2", rename;
}

/// `(int dfd, struct filename *name)`.
#[inline(always)]
fn unlink([directory, name, ..]: [u64; ARGUMENTS]) -> [Name; 2] {
    [(change::UNLINK, directory, name), NONE]
}

/// `(int dfd, struct filename *name)`.
#[inline(always)]
fn rmdir([directory, name, ..]: [u64; ARGUMENTS]) -> [Name; 2] {
    [(change::RMDIR, directory, name), NONE]
}

/// `(int dfd, struct filename *name, umode_t mode)`.
#[inline(always)]
fn mkdir([directory, name, ..]: [u64; ARGUMENTS]) -> [Name; 2] {
    [(change::MKDIR, directory, name), NONE]
}

/// `(struct filename *from, int newdfd, struct filename *to)`.
#[inline(always)]
fn symlink([_, directory, name, ..]: [u64; ARGUMENTS]) -> [Name; 2] {
    [(change::SYMLINK, directory, name), NONE]
}

/// `(int olddfd, struct filename *old, int newdfd, struct filename *new, int flags)`.
#[inline(always)]
fn link([from, old, to, new, _]: [u64; ARGUMENTS]) -> [Name; 2] {
    [(change::LINK, from, old), (change::LINK_TO, to, new)]
}

/// `(int olddfd, struct filename *from, int newdfd, struct filename *to, unsigned int flags)`.
#[inline(always)]
fn rename([from, old, to, new, _]: [u64; ARGUMENTS]) -> [Name; 2] {
    [(change::RENAME, from, old), (change::RENAME_TO, to, new)]
}

/// The end of a worker's request.
#[fexit(function = "io_wq_submit_work")]
fn uring_worked(ctx: FExitContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::File) {
        return 0;
    }
    if let Some(changing) = own() {
        ended(changing);
    }
    0
}

/// The return of each of the functions.
#[kretprobe]
fn uring_change_return(ctx: RetProbeContext) -> u32 {
    if uring::is_worker()
        && let Some(changing) = own()
    {
        changing.errno = function::errno(function::result(&ctx));
        ended(changing);
    }
    0
}

/// What the running thread is changing.
#[inline(always)]
fn own() -> Option<&'static mut Changing> {
    let changing = CHANGING.get_ptr_mut(bpf_get_current_pid_tgid())?;
    // SAFETY: the entry is this thread's own, and stays while the program runs.
    Some(unsafe { &mut *changing })
}

#[inline(always)]
fn begun([one, two]: [Name; 2]) {
    if subject::watched().is_none() {
        return;
    }
    let kept = scratch::with(|scratch, _| {
        let changing = scratch.memory::<Changing>();
        // SAFETY: the slot is this program's alone, and has room for it: see the assertion. It is plain integers.
        let changing = unsafe { &mut *changing };
        changing.errno = RUNNING;
        changing.address = 0;
        put(changing, 0, one)?;
        put(changing, 1, two)?;
        remember(changing)
    });
    if let Err(reason) = kept
        && let Some(sighting) = Sighting::of(Family::File)
    {
        sighting.ended(Err(reason));
    }
}

const _: () = assert!(size_of::<Changing>() < scratch::SCRATCH_BYTES / 2 + 256);

/// A name from a `struct filename`.
#[inline(always)]
fn copy(from: u64, to: &mut [u8; ASKED_BYTES]) -> Result<(), Reason> {
    let name: u64 = read(from, offset!(filename_name)).ok_or(Reason::ObjectUnknown)?;
    // SAFETY: the buffer is as long as said.
    let bytes = unsafe {
        bpf_probe_read_kernel_str(to.as_mut_ptr().cast(), ASKED_BYTES as u32, name as *const _)
    };
    if bytes > 0 {
        Ok(())
    } else {
        Err(Reason::ObjectUnknown)
    }
}

#[inline(always)]
fn put(
    changing: &mut Changing,
    index: usize,
    (action, directory, name): Name,
) -> Result<(), Reason> {
    changing.actions[index] = action;
    changing.directories[index] = directory as i32;
    if action == 0 {
        return Ok(());
    }
    copy(name, &mut changing.names[index])
}

/// Fails where the end of the last change was not seen, or there is no room.
#[inline(always)]
fn remember(changing: &Changing) -> Result<(), Reason> {
    let key = bpf_get_current_pid_tgid();
    if CHANGING.insert(key, changing, BPF_NOEXIST).is_ok() {
        return Ok(());
    }
    // Without room this change is the one that is lost.
    let _ = CHANGING.insert(key, changing, 0);
    Err(Reason::Nested)
}

#[inline(always)]
fn ended(changing: &mut Changing) {
    if changing.errno != RUNNING {
        // To the verifier a number is what was read from a map, and no global function takes pointers on 5.10.
        let address = &raw mut changing.address;
        // SAFETY: the entry's own member.
        unsafe { address.write_volatile(&raw const *changing as u64) };
        touch(changing, 0);
        if changing.actions[1] != 0 {
            touch(changing, 1);
        }
    }
    // It was there a moment ago, and nobody else has this key.
    let _ = CHANGING.remove(bpf_get_current_pid_tgid());
}

#[inline(always)]
fn touch(changing: &Changing, index: usize) {
    let Some(sighting) = Sighting::of(Family::File) else {
        return;
    };
    // SAFETY: a member of a living entry.
    let address = unsafe { (&raw const changing.address).read_volatile() };
    let asked = subject::of(sighting.task).and_then(|subject| {
        let asking = Asking {
            subject,
            action: changing.actions[index],
            errno: changing.errno,
            directory: changing.directories[index],
            asked: Asked::Kernel(address + (index * ASKED_BYTES) as u64),
        };
        access::asked(sighting, asking)
    });
    sighting.ended(asked);
}

/// Place of kprobes.
const RESIZE: Place = Place {
    number: 5,
    family: Family::File,
};

/// `do_ftruncate(struct file *file, loff_t length, ...)`, from 6.9 on, which is when `io_uring` learned it.
#[fexit(function = "do_ftruncate")]
fn uring_truncate(ctx: FExitContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::File) {
        return 0;
    }
    if uring::is_worker() {
        resized(Returned::of_exit(&ctx, 3));
    }
    0
}

#[kprobe]
fn uring_truncate_probe(ctx: ProbeContext) -> u32 {
    RESIZE.enter(&ctx, |_| uring::is_worker())
}

#[kretprobe]
fn uring_truncate_return(ctx: RetProbeContext) -> u32 {
    resized(Returned::of_return(&ctx, RESIZE));
    0
}

#[inline(always)]
fn resized(returned: Option<Returned>) {
    if let Some(returned) = returned
        && let Some(sighting) = Sighting::of(Family::File)
    {
        let (file, errno) = (returned.argument(0), returned.errno());
        let subject = subject::of(sighting.task);
        sighting.ended(
            subject.and_then(|subject| {
                access::changed(sighting, subject, file, change::RESIZE, errno)
            }),
        );
    }
}
