//! Taking the probes off. The kernel does so one after the other, and for each waits until no task can be in what leads to it: a tenth of a
//! second on Linux 6.1 and 6.12, and there are more than a hundred (`unregister_ftrace_direct` and `ftrace_shutdown` of
//! `kernel/trace/ftrace.c`). Nobody should wait for that who asks what was recorded: a process of its own gets the links, and ends with them.

use std::{
    ffi::{OsStr, c_int},
    fs,
    os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use rustix::{
    io::{self, Errno, fcntl_getfd},
    pipe::{PipeFlags, pipe_with},
    process::{Pid, WaitOptions, waitpid},
    thread::set_name,
};

/// To be dropped behind the links: it is what the other process waits for.
#[derive(Default)]
pub(super) struct Left {
    /// Nobody writes to this pipe.
    _until: Option<OwnedFd>,
}

/// Gives all links of this process to another one as well. Where that cannot be, they are taken off where they are dropped.
pub(super) fn leave() -> Left {
    let until = try_leave().inspect_err(|error| tracing::debug!(%error, "detach"));
    Left {
        _until: until.ok().flatten(),
    }
}

/// None: there is no link.
fn try_leave() -> io::Result<Option<OwnedFd>> {
    // Pipes first: the others are to be closed in the other process, with these ends of them.
    let (until, end_until) = pipe_with(PipeFlags::CLOEXEC)?;
    let (ready, end_ready) = pipe_with(PipeFlags::CLOEXEC)?;
    let (links, mut others) =
        descriptors().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    if links == 0 {
        return Ok(None);
    }
    others.retain(|other| *other != until.as_raw_fd() && *other != end_ready.as_raw_fd());
    // The last to be closed says that all are: a spool is locked for as long as anybody has it open.
    others.push(end_ready.as_raw_fd());
    // SAFETY: the new process runs `take_off` alone, which takes no lock and no memory.
    match unsafe { fork() } {
        0 => take_off(&until, &others),
        -1 => return Err(Errno::AGAIN),
        middle => {
            drop(end_ready);
            waitpid(Pid::from_raw(middle), WaitOptions::empty())?;
        }
    }
    wait_for_end(&ready);
    Ok(Some(end_until))
}

/// How many links this process has, and its other descriptors.
fn descriptors() -> std::io::Result<(usize, Vec<RawFd>)> {
    let (mut links, mut others) = (0, Vec::new());
    for entry in fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        let target = fs::read_link(entry.path())?;
        let number = entry.file_name().to_string_lossy().parse();
        if is_link(target.as_os_str()) {
            links += 1;
        } else if let Ok(number) = number {
            others.push(number);
        }
    }
    // That of the folder itself is closed again.
    // SAFETY: the number is looked at here and not kept.
    others.retain(|number| fcntl_getfd(unsafe { BorrowedFd::borrow_raw(*number) }).is_ok());
    Ok((links, others))
}

/// Of `bpf_link_prime` in `kernel/bpf/syscall.c`, and of `perf_event_open` in `kernel/events/core.c`.
fn is_link(target: &OsStr) -> bool {
    target == "anon_inode:bpf_link" || target == "anon_inode:[perf_event]"
}

unsafe extern "C" {
    // pid_t fork(void) and void _exit(int), of POSIX.
    fn fork() -> c_int;
    fn _exit(status: c_int) -> !;
}

/// In the new process: makes one more, that nobody has to wait for, which keeps the links until the first one has dropped its own.
fn take_off(until: &OwnedFd, others: &[RawFd]) -> ! {
    // SAFETY: as of the first. Nothing is to be done before the end of either.
    unsafe {
        if fork() != 0 {
            _exit(0);
        }
    }
    // What is at work here, for whoever looks at the processes.
    let _ = set_name(c"whittle-detach");
    for other in others {
        // SAFETY: nobody in this process uses them.
        unsafe { io::close(*other) };
    }
    wait_for_end(until);
    // SAFETY: there is nothing to be done before.
    unsafe { _exit(0) }
}

/// Returns when nobody has the other end of a pipe that nobody writes to.
fn wait_for_end(pipe: &OwnedFd) {
    let mut byte = [0];
    while io::read(pipe, &mut byte) == Err(Errno::INTR) {}
}
