//! Hook family `process`: fork and exit keep the task map, exec renews the subject and is an action on a file.
//!
//! Triggers, the same on every backend where a tracepoint does it:
//! - `tp_btf/sched_process_fork`: `TP_PROTO(struct task_struct *parent, struct task_struct *child)`.
//! - `tp_btf/sched_process_exec`: `TP_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)`.
//! - `tp_btf/sched_process_exit`: `TP_PROTO(struct task_struct *p)`, with a second argument from 6.15 on.
//! - refused execs: `sys_exit` of execve and execveat, or `fexit` of their entry functions.

use aya_ebpf::{
    helpers::bpf_get_current_pid_tgid,
    macros::{btf_tracepoint, fexit},
    programs::{BtfTracePointContext, FExitContext},
};
use whittle_schemas::record::{
    Family, counter::Reason, exit::EXEC, file::EXECUTE, process::TASK_USES_TLS,
};

use crate::{
    access::{self, AT_FDCWD, Asking},
    asked::Asked,
    callset, close,
    config::{self, offset},
    exit,
    kernel::read,
    known,
    maps::{TASKS, TLS_CALLS},
    script,
    sighting::Sighting,
    stand_in, subject,
    syscall::Call,
};

/// A process begins with its parent's subject.
#[btf_tracepoint(function = "sched_process_fork")]
fn process_fork(ctx: BtfTracePointContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::Process) {
        return 0;
    }
    let parent: Option<u32> = read(ctx.arg(0), offset!(task_tgid));
    let child: Option<u32> = read(ctx.arg(1), offset!(task_tgid));
    let (Some(parent), Some(child)) = (parent, child) else {
        return 0;
    };
    if parent == child {
        // A thread.
        return 0;
    }
    let Some(task) = TASKS.get_ptr(parent) else {
        return 0;
    };
    // SAFETY: the parent runs this, so that its entry is there.
    let mut task = unsafe { task.read() };
    task.flags &= !TASK_USES_TLS;
    known::forget(child);
    if TASKS.insert(child, task, 0).is_err() {
        // From here on nothing of the child is seen: say so.
        if let Some(sighting) = Sighting::of(Family::Process) {
            sighting.count(Reason::SubjectUnknown);
        }
    }
    0
}

/// The last thread's exit ends the process.
#[btf_tracepoint(function = "sched_process_exit")]
fn process_exit(ctx: BtfTracePointContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::Process) {
        return 0;
    }
    let Some(tgid) = read::<u32>(ctx.arg(0), offset!(task_tgid)) else {
        return 0;
    };
    let Some(signal) = read::<u64>(ctx.arg(0), offset!(task_signal)) else {
        return 0;
    };
    // A thread that was killed inside of OpenSSL will not return from there.
    let _ = TLS_CALLS.remove(bpf_get_current_pid_tgid());
    if read::<u32>(signal, offset!(signal_live)) == Some(0) {
        if let Some(task) = TASKS.get_ptr_mut(tgid) {
            close::process(tgid, task);
        }
        // Absent where nobody watches the process.
        let _ = TASKS.remove(tgid);
        known::forget(tgid);
    }
    0
}

stand_in::taker! { process_exec_taker (Process, PROCESS_EXEC): btf_tracepoint "sched_process_exec" }

/// A program starts: its subject is found out anew, and starting it is what the old subject did.
#[btf_tracepoint(function = "sched_process_exec")]
fn process_exec(ctx: BtfTracePointContext) -> i32 {
    stand_in::entered(&ctx, &PROCESS_EXEC);
    let first = subject::started();
    if let Some(sighting) = Sighting::of(Family::Process) {
        // SAFETY: the pointer is into a live map value: its process is running this.
        let before = unsafe { (*sighting.task).subject };
        sighting.ended_by(before, executed(sighting, before, ctx.arg(2)));
    }
    if first && config::count_calls() {
        // The call that became the command is the command's first.
        callset::count(EXECVE);
    }
    0
}

#[inline(always)]
fn executed(sighting: Sighting, before: u64, bprm: u64) -> Result<(), Reason> {
    let task = sighting.task;
    let exe = subject::executable().ok_or(Reason::SubjectUnknown)?;
    let interpreted = script_of(bprm);
    close::process(subject::tgid(), task);
    // SAFETY: as in `process_exec`.
    unsafe {
        (*task).script = script::find(exe, interpreted);
        (*task).subject = 0;
    }
    known::forget(subject::tgid());
    let after = subject::find();
    // The first program that the agent starts has no subject before it: it acts for itself.
    let actor = if before == 0 { after? } else { before };
    if interpreted != 0 {
        let asked = Asked::Kernel(interpreted);
        let asking = Asking {
            subject: actor,
            action: EXECUTE,
            errno: 0,
            directory: AT_FDCWD,
            asked,
        };
        let script = sighting.again();
        script.ended_by(actor, access::asked(script, asking));
    }
    access::executed(sighting, actor, exe)
}

/// The path of the script, where the program was started for a `#!` line; else 0.
#[inline(always)]
fn script_of(bprm: u64) -> u64 {
    let filename: u64 = read(bprm, offset!(bprm_filename)).unwrap_or(0);
    let interp: u64 = read(bprm, offset!(bprm_interp)).unwrap_or(0);
    if filename == interp { 0 } else { filename }
}

const EXECVE: u64 = 59;
const EXECVEAT: u64 = 322;

/// What the exit of these calls leads to: a refused exec.
#[btf_tracepoint(function = "sys_exit")]
fn process_sys_exit(ctx: BtfTracePointContext) -> i32 {
    let call = Call::of(&ctx);
    if call.result() < 0
        && let Some(sighting) = Call::sighting(Family::Process)
    {
        sighting.ended(refused(sighting, &call, call.number() == EXECVEAT));
    }
    exit::go_on::<EXEC>(&ctx)
}

#[inline(always)]
pub(crate) const fn is_exec(number: u64) -> bool {
    matches!(number, EXECVE | EXECVEAT)
}

/// The same calls of the 32-bit interface.
#[inline(always)]
pub(crate) const fn is_exec_32(number: u64) -> bool {
    matches!(number, 11 | 358)
}

stand_in::taker! { process_execve_taker (Process, PROCESS_EXECVE): fexit "__x64_sys_execve" }

/// A refused exec, by the exit of `long __x64_sys_execve(const struct pt_regs *regs)`.
#[fexit(function = "__x64_sys_execve")]
fn process_execve(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &PROCESS_EXECVE);
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
    if let Some(sighting) = Sighting::of(Family::Process) {
        sighting.ended(refused(sighting, call, at));
    }
    0
}

#[inline(always)]
fn refused(sighting: Sighting, call: &Call, at: bool) -> Result<(), Reason> {
    let (directory, asked) = if at {
        (call.argument(0) as i32, call.argument(1))
    } else {
        (AT_FDCWD, call.argument(0))
    };
    let subject = subject::of(sighting.task)?;
    let asked = Asked::User(asked);
    access::asked(
        sighting,
        Asking {
            subject,
            action: EXECUTE,
            errno: call.errno(),
            directory,
            asked,
        },
    )
}
