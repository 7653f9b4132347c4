//! Hook family `process`: fork and exit keep the task map, exec renews the subject and is an action on a file.
//!
//! Triggers, the same on every backend where a tracepoint does it:
//! - `tp_btf/sched_process_fork`: `TP_PROTO(struct task_struct *parent, struct task_struct *child)`.
//! - `tp_btf/sched_process_exec`: `TP_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)`.
//! - `tp_btf/sched_process_exit`: `TP_PROTO(struct task_struct *p)`, with a second argument from 6.15 on.
//! - refused execs: `sys_exit` of execve and execveat, or `fexit` of their entry functions.

use aya_ebpf::{
    macros::{btf_tracepoint, fexit},
    programs::{BtfTracePointContext, FExitContext},
};
use whittle_schemas::record::{Family, counter::Reason, file::EXECUTE, process::Task};

use crate::{
    config::offset,
    count, file,
    kernel::read,
    maps::TASKS,
    path::Asked,
    scratch, script,
    subject,
    syscall::Call,
};

/// A process begins with its parent's subject.
#[btf_tracepoint(function = "sched_process_fork")]
fn process_fork(ctx: BtfTracePointContext) -> i32 {
    let parent: Option<u32> = read(ctx.arg(0), offset!(task_tgid));
    let child: Option<u32> = read(ctx.arg(1), offset!(task_tgid));
    let (Some(parent), Some(child)) = (parent, child) else { return 0 };
    if parent == child {
        // A thread.
        return 0;
    }
    let Some(task) = TASKS.get_ptr(parent) else { return 0 };
    // SAFETY: the parent runs this, so that its entry is there.
    if TASKS.insert(child, unsafe { task.read() }, 0).is_err() {
        // From here on nothing of the child is seen: say so.
        count::up(Family::Process, Reason::Seen);
        count::up(Family::Process, Reason::SubjectUnknown);
    }
    0
}

/// The last thread's exit ends the process.
#[btf_tracepoint(function = "sched_process_exit")]
fn process_exit(ctx: BtfTracePointContext) -> i32 {
    let Some(tgid) = read::<u32>(ctx.arg(0), offset!(task_tgid)) else { return 0 };
    let Some(signal) = read::<u64>(ctx.arg(0), offset!(task_signal)) else { return 0 };
    if read::<u32>(signal, offset!(signal_live)) == Some(0) {
        // Absent where nobody watches the process.
        let _ = TASKS.remove(tgid);
    }
    0
}

/// A program starts: its subject is found out anew, and starting it is what the old subject did.
#[btf_tracepoint(function = "sched_process_exec")]
fn process_exec(ctx: BtfTracePointContext) -> i32 {
    let Some(task) = subject::watched() else { return 0 };
    count::up(Family::Process, Reason::Seen);
    if let Err(reason) = executed(task, ctx.arg(2)) {
        count::up(Family::Process, reason);
    }
    0
}

#[inline(always)]
fn executed(task: *mut Task, bprm: u64) -> Result<(), Reason> {
    // SAFETY: the pointer is into a live map value: its process is running this.
    let before = unsafe { (*task).subject };
    let exe = subject::executable().ok_or(Reason::SubjectUnknown)?;
    let interpreted = script_of(bprm);
    let script = scratch::with(|scratch, slot| script::find(scratch, slot, exe, interpreted));
    // SAFETY: as above. A script that could not be read leaves the executable as the subject.
    unsafe {
        (*task).script = script.unwrap_or(0);
        (*task).subject = 0;
    }
    let after = subject::find();
    // The first program that the agent starts has no subject before it: it acts for itself.
    let actor = if before == 0 { after? } else { before };
    if let Some(filename) = interpreted {
        count::up(Family::Process, Reason::Seen);
        if let Err(reason) = file::refused(Family::Process, actor, EXECUTE, 0, AT_FDCWD, Asked::Kernel(filename)) {
            count::up(Family::Process, reason);
        }
    }
    file::opened(Family::Process, actor, exe, None)
}

const AT_FDCWD: i32 = -100;

/// The path of the script, where the program was started for a `#!` line.
#[inline(always)]
fn script_of(bprm: u64) -> Option<u64> {
    let filename: u64 = read(bprm, offset!(bprm_filename))?;
    let interp: u64 = read(bprm, offset!(bprm_interp))?;
    if filename == interp { None } else { Some(filename) }
}

const EXECVE: u64 = 59;
const EXECVEAT: u64 = 322;

/// A refused exec, by the exit of any system call.
#[btf_tracepoint(function = "sys_exit")]
fn process_sys_exit(ctx: BtfTracePointContext) -> i32 {
    let call = Call::of(&ctx);
    if call.result() >= 0 {
        return 0;
    }
    let is_exec = |number| matches!(number, EXECVE | EXECVEAT);
    // execve and execveat of the 32-bit interface.
    let is_exec_32 = |number| matches!(number, 11 | 358);
    let Some(task) = call.watched(Family::Process, is_exec, is_exec_32) else { return 0 };
    refused(task, &call, call.number() == EXECVEAT);
    0
}

/// A refused exec, by the exit of `long __x64_sys_execve(const struct pt_regs *regs)`.
#[fexit(function = "__x64_sys_execve")]
fn process_execve(ctx: FExitContext) -> i32 {
    entry(&Call::of_entry(&ctx), false)
}

/// A refused exec, by the exit of `long __x64_sys_execveat(const struct pt_regs *regs)`.
#[fexit(function = "__x64_sys_execveat")]
fn process_execveat(ctx: FExitContext) -> i32 {
    entry(&Call::of_entry(&ctx), true)
}

#[inline(always)]
fn entry(call: &Call, at: bool) -> i32 {
    if call.result() >= 0 {
        return 0;
    }
    let Some(task) = subject::watched() else { return 0 };
    count::up(Family::Process, Reason::Seen);
    refused(task, call, at);
    0
}

#[inline(always)]
fn refused(task: *mut Task, call: &Call, at: bool) {
    let (directory, asked) =
        if at { (call.argument(0) as i32, call.argument(1)) } else { (AT_FDCWD, call.argument(0)) };
    let result = subject::of(task).and_then(|subject| {
        file::refused(Family::Process, subject, EXECUTE, call.errno(), directory, Asked::User(asked))
    });
    if let Err(reason) = result {
        count::up(Family::Process, reason);
    }
}

