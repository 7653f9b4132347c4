//! The close of connections, each a record: a TCP socket's, an OpenSSL object's, and that of all objects of a process.

use whittle_schemas::record::{
    Family, KIND_CLOSED,
    counter::Reason,
    payload::{ClosedBody, TCP, TLS},
    process::{TASK_USES_TLS, Task},
};

use crate::{
    config::offset,
    connection::{ObjectKey, connection, of_object},
    count, emit,
    kernel::read_or_zero,
    maps::{OBJECTS, SOCKETS},
    path, peer, scratch,
    stream::Stream,
    usage::Generation,
    wake::Urgency,
};

/// An OpenSSL object is freed.
#[inline(always)]
pub(crate) fn object(address: u64) {
    if of_object(address).is_some() {
        close_object(address);
    }
}

/// The kernel destroys a TCP socket. No global function: those take no typed pointer, which `sock` is to the verifier.
#[inline(always)]
pub(crate) fn socket(sock: u64) {
    let Some(stream) = SOCKETS.get_ptr(sock) else {
        return;
    };
    // SAFETY: the entry stays the map's.
    let stream = unsafe { &*stream };
    let sent: u64 = read_or_zero(sock, offset!(tcp_bytes_sent));
    let resent: u64 = read_or_zero(sock, offset!(tcp_bytes_resent));
    let received: u64 = read_or_zero(sock, offset!(tcp_bytes_received));
    close(stream, TCP, [sent.wrapping_sub(resent), received]);
    // Absent only where another CPU removed it.
    let _ = SOCKETS.remove(sock);
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn close_object(address: u64) -> u32 {
    if let Some(stream) = of_object(address) {
        close(stream, TLS, [0; 2]);
        // Absent only where another thread removed it.
        let _ = OBJECTS.remove(ObjectKey::of(address));
    }
    0
}

/// A process ends, or becomes another program: so do its OpenSSL objects, where it had any. Their entries make room
/// in time.
#[inline(always)]
pub(crate) fn process(tgid: u32, task: *mut Task) {
    // SAFETY: the pointer is into a map value, which the kernel keeps while the program runs.
    let flags = unsafe { &mut (*task).flags };
    if *flags & TASK_USES_TLS != 0 {
        *flags &= !TASK_USES_TLS;
        close_process(tgid);
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn close_process(tgid: u32) -> u32 {
    let stream = Stream::new(0, 0, tgid, peer::NO_PEER);
    close(&stream, TLS, [0; 2]);
    0
}

/// Sends the end of a connection. It may come in any task, so that no watched one is asked for.
#[inline(always)]
fn close(stream: &Stream, transport: u8, wire: [u64; 2]) {
    let generation = Generation::now();
    count::up(generation, Family::Payload, Reason::Seen);
    let body = ClosedBody {
        header: emit::header::<ClosedBody>(KIND_CLOSED, generation.flags(), &path::EMPTY),
        connection: connection(stream, transport),
        sent: stream.moved[0],
        received: stream.moved[1],
        wire_sent: wire[0],
        wire_received: wire[1],
    };
    if let Err(reason) =
        scratch::with(|scratch, _| emit::send(scratch, body, &path::EMPTY, Urgency::Later))
    {
        count::up(generation, Family::Payload, reason);
    }
}
