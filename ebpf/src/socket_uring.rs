//! Hook family `socket`, by `io_uring`: it calls what the system calls call, and no call ends that would tell of it. What a call
//! asked for is left to `socket`.
//!
//! Triggers: `fexit`, or kprobe and kretprobe, of the functions at the programs; checked on 5.10 to 7.3.

use aya_ebpf::{
    macros::{fexit, kprobe, kretprobe},
    programs::{FExitContext, ProbeContext, RetProbeContext},
};
use whittle_schemas::record::{
    Family,
    socket::{ACCEPT, BIND, CONNECT, LISTEN, SEND},
};

use crate::{
    address,
    config::offset,
    connect::{self, EINPROGRESS},
    function::{Place, Returned},
    kernel::read_or_zero,
    maps::CONNECTING,
    socket_act::{self, Act, Of},
    stand_in, subject, uring,
};

/// Defines, for each function with so many arguments, the programs that lead to its body, with a number for their place.
macro_rules! functions {
    ($($body:ident ($count:literal) @ $place:literal: $exit:ident $entry:ident $return:ident = $function:literal;)*) => {$(
        #[fexit(function = $function)]
        fn $exit(ctx: FExitContext) -> i32 {
            if stand_in::is_taken(&ctx, Family::Socket) {
                return 0;
            }
            if !uring::is_call() && let Some(returned) = Returned::of_exit(&ctx, $count) {
                $body(&returned);
            }
            0
        }

        #[kprobe]
        fn $entry(ctx: ProbeContext) -> u32 {
            Place { number: $place, family: Family::Socket }.enter(&ctx, |_| !uring::is_call())
        }

        #[kretprobe]
        fn $return(ctx: RetProbeContext) -> u32 {
            let place = Place { number: $place, family: Family::Socket };
            if let Some(returned) = Returned::of_return(&ctx, place) {
                $body(&returned);
            }
            0
        }
    )*};
}

functions! {
    connected(4) @ 6: uring_connect uring_connect_entry uring_connect_return = "__sys_connect_file";
    accepted(5) @ 7: uring_accept uring_accept_entry uring_accept_return = "do_accept";
    bound(3) @ 8: uring_bind uring_bind_entry uring_bind_return = "__sys_bind_socket";
    listened(2) @ 9: uring_listen uring_listen_entry uring_listen_return = "__sys_listen_socket";
    sent(3) @ 10: uring_sendmsg uring_sendmsg_entry uring_sendmsg_return = "__sys_sendmsg_sock";
}

#[inline(always)]
fn touch(act: &Act) {
    if let Some(task) = subject::watched() {
        socket_act::touch(task, act);
    }
}

const EAGAIN: i32 = 11;
const EISCONN: i32 = 106;
const EALREADY: i32 = 114;

/// `int __sys_connect_file(struct file *file, struct sockaddr_storage *address, int addrlen, int file_flags)`.
#[inline(always)]
fn connected(returned: &Returned) {
    let file = returned.argument(0);
    let errno = returned.errno();
    // What would have to wait is asked for again.
    if matches!(errno, EAGAIN | EISCONN | EALREADY) || is_second_look(file, errno) {
        return;
    }
    touch(&Act {
        action: CONNECT,
        of: Of::File(file),
        address: returned.argument(1),
        address_bytes: returned.argument(2),
        errno,
    });
}

/// Whether the connect is one of TCP that was told of when it began, and is now only asked for its end.
#[inline(always)]
fn is_second_look(file: u64, errno: i32) -> bool {
    let Some(socket) = address::of_file(file) else {
        return false;
    };
    if !connect::is_tcp(socket.family, socket.kind, socket.protocol) {
        return false;
    }
    if errno == EINPROGRESS {
        // Without room the end counts as one more connect.
        let _ = CONNECTING.insert(socket.sock, socket.inode_number(), 0);
        return false;
    }
    // SAFETY: a number.
    let known = CONNECTING
        .get_ptr(socket.sock)
        .map(|inode| unsafe { *inode });
    known == Some(socket.inode_number()) && CONNECTING.remove(socket.sock).is_ok()
}

/// `struct file *do_accept(struct file *file, ...)`: gives the connection's.
#[inline(always)]
fn accepted(returned: &Returned) {
    if returned.errno() == 0 {
        touch(&Act {
            action: ACCEPT,
            of: Of::File(returned.result()),
            address: 0,
            address_bytes: 0,
            errno: 0,
        });
    }
}

/// `int __sys_bind_socket(struct socket *sock, struct sockaddr_storage *address, int addrlen)`, from 6.11 on.
#[inline(always)]
fn bound(returned: &Returned) {
    touch(&Act {
        action: BIND,
        of: file_of(returned.argument(0)),
        address: returned.argument(1),
        address_bytes: returned.argument(2),
        errno: returned.errno(),
    });
}

/// `int __sys_listen_socket(struct socket *sock, int backlog)`, from 6.11 on.
#[inline(always)]
fn listened(returned: &Returned) {
    touch(&Act {
        action: LISTEN,
        of: file_of(returned.argument(0)),
        address: 0,
        address_bytes: 0,
        errno: returned.errno(),
    });
}

/// `long __sys_sendmsg_sock(struct socket *sock, struct msghdr *msg, unsigned int flags)`.
#[inline(always)]
fn sent(returned: &Returned) {
    let message = returned.argument(1);
    let address = read_or_zero(message, offset!(msghdr_name));
    if address == 0 || returned.errno() == EAGAIN {
        return;
    }
    let length: u32 = read_or_zero(message, offset!(msghdr_name_len));
    touch(&Act {
        action: SEND,
        of: file_of(returned.argument(0)),
        address,
        address_bytes: u64::from(length),
        errno: returned.errno(),
    });
}

#[inline(always)]
fn file_of(socket: u64) -> Of {
    Of::File(read_or_zero(socket, offset!(socket_file)))
}
