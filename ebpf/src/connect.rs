//! TCP connects that go on without their caller, as on a socket that does not wait: `EINPROGRESS` says nothing yet. The access is told
//! when the kernel knows how it ended: established, refused, timed out. What is never known is told by the agent in the end.
//!
//! Trigger: `tp_btf/inet_sock_set_state`: `TP_PROTO(const struct sock *sk, const int oldstate, const int newstate)`, the same on
//! 5.10 to 7.3. It comes in whatever task is running.

use aya_ebpf::{EbpfContext, macros::btf_tracepoint, programs::BtfTracePointContext};
use whittle_schemas::record::{
    Family, KIND_SOCKET,
    counter::Reason,
    socket::{CONNECT, SocketBody},
};

use crate::{
    address::{AF_INET, AF_INET6},
    config::offset,
    emit,
    kernel::{read, read_or_zero},
    maps::PENDING,
    path, scratch,
    sighting::Sighting,
    usage::{self, Generation},
    wake::Urgency,
};

pub(crate) const EINPROGRESS: i32 = 115;

/// Whether a socket is one whose states are told.
#[inline(always)]
pub(crate) fn is_tcp(family: u16, kind: u16, protocol: u16) -> bool {
    const STREAM: u16 = 1;
    const IPPROTO_TCP: u16 = 6;
    kind == STREAM && protocol == IPPROTO_TCP && matches!(family, AF_INET | AF_INET6)
}

/// How what a call left in progress ended: 0, or an errno. [`GOES_ON`]: it has not, and what is in the slot is kept until it
/// has. Of other sockets than TCP's nothing is known. A global function, which the verifier checks once and not again for each caller.
#[inline(always)]
pub(crate) fn outcome(slot: u32) -> u32 {
    connect_outcome(slot)
}

pub(crate) const GOES_ON: u32 = u32::MAX;

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn connect_outcome(slot: u32) -> u32 {
    let Some(scratch) = scratch::of(slot) else {
        return EINPROGRESS as u32;
    };
    // SAFETY: the caller has put a body there.
    let body = unsafe { &mut *scratch.body::<SocketBody>() };
    let is_connect = body.key.action == CONNECT;
    if !is_connect || !is_tcp(body.family, body.socket_type, body.protocol) {
        return EINPROGRESS as u32;
    }
    // The header is not written yet.
    let sock = body.header.boottime_ns;
    let state = state(sock);
    if state != SYN_SENT {
        return errno(sock, state) as u32;
    }
    body.text = path::EMPTY;
    body.header = emit::header::<SocketBody>(KIND_SOCKET, 0, &path::EMPTY);
    let body = &*body;
    if PENDING.insert(sock, body, 0).is_err() {
        return EINPROGRESS as u32;
    }
    let state = self::state(sock);
    // Whoever takes the entry out tells of it.
    if state != SYN_SENT && PENDING.remove(sock).is_ok() {
        return errno(sock, state) as u32;
    }
    GOES_ON
}

/// States of `include/net/tcp_states.h`.
const SYN_SENT: u8 = 2;
const CLOSE: u8 = 7;

#[inline(always)]
fn state(sock: u64) -> u8 {
    read_or_zero(sock, offset!(sock_state))
}

/// What the end of a connect was, by the state that came after it. A socket that its owner closed has no error.
#[inline(always)]
fn errno(sock: u64, state: u8) -> i32 {
    if state != CLOSE {
        return 0;
    }
    match read::<i32>(sock, offset!(sock_err)) {
        Some(error) if error > 0 => error,
        _ => EINPROGRESS,
    }
}

#[btf_tracepoint(function = "inet_sock_set_state")]
fn socket_set_state(ctx: BtfTracePointContext) -> i32 {
    if ctx.arg::<u32>(1) == u32::from(SYN_SENT)
        && let Some(sock) = read::<u64>(ctx.as_ptr() as u64, 0)
    {
        ended(sock, ctx.arg::<u32>(2) as u8);
    }
    0
}

#[inline(always)]
fn ended(sock: u64, state: u8) {
    let Some(pending) = PENDING.get_ptr(sock) else {
        return;
    };
    // SAFETY: the kernel keeps the entry while the program runs.
    let subject = unsafe { (*pending).key.subject };
    let sighting = Sighting {
        generation: Generation::now(),
        family: Family::Socket,
        task: core::ptr::null_mut(),
    };
    let generation = sighting.generation;
    let told = scratch::with(|scratch, _| {
        // SAFETY: the slot is this program's alone, and has room for the body, which is plain integers; the kernel keeps the
        // entry while the program runs.
        let body = unsafe {
            scratch.body::<SocketBody>().write(pending.read());
            &mut *scratch.body::<SocketBody>()
        };
        if PENDING.remove(sock).is_err() {
            // The call's own end was quicker.
            return Ok(());
        }
        sighting.count(Reason::Seen);
        usage::set_errno(&mut body.key, errno(sock, state));
        let key = body.key;
        if usage::repeat(generation, key.id) {
            return Ok(());
        }
        // Whoever runs now has nothing to do with it.
        let connected = body.header;
        body.header = emit::header::<SocketBody>(KIND_SOCKET, generation.flags(), &path::EMPTY);
        body.header.tgid = connected.tgid;
        body.header.tid = connected.tid;
        emit::send_as_it_is::<SocketBody>(scratch, &path::EMPTY, Urgency::Later)?;
        usage::begin(generation, Family::Socket, key.id);
        Ok(())
    });
    if told == Err(Reason::Nested) {
        if PENDING.remove(sock).is_err() {
            return;
        }
        sighting.count(Reason::Seen);
    }
    sighting.ended_by(subject, told);
}
