//! Hook family `privilege`: what a review of permissions asks about beside files, sockets and capabilities. Processes that are traced or
//! reached into, BPF, kernel modules, keys of the kernel, namespaces, `io_uring`, and signals to other users' processes.
//!
//! Triggers: `sys_exit` of these calls, or `fexit` of their entry functions (`long __x64_sys_*(const struct pt_regs *regs)`, 4.17
//! on); for `io_uring` the tracepoint of `uring`; for signals `TP_PROTO(int sig, struct kernel_siginfo *info, struct task_struct *task, int group, int result)` of
//! `include/trace/events/signal.h`.

use aya_ebpf::{
    EbpfContext,
    helpers::bpf_get_current_uid_gid,
    macros::{btf_tracepoint, fexit},
    programs::{BtfTracePointContext, FExitContext},
};
use whittle_schemas::record::{
    Family, KIND_PRIVILEGE,
    counter::Reason,
    exit::PRIVILEGE,
    privilege::{
        ADD_KEY, BPF, EXECUTABLE, IO_URING, KEYCTL, LOAD_MODULE, NAMESPACES, PTRACE, PrivilegeBody,
        REACH, REMAPPED, REQUEST_KEY, SETNS, SIGNAL, UNLOAD_MODULE, UNSHARE, USER_KNOWN, WRITABLE,
    },
};

use crate::{
    config::offset,
    entry, exit,
    kernel::{read, read_or_zero},
    number, path,
    sighting::Sighting,
    stand_in, subject,
    syscall::{Call, read_user},
};

/// What the exit of these calls leads to.
#[btf_tracepoint(function = "sys_exit")]
fn privilege_sys_exit(ctx: BtfTracePointContext) -> i32 {
    let call = Call::of(&ctx);
    if !Call::is_compat() {
        ended(call.number(), &call);
    } else if let Some(sighting) = Sighting::of(Family::Privilege) {
        sighting.ended(Err(Reason::Unsupported));
    }
    exit::go_on::<PRIVILEGE>(&ctx)
}

#[inline(always)]
fn exited(number: u64, ctx: &FExitContext) -> i32 {
    ended(number, &Call::of_entry(ctx));
    0
}

entry::calls! {
    Privilege, is_act, exited;
    MMAP privilege_mmap = 9, "__x64_sys_mmap";
    MPROTECT privilege_mprotect = 10, "__x64_sys_mprotect";
    CLONE privilege_clone = 56, "__x64_sys_clone";
    KILL privilege_kill = 62, "__x64_sys_kill";
    PTRACE_CALL privilege_ptrace = 101, "__x64_sys_ptrace";
    INIT_MODULE privilege_init_module = 175, "__x64_sys_init_module";
    DELETE_MODULE privilege_delete_module = 176, "__x64_sys_delete_module";
    TKILL privilege_tkill = 200, "__x64_sys_tkill";
    TGKILL privilege_tgkill = 234, "__x64_sys_tgkill";
    ADD_KEY_CALL privilege_add_key = 248, "__x64_sys_add_key";
    REQUEST_KEY_CALL privilege_request_key = 249, "__x64_sys_request_key";
    KEYCTL_CALL privilege_keyctl = 250, "__x64_sys_keyctl";
    UNSHARE_CALL privilege_unshare = 272, "__x64_sys_unshare";
    SETNS_CALL privilege_setns = 308, "__x64_sys_setns";
    PROCESS_VM_READV privilege_process_vm_readv = 310, "__x64_sys_process_vm_readv";
    PROCESS_VM_WRITEV privilege_process_vm_writev = 311, "__x64_sys_process_vm_writev";
    FINIT_MODULE privilege_finit_module = 313, "__x64_sys_finit_module";
    PKEY_MPROTECT privilege_pkey_mprotect = 329, "__x64_sys_pkey_mprotect";
    BPF_CALL privilege_bpf = 321, "__x64_sys_bpf";
    PIDFD_SEND_SIGNAL privilege_pidfd_send_signal = 424, "__x64_sys_pidfd_send_signal";
    CLONE3 privilege_clone3 = 435, "__x64_sys_clone3";
    PIDFD_GETFD privilege_pidfd_getfd = 438, "__x64_sys_pidfd_getfd";
}

/// The same calls of the 32-bit interface, but for those that seldom are such an act: `clone`, `clone3` and `kill`.
#[inline(always)]
pub(crate) const fn is_act_32(number: u64) -> bool {
    matches!(
        number,
        26 | 128 | 129 | 286..=288 | 310 | 346..=348 | 350 | 357 | 438
    )
}

/// A ring of `io_uring` that somebody made.
#[btf_tracepoint(function = "io_uring_create")]
fn privilege_uring(ctx: BtfTracePointContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::Privilege) {
        return 0;
    }
    if subject::watched().is_some() {
        act(IO_URING, 0, 0);
    }
    0
}

/// A signal that somebody sent.
#[btf_tracepoint(function = "signal_generate")]
fn privilege_signal(ctx: BtfTracePointContext) -> i32 {
    // As a number: the verifier takes an argument with a type for an address that is never 0.
    let info: u64 = read_or_zero(ctx.as_ptr() as u64, size_of::<u64>());
    if info == SEND_SIG_PRIV || subject::watched().is_none() {
        return 0;
    }
    // Linux 7.3 does not describe what `kill` sends; older kernels do.
    if info != SEND_SIG_NOINFO
        && read::<i32>(info, offset!(siginfo_code)).is_none_or(|code| code > 0)
    {
        return 0;
    }
    let credentials: Option<u64> = read(ctx.arg(2), offset!(task_real_cred));
    let Some(user) = credentials.and_then(|cred| read::<u32>(cred, offset!(cred_uid))) else {
        return 0;
    };
    if user != bpf_get_current_uid_gid() as u32 {
        let signal = u64::from(ctx.arg::<u32>(0) & 0xff);
        act(SIGNAL, signal | USER_KNOWN | (u64::from(user) << 32), 0);
    }
    0
}

/// `include/linux/sched/signal.h`: instead of a description, the running task's signal, and the kernel's own.
const SEND_SIG_NOINFO: u64 = 0;
const SEND_SIG_PRIV: u64 = 1;

const EPERM: i32 = 1;

/// Of calls that are made all the time, those that ask for what is an act.
#[inline(always)]
fn is_asked(number: u64, call: &Call) -> bool {
    match number {
        CLONE => call.argument(0) & NAMESPACES != 0,
        MMAP => call.argument(2) & PROT_EXEC != 0 && call.argument(3) & MAP_ANONYMOUS != 0,
        MPROTECT | PKEY_MPROTECT => call.argument(2) & PROT_EXEC != 0,
        _ => true,
    }
}

/// `include/uapi/asm-generic/mman-common.h`.
const PROT_WRITE: u64 = 2;
const PROT_EXEC: u64 = 4;
const MAP_ANONYMOUS: u64 = 0x20;

#[inline(always)]
fn ended(number: u64, call: &Call) {
    if !is_asked(number, call) {
        return;
    }
    let (action, asked) = match number {
        MMAP | MPROTECT | PKEY_MPROTECT => {
            let stays_writable = call.argument(2) & PROT_WRITE != 0;
            let remapped = if number == MMAP { 0 } else { REMAPPED };
            (
                EXECUTABLE,
                remapped | if stays_writable { WRITABLE } else { 0 },
            )
        }
        // The child has no such call behind it, and tells of none.
        CLONE | CLONE3 if call.result() == 0 => return,
        CLONE | UNSHARE_CALL => (UNSHARE, call.argument(0) & NAMESPACES),
        // `struct clone_args` starts with the flags.
        CLONE3 => (
            UNSHARE,
            read_user::<u64>(call.argument(0)).unwrap_or(0) & NAMESPACES,
        ),
        SETNS_CALL => (SETNS, call.argument(1) & NAMESPACES),
        PTRACE_CALL => (PTRACE, call.argument(0)),
        PROCESS_VM_READV | PROCESS_VM_WRITEV | PIDFD_GETFD => (REACH, number),
        BPF_CALL => (BPF, call.argument(0) & 0xffff_ffff),
        INIT_MODULE | FINIT_MODULE => (LOAD_MODULE, number),
        DELETE_MODULE => (UNLOAD_MODULE, 0),
        KEYCTL_CALL => (KEYCTL, call.argument(0) & 0xffff_ffff),
        ADD_KEY_CALL => (ADD_KEY, 0),
        REQUEST_KEY_CALL => (REQUEST_KEY, 0),
        // Those that were sent are told by what sends them.
        KILL | TKILL | PIDFD_SEND_SIGNAL if call.errno() == EPERM => {
            (SIGNAL, call.argument(1) & 0xff)
        }
        TGKILL if call.errno() == EPERM => (SIGNAL, call.argument(2) & 0xff),
        _ => return,
    };
    let is_act = match action {
        UNSHARE => asked != 0,
        // Attached to: the other requests go to a process that is.
        PTRACE => matches!(asked, PTRACE_TRACEME | PTRACE_ATTACH | PTRACE_SEIZE),
        _ => true,
    };
    if is_act && subject::watched().is_some() {
        act(action, asked, call.errno());
    }
}

/// `include/uapi/linux/ptrace.h`.
const PTRACE_TRACEME: u64 = 0;
const PTRACE_ATTACH: u64 = 16;
const PTRACE_SEIZE: u64 = 0x4206;

#[inline(always)]
fn act(action: u16, asked: u64, errno: i32) {
    // The result is for the verifier alone: a global function gives a number.
    let _ = core::hint::black_box(touch_act(u32::from(action), asked, errno as u32));
}

/// A global function, which the verifier checks once and not again for each call.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn touch_act(action: u32, asked: u64, errno: u32) -> u32 {
    if let Some(sighting) = Sighting::of(Family::Privilege) {
        sighting.ended(try_act(sighting, action as u16, asked, errno as i32));
    }
    0
}

#[inline(always)]
fn try_act(sighting: Sighting, action: u16, asked: u64, errno: i32) -> Result<(), Reason> {
    let subject = subject::of(sighting.task)?;
    let key = sighting.key_of_number(subject, action, errno, asked);
    number::touch(sighting, &key, KIND_PRIVILEGE, |header| PrivilegeBody {
        header,
        key,
        text: path::EMPTY,
        asked,
    })
}
