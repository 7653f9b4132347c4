//! Hook family `payload`, the part at OpenSSL's functions: plaintext, before it is encrypted and after it was decrypted.
//! Attached to files, for every process that maps them; only watched processes get past the first line.
//!
//! - `int SSL_write(SSL *ssl, const void *buf, int num)`, `int SSL_read(SSL *ssl, void *buf, int num)`.
//! - `int SSL_write_ex(SSL *s, const void *buf, size_t num, size_t *written)`, `SSL_read_ex` likewise (1.1.1 on).
//! - `int SSL_write_ex2(SSL *s, const void *buf, size_t num, uint64_t flags, size_t *written)` (3.3 on).
//! - `void SSL_free(SSL *ssl)`.
//!
//! What was written is known at the return alone: a call that would block is made again with the same bytes.

use aya_ebpf::{
    EbpfContext,
    bindings::pt_regs,
    helpers::{bpf_get_current_pid_tgid, bpf_ktime_get_boot_ns},
    macros::{uprobe, uretprobe},
    programs::{ProbeContext, RetProbeContext},
};
use whittle_schemas::record::{
    Family,
    counter::Reason,
    payload::{RECEIVED, SENT},
    process::TASK_USES_TLS,
};

use crate::{
    close, connection,
    maps::{NOWHERE, SOCKETS, TLS_CALLS},
    own_stack,
    sighting::Sighting,
    source::Source,
    subject,
    syscall::read_user_or_zero,
};

/// A call of OpenSSL that a thread is inside of.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct TlsCall {
    object: u64,
    buffer: u64,
    /// Where the call writes how many bytes it moved: argument 3, and argument 4.
    counts: [u64; 2],
    /// Stack pointer at the entry: tells the return of this call from that of one inside of it.
    stack: u64,
    boottime_ns: u64,
    /// The TCP socket that the thread used last inside of the call; 0 for none.
    pub(crate) sock: u64,
}

/// How long a call is taken for one that is still going on: what is inside of it, as TLS in TLS, is not looked at. An
/// older one whose return was missed must not hide later ones for ever.
const INSIDE_NS: u64 = 60_000_000_000;

/// The running thread moved bytes on a TCP socket: what it is inside of may be what they are of.
#[inline(always)]
pub(crate) fn moved(sock: u64) {
    if let Some(inside) = TLS_CALLS.get_ptr_mut(bpf_get_current_pid_tgid()) {
        // SAFETY: the entry is this thread's own.
        unsafe { (*inside).sock = sock };
    }
}

#[uprobe]
fn tls_enter(ctx: ProbeContext) -> u32 {
    own_stack::keep(&ctx, &NOWHERE);
    let Some(task) = subject::watched() else {
        return 0;
    };
    // SAFETY: the pointer is into a live map value: its process is running this.
    unsafe { (*task).flags |= TASK_USES_TLS };
    let thread = bpf_get_current_pid_tgid();
    let stack = stack(ctx.as_ptr().cast());
    // SAFETY: the helper has no precondition.
    let boottime_ns = unsafe { bpf_ktime_get_boot_ns() };
    if let Some(outer) = TLS_CALLS.get_ptr(thread) {
        // SAFETY: the entry is this thread's own.
        let outer = unsafe { &*outer };
        if stack < outer.stack && boottime_ns - outer.boottime_ns < INSIDE_NS {
            return 0;
        }
    }
    let call = TlsCall {
        object: ctx.arg(0).unwrap_or(0),
        buffer: ctx.arg(1).unwrap_or(0),
        counts: [ctx.arg(3).unwrap_or(0), ctx.arg(4).unwrap_or(0)],
        stack,
        boottime_ns,
        sock: 0,
    };
    if TLS_CALLS.insert(thread, call, 0).is_err() {
        // The map is full: the call that begins will not be read.
        lost(Reason::SubjectUnknown);
    }
    0
}

#[uretprobe]
fn tls_write(ctx: RetProbeContext) -> u32 {
    on_return(&ctx, SENT, |_| returned(&ctx))
}

#[uretprobe]
fn tls_write_ex(ctx: RetProbeContext) -> u32 {
    on_return(&ctx, SENT, |call| counted(&ctx, call.counts[0]))
}

#[uretprobe]
fn tls_write_ex2(ctx: RetProbeContext) -> u32 {
    on_return(&ctx, SENT, |call| counted(&ctx, call.counts[1]))
}

#[uretprobe]
fn tls_read(ctx: RetProbeContext) -> u32 {
    on_return(&ctx, RECEIVED, |_| returned(&ctx))
}

#[uretprobe]
fn tls_read_ex(ctx: RetProbeContext) -> u32 {
    on_return(&ctx, RECEIVED, |call| counted(&ctx, call.counts[0]))
}

#[uprobe]
fn tls_free(ctx: ProbeContext) -> u32 {
    own_stack::keep(&ctx, &NOWHERE);
    if subject::watched().is_some() {
        close::object(ctx.arg(0).unwrap_or(0));
    }
    0
}

/// Bytes that a call moved that returns their number.
#[inline(always)]
fn returned(ctx: &RetProbeContext) -> u64 {
    let result: i32 = ctx.ret();
    if result > 0 { result as u64 } else { 0 }
}

/// Bytes that a call moved that returns 1 and writes their number to `place`.
#[inline(always)]
fn counted(ctx: &RetProbeContext, place: u64) -> u64 {
    let result: i32 = ctx.ret();
    if result == 1 {
        read_user_or_zero(place)
    } else {
        0
    }
}

#[inline(always)]
fn on_return(ctx: &RetProbeContext, direction: u8, moved: impl Fn(&TlsCall) -> u64) -> u32 {
    own_stack::keep(ctx, &NOWHERE);
    if subject::watched().is_none() {
        return 0;
    }
    let thread = bpf_get_current_pid_tgid();
    let Some(call) = TLS_CALLS.get_ptr(thread) else {
        return 0;
    };
    // SAFETY: the entry is this thread's own, and removed at the end.
    let call = unsafe { &*call };
    // The return took its address from the stack.
    if stack(ctx.as_ptr().cast()) != call.stack + 8 {
        return 0;
    }
    let length = moved(call);
    if length != 0 {
        plain(call, direction, length);
    }
    // It was there.
    let _ = TLS_CALLS.remove(thread);
    0
}

#[inline(always)]
fn plain(call: &TlsCall, direction: u8, length: u64) {
    if connection::of_object(call.object).is_none() {
        connection::begin_object(call.object);
    }
    let Some(stream) = connection::of_object(call.object) else {
        return lost(Reason::SubjectUnknown);
    };
    if call.sock != 0
        && let Some(socket) = SOCKETS.get_ptr(call.sock)
    {
        // SAFETY: the kernel keeps the entry's memory while the program runs.
        let socket = unsafe { &*socket };
        stream.socket = socket.number;
        stream.peer = socket.peer;
    }
    let source = Source::buffer(call.buffer);
    connection::moved_plain(call.object, direction, source, length);
}

#[inline(always)]
fn lost(reason: Reason) {
    if let Some(sighting) = Sighting::of(Family::Payload) {
        sighting.count(reason);
    }
}

/// The stack pointer of the probed program.
#[inline(always)]
fn stack(registers: *const pt_regs) -> u64 {
    // SAFETY: the context of a probe is a `struct pt_regs`.
    unsafe { (*registers).rsp }
}
