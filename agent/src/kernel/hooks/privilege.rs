//! The hooks of family `privilege`.

use super::{Backend, Hook, RING, call, exited, place, stood_for, tracepoint};

/// Those of all backends, or of more than one, and the backend's own.
pub(super) const fn of(backend: Backend) -> [&'static [Hook]; 2] {
    match backend {
        Backend::Trampoline => [COMMON, TRAMPOLINE],
        Backend::Kprobe | Backend::Syscall => [COMMON, SYSCALL],
    }
}

const COMMON: &[Hook] = &[
    tracepoint("privilege_signal", "signal_generate"),
    tracepoint("privilege_uring", RING),
];

const SYSCALL: &[Hook] = &[exited("privilege_sys_exit", place::PRIVILEGE)];

const TRAMPOLINE: &[Hook] = &[
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
