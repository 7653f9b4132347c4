//! The hooks of family `process`.

use super::{Backend, Hook, TRIAL, exit, exited, place, stood_for, taken, tracepoint};

/// Those of all backends, or of more than one, and the backend's own.
pub(super) const fn of(backend: Backend) -> [&'static [Hook]; 2] {
    match backend {
        Backend::Trampoline => [COMMON, TRAMPOLINE],
        Backend::Kprobe | Backend::Syscall => [COMMON, SYSCALL],
    }
}

const COMMON: &[Hook] = &[
    stood_for(3, tracepoint("process_fork", "sched_process_fork")),
    taken(5, tracepoint("process_exec", "sched_process_exec")),
    stood_for(3, tracepoint("process_exit", "sched_process_exit")),
];

const SYSCALL: &[Hook] = &[exited("process_sys_exit", place::EXEC)];

const TRAMPOLINE: &[Hook] = &[
    taken(1, exit("process_execve", &["__x64_sys_execve"])),
    TRIAL,
];
