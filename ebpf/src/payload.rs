//! Hook family `payload`: connections to other hosts, and the bytes that calls move on them. Plaintext of OpenSSL is
//! in `tls`.
//!
//! Triggers: `sys_exit` of these calls, or what is in `inet` instead, and on every backend `tp_btf/tcp_destroy_sock`: `TP_PROTO(struct sock *sk)`, the same on 5.10 to 7.3. It comes when nobody holds the
//! socket any more and TCP is done with it: after a close of the last duplicate, and never before.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use whittle_schemas::record::{
    Family,
    counter::Reason,
    exit::PAYLOAD,
    payload::{RECEIVED, SENT},
};

use crate::{
    address::{AF_INET, AF_INET6, Socket, find_socket_of},
    close, connection, datagram, exit,
    sighting::Sighting,
    source::Source,
    stream,
    syscall::{Call, read_user_or_zero},
    tls,
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

/// What the exit of these calls leads to.
#[btf_tracepoint(function = "sys_exit")]
fn payload_sys_exit(ctx: BtfTracePointContext) -> i32 {
    let call = Call::of(&ctx);
    on_return(call.number(), &call);
    exit::go_on::<PAYLOAD>(&ctx)
}

#[inline(always)]
pub(crate) const fn is_ours(number: u64) -> bool {
    matches!(
        number,
        READ_CALL | WRITE_CALL | READV_CALL | WRITEV_CALL | CONNECT_CALL
            ..=RECVMSG_CALL | RECVMMSG_CALL | SENDMMSG_CALL
    )
}

/// What 32-bit programs say is not read.
#[inline(always)]
pub(crate) const fn is_ours_32(_: u64) -> bool {
    false
}

#[btf_tracepoint(function = "tcp_destroy_sock")]
fn payload_destroy(ctx: BtfTracePointContext) -> i32 {
    close::socket(ctx.arg(0));
    0
}

/// `EINPROGRESS`: the connection is being made.
const EINPROGRESS: i64 = 115;

/// Whether the call moved bytes, or began to connect.
#[inline(always)]
fn has_moved(number: u64, result: i64) -> bool {
    result > 0 || number == CONNECT_CALL && (result == 0 || result == -EINPROGRESS)
}

#[inline(always)]
fn on_return(number: u64, call: &Call) {
    if !has_moved(number, call.result()) {
        return;
    }
    // What datagrams say is read where they are received.
    let wanted = |kind| kind == STREAM || kind == DATAGRAM && receives(number);
    let Some(socket) = find_socket_of(call.argument(0), wanted) else {
        return;
    };
    if socket.family != AF_INET && socket.family != AF_INET6 {
        return;
    }
    let end = End {
        sock: socket.sock,
        inode: socket.inode_number(),
    };
    if is_tcp(&socket) {
        tcp(number, call, &end);
    } else if socket.kind == DATAGRAM {
        udp(number, call, &end);
    }
}

/// This end of a connection: the `struct sock`, and the number of its inode.
struct End {
    sock: u64,
    inode: u64,
}

#[inline(always)]
fn receives(number: u64) -> bool {
    matches!(
        number,
        READ_CALL | READV_CALL | RECVFROM_CALL | RECVMSG_CALL | RECVMMSG_CALL
    )
}

/// `SOCK_STREAM` and `SOCK_DGRAM` of `include/linux/net.h`.
pub(crate) const STREAM: u16 = 1;
pub(crate) const DATAGRAM: u16 = 2;

/// `IPPROTO_TCP`.
pub(crate) const IPPROTO_TCP: u16 = 6;

#[inline(always)]
fn is_tcp(socket: &Socket) -> bool {
    socket.kind == STREAM && socket.protocol == IPPROTO_TCP
}

/// `MSG_PEEK`, `MSG_TRUNC` and `MSG_ERRQUEUE` of `include/linux/socket.h`: nothing is taken from the stream, or
/// nothing of it given to the caller.
pub(crate) const NOT_TAKEN: u64 = 0x2 | 0x20 | 0x2000;

#[inline(always)]
fn tcp(number: u64, call: &Call, end: &End) {
    if number == CONNECT_CALL {
        let is_known = connection::of_socket(end.sock, end.inode)
            .is_some_and(|stream| stream.moved[0] == 0 && stream.moved[1] == 0);
        // A connect that went on without its caller is often asked for its result by a second one.
        if !is_known {
            connection::opened(end.sock, end.inode);
        }
        return;
    }
    let length = call.result() as u64;
    let buffer = Source::buffer(call.argument(1));
    let vector = Source::vector(call.argument(1), call.argument(2));
    match number {
        WRITE_CALL | SENDTO_CALL => tcp_moved(end, SENT, buffer, length),
        WRITEV_CALL => tcp_moved(end, SENT, vector, length),
        SENDMSG_CALL => tcp_moved(end, SENT, message(call.argument(1)), length),
        READ_CALL => tcp_moved(end, RECEIVED, buffer, length),
        READV_CALL => tcp_moved(end, RECEIVED, vector, length),
        RECVFROM_CALL if call.argument(3) & NOT_TAKEN == 0 => {
            tcp_moved(end, RECEIVED, buffer, length);
        }
        RECVMSG_CALL if call.argument(2) & NOT_TAKEN == 0 => {
            tcp_moved(end, RECEIVED, message(call.argument(1)), length);
        }
        SENDMMSG_CALL | RECVMMSG_CALL => several(end, number == SENDMMSG_CALL),
        _ => {}
    }
}

#[inline(always)]
fn tcp_moved(end: &End, direction: u8, source: Source, length: u64) {
    let sock = end.sock;
    if connection::of_socket(sock, end.inode).is_none() {
        // Nobody asks for what a server receives; what begins with a request is a client's connection.
        if direction != SENT || !stream::is_request(source.first_bytes(length), length) {
            return;
        }
        connection::found(sock, end.inode);
    }
    tls::moved(sock);
    connection::moved(sock, direction, source, length);
}

/// Several messages at once on a stream: nobody was seen to do this, and what it moves is counted as lost.
#[inline(always)]
fn several(end: &End, is_sent: bool) {
    let Some(stream) = connection::of_socket(end.sock, end.inode) else {
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
fn udp(number: u64, call: &Call, end: &End) {
    let length = call.result() as u64;
    let source = Source::buffer(call.argument(1));
    match number {
        READ_CALL => datagram(end, 0, source, length),
        READV_CALL => {
            let vector = Source::vector(call.argument(1), call.argument(2));
            datagram(end, 0, vector, length);
        }
        RECVFROM_CALL if call.argument(3) & NOT_TAKEN == 0 => {
            datagram(end, call.argument(4), source, length);
        }
        RECVMSG_CALL if call.argument(2) & NOT_TAKEN == 0 => {
            received_message(end, call.argument(1), length);
        }
        RECVMMSG_CALL => {
            let mut index = 0;
            while index < MESSAGES {
                if index >= length {
                    return;
                }
                let at = call.argument(1) + index * MMSGHDR_BYTES;
                let bytes: u32 = read_user_or_zero(at + MMSGHDR_LENGTH);
                received_message(end, at, u64::from(bytes));
                index += 1;
            }
        }
        _ => {}
    }
}

#[inline(always)]
fn received_message(end: &End, at: u64, length: u64) {
    let name: u64 = read_user_or_zero(at);
    datagram(end, name, message(at), length);
}

#[inline(always)]
fn datagram(end: &End, name: u64, source: Source, length: u64) {
    datagram::received(end.sock, end.inode, name, source, length);
}

/// The vector of a caller's `struct msghdr`.
#[inline(always)]
fn message(at: u64) -> Source {
    let [address, buffers] = read_user_or_zero::<[u64; 2]>(at + 16);
    Source::vector(address, buffers)
}
