//! The hooks of family `capability`.

use super::{
    Backend, Hook, Modules, PROBE_TRIAL, beside, exit, probe, stood_for, taken, tracepoint,
};

/// Those of all backends, or of more than one, and the backend's own.
pub(super) const fn of(backend: Backend) -> [&'static [Hook]; 2] {
    match backend {
        Backend::Trampoline => [&[], TRAMPOLINE],
        Backend::Kprobe => [&[], KPROBE],
        Backend::Syscall => [&[], SYSCALL],
    }
}

/// Itself, and not its taker: what it needs of a stack is more than a program may have that another enters.
const SYSCALL: &[Hook] = &[stood_for(
    2,
    tracepoint("capability_checked", "cap_capable"),
)];

const KPROBE: &[Hook] = &[
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

const TRAMPOLINE: &[Hook] = &[
    beside(
        Modules::AskLikeAll,
        taken(3, exit("capability_security_capable", SECURITY_CAPABLE)),
    ),
    beside(
        Modules::AskThemselves,
        taken(3, exit("capability_cap_capable", CAP_CAPABLE)),
    ),
    taken(1, exit("capability_mmap_addr", &["cap_mmap_addr"])),
    taken(1, exit("capability_task_prctl", &["cap_task_prctl"])),
    exit("capability_capset", &["cap_capset"]),
];

const SECURITY_CAPABLE: &[&str] = &["security_capable"];
const CAP_CAPABLE: &[&str] = &["cap_capable"];
