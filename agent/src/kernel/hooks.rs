//! Which programs make up a hook family under each backend, and where each is attached. Adding a hook is
//! a line here and its program in `ebpf`.

use whittle_schemas::record::{Family, exit as place};

use super::plan::Backend;

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A tracepoint, with typed arguments (`tp_btf`).
    Tracepoint(&'static str),
    /// By tail calls from the programs after it in the list: the place in map `ENTERED`, and a function with the arguments
    /// of theirs.
    Entered(&'static str, u32),
    /// By tail calls from [`SYS_EXIT`] and each other: the place in map `EXITS`.
    Exited(u32),
    /// The exit of a kernel function: the first of these names that the host has.
    Exit(&'static [&'static str]),
    /// The entry of one.
    Entry(&'static [&'static str]),
    /// A kprobe or a kretprobe on one, as the program is one or the other.
    Probe(&'static [&'static str]),
    /// The exit of a system call's entry function.
    CallExit(&'static str),
}

/// One program and its hook.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hook {
    /// Name of the function in the `ebpf` crate.
    pub(super) program: &'static str,
    pub(super) trigger: Trigger,
    /// Not attached where the kernel has no such function: then nobody can call it, or nobody but system calls does.
    pub(super) is_optional: bool,
    /// How many more of the same stand behind it where the kernel preempts probes. None where an interrupt may come by: it would
    /// have taken the call of the thread below it.
    pub(super) stand_ins: u8,
    /// With which security modules it is attached; None with all.
    pub(super) modules: Option<Modules>,
}

impl Hook {
    /// Whether it is attached with these security modules.
    pub(super) fn is_with(&self, modules: Modules) -> bool {
        self.modules.is_none_or(|needed| needed == modules)
    }
}

/// How the security modules of a host ask for capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modules {
    /// As everything else does, or not at all.
    AskLikeAll,
    /// Some go past what everything else asks.
    AskThemselves,
}

const fn hook(program: &'static str, trigger: Trigger) -> Hook {
    Hook {
        program,
        trigger,
        is_optional: false,
        stand_ins: 0,
        modules: None,
    }
}

const fn tracepoint(program: &'static str, name: &'static str) -> Hook {
    hook(program, Trigger::Tracepoint(name))
}

const fn entry(program: &'static str, functions: &'static [&'static str]) -> Hook {
    hook(program, Trigger::Entry(functions))
}

const fn exit(program: &'static str, functions: &'static [&'static str]) -> Hook {
    hook(program, Trigger::Exit(functions))
}

const fn probe(program: &'static str, functions: &'static [&'static str]) -> Hook {
    hook(program, Trigger::Probe(functions))
}

const fn call(program: &'static str, function: &'static str) -> Hook {
    optional(hook(program, Trigger::CallExit(function)))
}

const fn entered(program: &'static str, function: &'static str, place: u32) -> Hook {
    hook(program, Trigger::Entered(function, place))
}

const fn exited(program: &'static str, place: u32) -> Hook {
    hook(program, Trigger::Exited(place))
}

const fn optional(hook: Hook) -> Hook {
    Hook {
        is_optional: true,
        ..hook
    }
}

/// One that many tasks come by: while this many of them are inside, another may come. Its program first asks
/// `stand_in::is_taken`, or each copy would count the call.
const fn stood_for(stand_ins: u8, hook: Hook) -> Hook {
    Hook { stand_ins, ..hook }
}

const fn beside(modules: Modules, hook: Hook) -> Hook {
    Hook {
        modules: Some(modules),
        ..hook
    }
}

/// The hook by which [`super::support`] finds out whether trampolines work.
pub(super) const TRIAL: Hook = exit("process_execveat", &["__x64_sys_execveat"]);

/// The hook by which it finds out whether kprobes work.
pub(super) const PROBE_TRIAL: Hook = probe("capability_capset_entry", &["cap_capset"]);

/// What leads to the programs of all families at the exits of system calls. Every call of every task comes by, and is held there for as
/// long as a program behind it takes: it has more stand-ins than others.
pub(super) const SYS_EXIT: Hook = stood_for(4, tracepoint("exit_sys_exit", EXIT));

/// The tracepoint of a call's exit.
pub(super) const EXIT: &str = "sys_exit";

const PROCESS: &[Hook] = &[
    stood_for(3, tracepoint("process_fork", "sched_process_fork")),
    stood_for(3, tracepoint("process_exec", "sched_process_exec")),
    stood_for(3, tracepoint("process_exit", "sched_process_exit")),
];

const PROCESS_SYSCALL: &[Hook] = &[exited("process_sys_exit", place::EXEC)];

const PROCESS_TRAMPOLINE: &[Hook] = &[
    stood_for(1, exit("process_execve", &["__x64_sys_execve"])),
    TRIAL,
];

const FILE_SYSCALL: &[Hook] = &[
    exited("file_sys_exit", place::OPEN),
    exited("change_sys_exit", place::CHANGE),
];

const FILE_UNSEEN: &[Hook] = &[tracepoint("uring_unseen_file", RING)];

/// The tracepoint of a new ring of `io_uring`.
const RING: &str = "io_uring_create";

const FILE_KPROBE: &[Hook] = &[
    probe("file_filp_open_return", OPEN),
    probe("file_filp_open_entry", OPEN),
    optional(probe("uring_change_return", UNLINK)),
    optional(probe("uring_unlink_probe", UNLINK)),
    optional(probe("uring_change_return", RMDIR)),
    optional(probe("uring_rmdir_probe", RMDIR)),
    optional(probe("uring_change_return", MKDIR)),
    optional(probe("uring_mkdir_probe", MKDIR)),
    optional(probe("uring_change_return", SYMLINK)),
    optional(probe("uring_symlink_probe", SYMLINK)),
    optional(probe("uring_change_return", LINK)),
    optional(probe("uring_link_probe", LINK)),
    optional(probe("uring_change_return", RENAME)),
    optional(probe("uring_rename_probe", RENAME)),
    optional(probe("uring_truncate_return", TRUNCATE)),
    optional(probe("uring_truncate_probe", TRUNCATE)),
];

/// What calls and `io_uring` both lead to; the second names are those of 7.3.
const UNLINK: &[&str] = &["do_unlinkat", "filename_unlinkat"];
const RMDIR: &[&str] = &["do_rmdir", "filename_rmdir"];
const MKDIR: &[&str] = &["do_mkdirat", "filename_mkdirat"];
const SYMLINK: &[&str] = &["do_symlinkat", "filename_symlinkat"];
const LINK: &[&str] = &["do_linkat", "filename_linkat"];
const RENAME: &[&str] = &["do_renameat2", "filename_renameat2"];
const TRUNCATE: &[&str] = &["do_ftruncate"];

/// The function that every open ends in.
const OPEN: &[&str] = &["do_filp_open", "do_file_open"];

const FILE_TRAMPOLINE: &[Hook] = &[
    stood_for(2, exit("file_filp_open", OPEN)),
    entered("change_entered", "__x64_sys_mmap", 0),
    stood_for(1, call("change_mmap", "__x64_sys_mmap")),
    call("change_truncate", "__x64_sys_truncate"),
    stood_for(1, call("change_ftruncate", "__x64_sys_ftruncate")),
    stood_for(2, call("change_rename", "__x64_sys_rename")),
    stood_for(2, call("change_mkdir", "__x64_sys_mkdir")),
    stood_for(2, call("change_rmdir", "__x64_sys_rmdir")),
    stood_for(1, call("change_link", "__x64_sys_link")),
    stood_for(2, call("change_unlink", "__x64_sys_unlink")),
    stood_for(1, call("change_symlink", "__x64_sys_symlink")),
    stood_for(1, call("change_chmod", "__x64_sys_chmod")),
    stood_for(1, call("change_fchmod", "__x64_sys_fchmod")),
    stood_for(2, call("change_chown", "__x64_sys_chown")),
    call("change_fchown", "__x64_sys_fchown"),
    call("change_lchown", "__x64_sys_lchown"),
    call("change_utime", "__x64_sys_utime"),
    call("change_mknod", "__x64_sys_mknod"),
    call("change_mount", "__x64_sys_mount"),
    call("change_umount", "__x64_sys_umount"),
    call("change_setxattr", "__x64_sys_setxattr"),
    call("change_lsetxattr", "__x64_sys_lsetxattr"),
    call("change_fsetxattr", "__x64_sys_fsetxattr"),
    call("change_removexattr", "__x64_sys_removexattr"),
    call("change_lremovexattr", "__x64_sys_lremovexattr"),
    call("change_fremovexattr", "__x64_sys_fremovexattr"),
    call("change_utimes", "__x64_sys_utimes"),
    stood_for(1, call("change_mkdirat", "__x64_sys_mkdirat")),
    call("change_mknodat", "__x64_sys_mknodat"),
    stood_for(1, call("change_fchownat", "__x64_sys_fchownat")),
    call("change_futimesat", "__x64_sys_futimesat"),
    stood_for(2, call("change_unlinkat", "__x64_sys_unlinkat")),
    call("change_renameat", "__x64_sys_renameat"),
    call("change_linkat", "__x64_sys_linkat"),
    call("change_symlinkat", "__x64_sys_symlinkat"),
    stood_for(1, call("change_fchmodat", "__x64_sys_fchmodat")),
    stood_for(1, call("change_utimensat", "__x64_sys_utimensat")),
    stood_for(1, call("change_renameat2", "__x64_sys_renameat2")),
    call("change_move_mount", "__x64_sys_move_mount"),
    call("change_fchmodat2", "__x64_sys_fchmodat2"),
    stood_for(1, optional(exit("uring_unlink", UNLINK))),
    stood_for(1, optional(entry("uring_unlink_entry", UNLINK))),
    stood_for(1, optional(exit("uring_rmdir", RMDIR))),
    stood_for(1, optional(entry("uring_rmdir_entry", RMDIR))),
    stood_for(1, optional(exit("uring_mkdir", MKDIR))),
    stood_for(1, optional(entry("uring_mkdir_entry", MKDIR))),
    optional(exit("uring_symlink", SYMLINK)),
    optional(entry("uring_symlink_entry", SYMLINK)),
    optional(exit("uring_link", LINK)),
    optional(entry("uring_link_entry", LINK)),
    stood_for(1, optional(exit("uring_rename", RENAME))),
    stood_for(1, optional(entry("uring_rename_entry", RENAME))),
    stood_for(1, optional(exit("uring_truncate", TRUNCATE))),
    exit("uring_worked", &["io_wq_submit_work"]),
];

const SOCKET: &[Hook] = &[CONNECTED];

/// How connects end that go on without their caller.
const CONNECTED: Hook = tracepoint("socket_set_state", "inet_sock_set_state");

const SOCKET_SYSCALL: &[Hook] = &[CONNECTED, exited("socket_sys_exit", place::SOCKET)];

const SOCKET_UNSEEN: &[Hook] = &[tracepoint("uring_unseen_socket", RING)];

const SOCKET_TRAMPOLINE: &[Hook] = &[
    stood_for(3, exit("socket_connect", &["__x64_sys_connect"])),
    stood_for(1, exit("socket_bind", &["__x64_sys_bind"])),
    exit("socket_listen", &["__x64_sys_listen"]),
    stood_for(1, exit("socket_accept", &["__x64_sys_accept"])),
    stood_for(1, exit("socket_accept4", &["__x64_sys_accept4"])),
    stood_for(3, exit("socket_sendto", &["__x64_sys_sendto"])),
    stood_for(1, exit("socket_sendmsg", &["__x64_sys_sendmsg"])),
    exit("socket_sendmmsg", &["__x64_sys_sendmmsg"]),
    stood_for(1, exit("uring_connect", CONNECT)),
    stood_for(1, exit("uring_accept", ACCEPT)),
    exit("uring_sendmsg", SENDMSG),
    optional(exit("uring_bind", BIND)),
    optional(exit("uring_listen", LISTEN)),
];

const SOCKET_KPROBE: &[Hook] = &[
    probe("uring_connect_return", CONNECT),
    probe("uring_connect_entry", CONNECT),
    probe("uring_accept_return", ACCEPT),
    probe("uring_accept_entry", ACCEPT),
    probe("uring_sendmsg_return", SENDMSG),
    probe("uring_sendmsg_entry", SENDMSG),
    optional(probe("uring_bind_return", BIND)),
    optional(probe("uring_bind_entry", BIND)),
    optional(probe("uring_listen_return", LISTEN)),
    optional(probe("uring_listen_entry", LISTEN)),
];

const CONNECT: &[&str] = &["__sys_connect_file"];
const ACCEPT: &[&str] = &["do_accept"];
const SENDMSG: &[&str] = &["__sys_sendmsg_sock"];
const BIND: &[&str] = &["__sys_bind_socket"];
const LISTEN: &[&str] = &["__sys_listen_socket"];

const CAPABILITY_SYSCALL: &[Hook] = &[stood_for(
    2,
    tracepoint("capability_checked", "cap_capable"),
)];

const CAPABILITY_KPROBE: &[Hook] = &[
    beside(
        Modules::AskLikeAll,
        probe("capability_check_return", SECURITY_CAPABLE),
    ),
    beside(
        Modules::AskLikeAll,
        probe("capability_check_entry", SECURITY_CAPABLE),
    ),
    beside(
        Modules::AskThemselves,
        probe("capability_check_return", CAP_CAPABLE),
    ),
    beside(
        Modules::AskThemselves,
        probe("capability_check_entry", CAP_CAPABLE),
    ),
    probe("capability_mmap_addr_return", &["cap_mmap_addr"]),
    probe("capability_mmap_addr_entry", &["cap_mmap_addr"]),
    probe("capability_task_prctl_return", &["cap_task_prctl"]),
    probe("capability_task_prctl_entry", &["cap_task_prctl"]),
    probe("capability_capset_return", &["cap_capset"]),
    PROBE_TRIAL,
];

const CAPABILITY_TRAMPOLINE: &[Hook] = &[
    beside(
        Modules::AskLikeAll,
        stood_for(3, exit("capability_security_capable", SECURITY_CAPABLE)),
    ),
    beside(
        Modules::AskThemselves,
        stood_for(3, exit("capability_cap_capable", CAP_CAPABLE)),
    ),
    stood_for(1, exit("capability_mmap_addr", &["cap_mmap_addr"])),
    stood_for(1, exit("capability_task_prctl", &["cap_task_prctl"])),
    exit("capability_capset", &["cap_capset"]),
];

const SECURITY_CAPABLE: &[&str] = &["security_capable"];
const CAP_CAPABLE: &[&str] = &["cap_capable"];

const PRIVILEGE: &[Hook] = &[
    tracepoint("privilege_signal", "signal_generate"),
    tracepoint("privilege_uring", RING),
];

const PRIVILEGE_SYSCALL: &[Hook] = &[exited("privilege_sys_exit", place::PRIVILEGE)];

const PRIVILEGE_TRAMPOLINE: &[Hook] = &[
    stood_for(1, call("privilege_mmap", "__x64_sys_mmap")),
    stood_for(1, call("privilege_mprotect", "__x64_sys_mprotect")),
    call("privilege_pkey_mprotect", "__x64_sys_pkey_mprotect"),
    stood_for(1, call("privilege_clone", "__x64_sys_clone")),
    stood_for(1, call("privilege_kill", "__x64_sys_kill")),
    call("privilege_ptrace", "__x64_sys_ptrace"),
    call("privilege_init_module", "__x64_sys_init_module"),
    call("privilege_delete_module", "__x64_sys_delete_module"),
    call("privilege_tkill", "__x64_sys_tkill"),
    stood_for(1, call("privilege_tgkill", "__x64_sys_tgkill")),
    call("privilege_add_key", "__x64_sys_add_key"),
    call("privilege_request_key", "__x64_sys_request_key"),
    call("privilege_keyctl", "__x64_sys_keyctl"),
    call("privilege_unshare", "__x64_sys_unshare"),
    call("privilege_setns", "__x64_sys_setns"),
    call("privilege_process_vm_readv", "__x64_sys_process_vm_readv"),
    call("privilege_process_vm_writev", "__x64_sys_process_vm_writev"),
    call("privilege_finit_module", "__x64_sys_finit_module"),
    call("privilege_bpf", "__x64_sys_bpf"),
    call("privilege_pidfd_send_signal", "__x64_sys_pidfd_send_signal"),
    stood_for(1, call("privilege_clone3", "__x64_sys_clone3")),
    call("privilege_pidfd_getfd", "__x64_sys_pidfd_getfd"),
];

const CALLSET: &[Hook] = &[stood_for(2, tracepoint("callset_sys_enter", "sys_enter"))];

const PAYLOAD: &[Hook] = &[tracepoint("payload_destroy", "tcp_destroy_sock")];

const PAYLOAD_SYSCALL: &[Hook] = &[
    exited("payload_sys_exit", place::PAYLOAD),
    tracepoint("uring_unseen_payload", RING),
];

const PAYLOAD_TRAMPOLINE: &[Hook] = &[
    stood_for(2, exit("payload_tcp_sendmsg", &["tcp_sendmsg"])),
    stood_for(2, exit("payload_inet_recvmsg", &["inet_recvmsg"])),
    stood_for(2, exit("payload_inet6_recvmsg", &["inet6_recvmsg"])),
    stood_for(2, exit("payload_stream_connect", &["inet_stream_connect"])),
];

/// The entry functions of system calls that programs are attached to.
pub(super) fn syscall_entries() -> impl Iterator<Item = &'static str> {
    let hooks = Family::ALL
        .into_iter()
        .flat_map(|family| of(family, Backend::Trampoline));
    let functions = hooks.filter_map(|hook| match hook.trigger {
        Trigger::CallExit(function) => Some(function),
        Trigger::Exit([function]) => Some(*function),
        _ => None,
    });
    functions.filter(|function| function.starts_with("__x64_sys_"))
}

/// Whether kprobes see something of a family that the exits of system calls do not show.
pub(super) fn has_probes(family: Family) -> bool {
    matches!(family, Family::File | Family::Socket | Family::Capability)
}

/// Whether [`SYS_EXIT`] leads to a program of the family.
pub(super) fn is_led_to(family: Family, backend: Backend) -> bool {
    of(family, backend).any(|hook| matches!(hook.trigger, Trigger::Exited(_)))
}

/// The hooks of a family under a backend. A kprobe comes after its kretprobe: what the first remembers the second must forget.
pub(super) fn of(family: Family, backend: Backend) -> impl Iterator<Item = &'static Hook> {
    let (common, own) = match (family, backend) {
        (Family::Process, Backend::Trampoline) => (PROCESS, PROCESS_TRAMPOLINE),
        (Family::Process, _) => (PROCESS, PROCESS_SYSCALL),
        (Family::File, Backend::Trampoline) => (&[][..], FILE_TRAMPOLINE),
        (Family::File, Backend::Kprobe) => (FILE_SYSCALL, FILE_KPROBE),
        (Family::File, Backend::Syscall) => (FILE_UNSEEN, FILE_SYSCALL),
        (Family::Socket, Backend::Trampoline) => (SOCKET, SOCKET_TRAMPOLINE),
        (Family::Socket, Backend::Kprobe) => (SOCKET_SYSCALL, SOCKET_KPROBE),
        (Family::Socket, Backend::Syscall) => (SOCKET_UNSEEN, SOCKET_SYSCALL),
        (Family::Payload, Backend::Trampoline) => (PAYLOAD, PAYLOAD_TRAMPOLINE),
        (Family::Payload, _) => (PAYLOAD, PAYLOAD_SYSCALL),
        (Family::Capability, Backend::Trampoline) => (&[][..], CAPABILITY_TRAMPOLINE),
        (Family::Capability, Backend::Kprobe) => (&[][..], CAPABILITY_KPROBE),
        (Family::Capability, Backend::Syscall) => (&[][..], CAPABILITY_SYSCALL),
        (Family::Syscall, _) => (CALLSET, &[][..]),
        (Family::Privilege, Backend::Trampoline) => (PRIVILEGE, PRIVILEGE_TRAMPOLINE),
        (Family::Privilege, _) => (PRIVILEGE, PRIVILEGE_SYSCALL),
    };
    common.iter().chain(own)
}
