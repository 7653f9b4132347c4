//! Hook family `payload`: connections to other hosts, and the bytes that calls move on them. Plaintext of OpenSSL is
//! in `tls`.
//!
//! Triggers: `sys_exit` of these calls, or `fexit` of their entry functions
//! (`long __x64_sys_*(const struct pt_regs *regs)`, 4.17 on), and on every backend
//! `tp_btf/tcp_destroy_sock`: `TP_PROTO(struct sock *sk)`, the same on 5.10 to 7.3. It comes when nobody holds the
//! socket any more and TCP is done with it: after a close of the last duplicate, and never before.

use aya_ebpf::{
    helpers::bpf_get_current_pid_tgid,
    macros::{btf_tracepoint, fexit},
    programs::{BtfTracePointContext, FExitContext},
};
use whittle_schemas::record::{
    Family,
    counter::Reason,
    payload::{RECEIVED, SENT},
};

use crate::{
    address::{AF_INET, AF_INET6, Socket, find_socket_of},
    chunk::Source,
    connection,
    maps::TLS_CALLS,
    stream,
    subject::{self, Sighting},
    syscall::{Call, read_user_or_zero},
};

const READ_CALL: u64 = 0;
const WRITE_CALL: u64 = 1;
const READV_CALL: u64 = 19;
const WRITEV_CALL: u64 = 20;
const CONNECT_CALL: u64 = 42;
const SENDTO_CALL: u64 = 44;
const RECVFROM_CALL: u64 = 45;
const SENDMSG_CALL: u64 = 46;
const RECVMSG_CALL: u64 = 47;
const RECVMMSG_CALL: u64 = 299;
const SENDMMSG_CALL: u64 = 307;

/// By the exit of any system call.
#[btf_tracepoint(function = "sys_exit")]
fn payload_sys_exit(ctx: BtfTracePointContext) -> i32 {
    let call = Call::of(&ctx);
    let number = call.number();
    if !is_ours(number) || subject::watched().is_none() || Call::is_compat() {
        return 0;
    }
    on_return(number, &call)
}

#[inline(always)]
fn is_ours(number: u64) -> bool {
    matches!(
        number,
        READ_CALL | WRITE_CALL | READV_CALL | WRITEV_CALL | CONNECT_CALL
            ..=RECVMSG_CALL | RECVMMSG_CALL | SENDMMSG_CALL
    )
}

#[btf_tracepoint(function = "tcp_destroy_sock")]
fn payload_destroy(ctx: BtfTracePointContext) -> i32 {
    connection::closed_socket(ctx.arg(0));
    0
}

macro_rules! exits {
    ($($program:ident = $function:literal, $number:ident;)*) => {$(
        #[fexit(function = $function)]
        fn $program(ctx: FExitContext) -> i32 {
            if subject::watched().is_none() {
                return 0;
            }
            on_return($number, &Call::of_entry(&ctx))
        }
    )*};
}

exits! {
    payload_read = "__x64_sys_read", READ_CALL;
    payload_write = "__x64_sys_write", WRITE_CALL;
    payload_readv = "__x64_sys_readv", READV_CALL;
    payload_writev = "__x64_sys_writev", WRITEV_CALL;
    payload_connect = "__x64_sys_connect", CONNECT_CALL;
    payload_sendto = "__x64_sys_sendto", SENDTO_CALL;
    payload_recvfrom = "__x64_sys_recvfrom", RECVFROM_CALL;
    payload_sendmsg = "__x64_sys_sendmsg", SENDMSG_CALL;
    payload_recvmsg = "__x64_sys_recvmsg", RECVMSG_CALL;
    payload_sendmmsg = "__x64_sys_sendmmsg", SENDMMSG_CALL;
    payload_recvmmsg = "__x64_sys_recvmmsg", RECVMMSG_CALL;
}

/// `EINPROGRESS`: the connection is being made.
const EINPROGRESS: i64 = 115;

/// Whether the call moved bytes, or began to connect.
#[inline(always)]
fn has_moved(number: u64, result: i64) -> bool {
    result > 0 || number == CONNECT_CALL && (result == 0 || result == -EINPROGRESS)
}

#[inline(always)]
fn on_return(number: u64, call: &Call) -> i32 {
    if !has_moved(number, call.result()) {
        return 0;
    }
    // What datagrams say is read where they are received.
    let wanted = |kind| kind == STREAM || kind == DATAGRAM && receives(number);
    let Some(socket) = find_socket_of(call.argument(0), wanted) else {
        return 0;
    };
    if socket.family != AF_INET && socket.family != AF_INET6 {
        return 0;
    }
    if is_tcp(&socket) {
        tcp(number, call, &socket);
    } else if socket.kind == DATAGRAM {
        udp(number, call, &socket);
    }
    0
}

#[inline(always)]
fn receives(number: u64) -> bool {
    matches!(
        number,
        READ_CALL | READV_CALL | RECVFROM_CALL | RECVMSG_CALL | RECVMMSG_CALL
    )
}

/// `SOCK_STREAM` and `SOCK_DGRAM` of `include/linux/net.h`.
const STREAM: u16 = 1;
const DATAGRAM: u16 = 2;

/// `IPPROTO_TCP`.
const IPPROTO_TCP: u16 = 6;

#[inline(always)]
fn is_tcp(socket: &Socket) -> bool {
    socket.kind == STREAM && socket.protocol == IPPROTO_TCP
}

/// `MSG_PEEK`, `MSG_TRUNC` and `MSG_ERRQUEUE` of `include/linux/socket.h`: nothing is taken from the stream, or
/// nothing of it given to the caller.
const NOT_TAKEN: u64 = 0x2 | 0x20 | 0x2000;

#[inline(always)]
fn tcp(number: u64, call: &Call, socket: &Socket) {
    if number == CONNECT_CALL {
        let is_known = connection::of_socket(socket.sock, socket.inode)
            .is_some_and(|stream| stream.moved[0] == 0 && stream.moved[1] == 0);
        // A connect that went on without its caller is often asked for its result by a second one.
        if !is_known {
            connection::opened(socket.sock, socket.inode);
        }
        return;
    }
    let length = call.result() as u64;
    let buffer = Source {
        address: call.argument(1),
        buffers: 0,
    };
    let vector = Source {
        address: call.argument(1),
        buffers: call.argument(2),
    };
    match number {
        WRITE_CALL | SENDTO_CALL => tcp_moved(socket, SENT, buffer, length),
        WRITEV_CALL => tcp_moved(socket, SENT, vector, length),
        SENDMSG_CALL => tcp_moved(socket, SENT, message(call.argument(1)), length),
        READ_CALL => tcp_moved(socket, RECEIVED, buffer, length),
        READV_CALL => tcp_moved(socket, RECEIVED, vector, length),
        RECVFROM_CALL if call.argument(3) & NOT_TAKEN == 0 => {
            tcp_moved(socket, RECEIVED, buffer, length);
        }
        RECVMSG_CALL if call.argument(2) & NOT_TAKEN == 0 => {
            tcp_moved(socket, RECEIVED, message(call.argument(1)), length);
        }
        SENDMMSG_CALL | RECVMMSG_CALL => several(socket, number == SENDMMSG_CALL),
        _ => {}
    }
}

#[inline(always)]
fn tcp_moved(socket: &Socket, direction: u8, source: Source, length: u64) {
    let sock = socket.sock;
    if connection::of_socket(sock, socket.inode).is_none() {
        // Nobody asks for what a server receives; what begins with a request is a client's connection.
        if direction != SENT || !stream::is_request(source.first_bytes(length), length) {
            return;
        }
        connection::found(sock, socket.inode);
    }
    if let Some(inside) = TLS_CALLS.get_ptr_mut(bpf_get_current_pid_tgid()) {
        // SAFETY: the entry is this thread's own.
        unsafe { (*inside).sock = sock };
    }
    connection::moved(sock, direction, source, length);
}

/// Several messages at once on a stream: nobody was seen to do this, and what it moves is counted as lost.
#[inline(always)]
fn several(socket: &Socket, is_sent: bool) {
    let Some(stream) = connection::of_socket(socket.sock, socket.inode) else {
        return;
    };
    stream.set_lost(if is_sent { SENT } else { RECEIVED }, true);
    if let Some(sighting) = Sighting::of(Family::Payload) {
        sighting.ended(Err(Reason::Unsupported));
    }
}

/// Messages of one recvmmsg that are looked at: a resolver asks for two.
const MESSAGES: u64 = 8;

/// Size of the kernel's `struct mmsghdr`, and where in it the received length is.
const MMSGHDR_BYTES: u64 = 64;
const MMSGHDR_LENGTH: u64 = 56;

#[inline(always)]
fn udp(number: u64, call: &Call, socket: &Socket) {
    let length = call.result() as u64;
    let mut source = Source {
        address: call.argument(1),
        buffers: 0,
    };
    match number {
        READ_CALL => datagram(socket, 0, source, length),
        READV_CALL => {
            source.buffers = call.argument(2);
            datagram(socket, 0, source, length);
        }
        RECVFROM_CALL if call.argument(3) & NOT_TAKEN == 0 => {
            datagram(socket, call.argument(4), source, length);
        }
        RECVMSG_CALL if call.argument(2) & NOT_TAKEN == 0 => {
            received_message(socket, call.argument(1), length);
        }
        RECVMMSG_CALL => {
            let mut index = 0;
            while index < MESSAGES {
                if index >= length {
                    return;
                }
                let at = call.argument(1) + index * MMSGHDR_BYTES;
                let bytes: u32 = read_user_or_zero(at + MMSGHDR_LENGTH);
                received_message(socket, at, u64::from(bytes));
                index += 1;
            }
        }
        _ => {}
    }
}

#[inline(always)]
fn received_message(socket: &Socket, at: u64, length: u64) {
    let name: u64 = read_user_or_zero(at);
    datagram(socket, name, message(at), length);
}

#[inline(always)]
fn datagram(socket: &Socket, name: u64, source: Source, length: u64) {
    connection::received_datagram(socket.sock, socket.inode, name, source, length);
}

/// The vector of a caller's `struct msghdr`.
#[inline(always)]
fn message(at: u64) -> Source {
    let [address, buffers] = read_user_or_zero::<[u64; 2]>(at + 16);
    Source { address, buffers }
}
