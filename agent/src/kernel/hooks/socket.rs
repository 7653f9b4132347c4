//! The hooks of family `socket`.

use super::{
    Backend, Hook, RING, exit, exited, optional, place, probe, stood_for, taken, tracepoint,
};

/// Those of all backends, or of more than one, and the backend's own.
pub(super) const fn of(backend: Backend) -> [&'static [Hook]; 2] {
    match backend {
        Backend::Trampoline => [COMMON, TRAMPOLINE],
        Backend::Kprobe => [SYSCALL, KPROBE],
        Backend::Syscall => [UNSEEN, SYSCALL],
    }
}

const COMMON: &[Hook] = &[CONNECTED];

/// How connects end that go on without their caller.
const CONNECTED: Hook = tracepoint("socket_set_state", "inet_sock_set_state");

const SYSCALL: &[Hook] = &[CONNECTED, exited("socket_sys_exit", place::SOCKET)];

const UNSEEN: &[Hook] = &[tracepoint("uring_unseen_socket", RING)];

const TRAMPOLINE: &[Hook] = &[
    taken(3, exit("socket_connect", &["__x64_sys_connect"])),
    taken(1, exit("socket_bind", &["__x64_sys_bind"])),
    exit("socket_listen", &["__x64_sys_listen"]),
    taken(1, exit("socket_accept", &["__x64_sys_accept"])),
    taken(1, exit("socket_accept4", &["__x64_sys_accept4"])),
    taken(3, exit("socket_sendto", &["__x64_sys_sendto"])),
    taken(1, exit("socket_sendmsg", &["__x64_sys_sendmsg"])),
    exit("socket_sendmmsg", &["__x64_sys_sendmmsg"]),
    stood_for(1, exit("uring_connect", CONNECT)),
    stood_for(1, exit("uring_accept", ACCEPT)),
    exit("uring_sendmsg", SENDMSG),
    optional(exit("uring_bind", BIND)),
    optional(exit("uring_listen", LISTEN)),
];

const KPROBE: &[Hook] = &[
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
