//! Hook family `payload`, by the functions of internet sockets that every way of using one leads to: system calls of all kinds, those
//! of 32-bit programs, and `io_uring`. What is read and written elsewhere, as in files, does not come here.
//!
//! Triggers: `fexit` of the functions at the programs, which are the same on 5.10 to 7.3. At the exit the message's iterator has passed
//! over the bytes that were moved. What `sendfile` and `splice` move, or the kernel for itself, has an iterator of another kind.

use aya_ebpf::{macros::fexit, programs::FExitContext};
use whittle_schemas::record::{
    payload::{RECEIVED, SENT},
    process::{TASK_USES_TLS, Task},
};

use crate::{
    config::offset,
    connect::EINPROGRESS,
    connection, datagram,
    kernel::read_or_zero,
    member::Distance as _,
    payload::{DATAGRAM, IPPROTO_TCP, NOT_TAKEN, STREAM},
    source::{self, Source},
    stand_in,
    stream::{self, NAME_PORT, Stream},
    subject, tls,
    typed::Typed,
};

stand_in::taker! { payload_tcp_sendmsg_taker (Payload, PAYLOAD_TCP_SENDMSG): fexit "tcp_sendmsg" }

/// `int tcp_sendmsg(struct sock *sk, struct msghdr *msg, size_t size)`.
#[fexit(function = "tcp_sendmsg")]
fn payload_tcp_sendmsg(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &PAYLOAD_TCP_SENDMSG);
    if let Some(length) = moved_bytes(&ctx, 3) {
        let sock = Typed::argument(&ctx, 0);
        let inode = inode_of(sock.follow(offset!(sock_socket)));
        moved(&ctx, sock, inode, SENT, length);
    }
    0
}

stand_in::taker! { payload_inet_recvmsg_taker (Payload, PAYLOAD_INET_RECVMSG): fexit "inet_recvmsg" }

/// `int inet_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags)`.
#[fexit(function = "inet_recvmsg")]
fn payload_inet_recvmsg(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &PAYLOAD_INET_RECVMSG);
    received(&ctx)
}

stand_in::taker! { payload_inet6_recvmsg_taker (Payload, PAYLOAD_INET6_RECVMSG): fexit "inet6_recvmsg" }

/// The same of IPv6.
#[fexit(function = "inet6_recvmsg")]
fn payload_inet6_recvmsg(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &PAYLOAD_INET6_RECVMSG);
    received(&ctx)
}

stand_in::taker! { payload_stream_connect_taker (Payload, PAYLOAD_STREAM_CONNECT): fexit "inet_stream_connect" }

/// `int inet_stream_connect(struct socket *sock, struct sockaddr *uaddr, int addr_len, int flags)`.
#[fexit(function = "inet_stream_connect")]
fn payload_stream_connect(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &PAYLOAD_STREAM_CONNECT);
    let result = result(&ctx, 4);
    if result == 0 || result == -EINPROGRESS {
        connected(Typed::argument(&ctx, 0));
    }
    0
}

/// What a function with so many arguments gave.
#[inline(always)]
fn result(ctx: &FExitContext, arguments: usize) -> i32 {
    ctx.arg::<u64>(arguments) as i32
}

/// How many bytes of the caller's memory a function with so many arguments moved; None for none.
#[inline(always)]
fn moved_bytes(ctx: &FExitContext, arguments: usize) -> Option<u64> {
    let result = result(ctx, arguments);
    let kind = Typed::argument(ctx, 1).load(offset!(msghdr_iter_type));
    (result > 0 && source::is_callers(kind)).then_some(result as u64)
}

/// Number of a socket's inode; 0 for one that the kernel made for itself.
#[inline(always)]
fn inode_of(socket: Typed) -> u64 {
    let file = socket.follow(offset!(socket_file));
    file.follow(offset!(file_inode)).load(offset!(inode_ino))
}

#[inline(always)]
fn connected(socket: Typed) {
    let sock = socket.follow(offset!(socket_sk));
    let inode = inode_of(socket);
    if inode == 0 || !is_tcp(sock) || subject::watched().is_none() {
        return;
    }
    // A connect that went on without its caller is often asked for its result by a second one.
    let is_known = connection::of_socket(sock.key(), inode)
        .is_some_and(|stream| stream.moved[0] == 0 && stream.moved[1] == 0);
    if !is_known {
        connection::opened(sock.number(), inode);
    }
}

#[inline(always)]
fn is_tcp(sock: Typed) -> bool {
    sock.load::<u16, _>(offset!(sock_protocol)) == IPPROTO_TCP
}

#[inline(always)]
fn received(ctx: &FExitContext) -> i32 {
    let flags: u64 = ctx.arg(3);
    let Some(length) = moved_bytes(ctx, 4).filter(|_| flags & NOT_TAKEN == 0) else {
        return 0;
    };
    let socket = Typed::argument(ctx, 0);
    let sock = socket.follow(offset!(socket_sk));
    match socket.load::<u16, _>(offset!(socket_type)) {
        STREAM if is_tcp(sock) => moved(ctx, sock, inode_of(socket), RECEIVED, length),
        DATAGRAM => datagram(ctx, sock, socket, length),
        _ => {}
    }
    0
}

#[inline(always)]
fn moved(ctx: &FExitContext, sock: Typed, inode: u64, direction: u8, length: u64) {
    let known = connection::of_socket(sock.key(), inode);
    // Nobody asks for what a server receives.
    if inode == 0 || known.is_none() && direction != SENT {
        return;
    }
    let Some(task) = subject::watched() else {
        return;
    };
    let Some(stream) = known.or_else(|| found(ctx, sock, inode, length)) else {
        return;
    };
    if uses_tls(task) {
        tls::moved(sock.number());
    }
    connection::moved_by(stream, sock, direction, || source(ctx), length);
}

/// What begins with a request is a client's connection, and older than the probes or opened in a way that they do not watch.
#[inline(always)]
fn found(ctx: &FExitContext, sock: Typed, inode: u64, length: u64) -> Option<&'static mut Stream> {
    if !stream::is_request(source(ctx).first_bytes(length), length) {
        return None;
    }
    let number = sock.number();
    connection::found(number, inode);
    connection::of_socket(number, inode)
}

#[inline(always)]
fn source(ctx: &FExitContext) -> Source {
    let message = Typed::argument(ctx, 1).number();
    Source::iterator(offset!(msghdr_iter).beyond(message))
}

#[inline(always)]
fn uses_tls(task: *mut Task) -> bool {
    // SAFETY: the pointer is into a live map value: its process is running this.
    unsafe { (*task).flags & TASK_USES_TLS != 0 }
}

/// What datagrams say is read where they are received, and only what comes from a name server.
#[inline(always)]
fn datagram(ctx: &FExitContext, sock: Typed, socket: Typed, length: u64) {
    let (port, name) = match sock.load(offset!(sock_peer_port)) {
        0 => named(ctx),
        port => (port, 0),
    };
    if port == NAME_PORT && subject::watched().is_some() {
        let inode = inode_of(socket);
        datagram::received(sock.number(), inode, name, source(ctx), length);
    }
}

/// The sender's port, and where the kernel has its address, if the caller asked for it. Not a direct load: a pointer to anything is
/// a number to older verifiers, and to 7.3 none.
#[inline(always)]
fn named(ctx: &FExitContext) -> (u16, u64) {
    let message = Typed::argument(ctx, 1).number();
    let name: u64 = read_or_zero(message, offset!(msghdr_name));
    (read_or_zero(name, SOCKADDR_PORT), name)
}

/// Where the port is in a `struct sockaddr` of either family.
const SOCKADDR_PORT: usize = 2;
