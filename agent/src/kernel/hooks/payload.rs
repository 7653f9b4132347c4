//! The hooks of family `payload`, but for those of OpenSSL: see `openssl`.

use super::{Backend, Hook, RING, exit, exited, place, taken, tracepoint};

/// Those of all backends, or of more than one, and the backend's own.
pub(super) const fn of(backend: Backend) -> [&'static [Hook]; 2] {
    match backend {
        Backend::Trampoline => [COMMON, TRAMPOLINE],
        Backend::Kprobe | Backend::Syscall => [COMMON, SYSCALL],
    }
}

const COMMON: &[Hook] = &[tracepoint("payload_destroy", "tcp_destroy_sock")];

const SYSCALL: &[Hook] = &[
    exited("payload_sys_exit", place::PAYLOAD),
    tracepoint("uring_unseen_payload", RING),
];

const TRAMPOLINE: &[Hook] = &[
    taken(2, exit("payload_tcp_sendmsg", &["tcp_sendmsg"])),
    taken(2, exit("payload_inet_recvmsg", &["inet_recvmsg"])),
    taken(2, exit("payload_inet6_recvmsg", &["inet6_recvmsg"])),
    taken(2, exit("payload_stream_connect", &["inet_stream_connect"])),
];
