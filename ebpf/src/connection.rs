//! Connections: their opening and the bytes on them, each as a record; their close is in `close`. `payload` and `tls` find out what
//! a call did; `stream` decides what is kept of it, and `chunk` sends that.
//!
//! What does the work are global functions, which the verifier checks once and not again for each caller, each with a
//! stack of its own. On 5.10 those take plain numbers only.

use core::{arch::asm, ptr};

use whittle_schemas::record::{
    Family, KIND_OPENED,
    counter::Reason,
    payload::{
        Connection, FLAG_LOST, FLAG_MIDSTREAM, OpenedBody, PayloadBody, SENT, TCP, TLS, UDP,
    },
};

use crate::{
    chunk, emit,
    maps::{OBJECTS, SOCKETS},
    path, peer, scratch,
    sighting::Sighting,
    source::Source,
    stream::{MIDSTREAM, Stream},
    subject,
    typed::Typed,
    wake::Urgency,
};

/// An OpenSSL object: its address means something in its own process only.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct ObjectKey {
    pub(crate) address: u64,
    pub(crate) tgid: u64,
}

impl ObjectKey {
    #[inline(always)]
    pub(crate) fn of(address: u64) -> Self {
        Self {
            address,
            tgid: u64::from(subject::tgid()),
        }
    }
}

/// The entry of a socket, where it is this socket's and not that of one that had its memory before.
#[inline(always)]
pub(crate) fn of_socket(sock: u64, inode: u64) -> Option<&'static mut Stream> {
    let entry = SOCKETS.get_ptr_mut(sock)?;
    // SAFETY: inside of a map value.
    let is_same = unsafe { (*entry).inode == inode };
    let mut stream = if is_same { entry } else { ptr::null_mut() };
    // SAFETY: a register is moved to itself. It keeps the compiler from comparing the inodes once more instead of asking for null,
    // which is what the verifier asks for.
    unsafe { asm!("{0} = {0}", inout(reg) stream, options(pure, readonly, nostack)) };
    // SAFETY: the kernel keeps the memory while the program runs; `Stream` says what races may do.
    unsafe { stream.as_mut() }
}

/// The entry of an OpenSSL object of the running process.
#[inline(always)]
pub(crate) fn of_object(address: u64) -> Option<&'static mut Stream> {
    // SAFETY: as above.
    Some(unsafe { &mut *OBJECTS.get_ptr_mut(ObjectKey::of(address))? })
}

/// A TCP connection that the running process opened.
#[inline(always)]
pub(crate) fn opened(sock: u64, inode: u64) {
    open_socket(sock, inode, 0);
}

/// A TCP connection that is older than the probes, or was opened in a way that they do not watch.
#[inline(always)]
pub(crate) fn found(sock: u64, inode: u64) {
    open_socket(sock, inode, MIDSTREAM);
}

/// Begins an entry for an OpenSSL object.
#[inline(always)]
pub(crate) fn begin_object(address: u64) {
    open_object(address);
}

/// Bytes that a call moved on a TCP socket with an entry.
#[inline(always)]
pub(crate) fn moved(sock: u64, direction: u8, source: Source, length: u64) {
    let (address, buffers) = source.packed();
    move_bytes(u32::from(direction), sock, address, buffers, length);
}

/// As [`moved`], where the entry is at hand: most bytes are not kept, and nothing is looked up for them again.
#[inline(always)]
pub(crate) fn moved_by(
    stream: &mut Stream,
    sock: Typed,
    direction: u8,
    source: impl FnOnce() -> Source,
    length: u64,
) {
    if stream.is_past(direction, length) {
        return;
    }
    let source = source();
    let keep = stream.keep(direction, source, length);
    if keep != 0 {
        let what = u64::from(direction) | (u64::from(keep) << 32);
        let (address, buffers) = source.packed();
        keep_moved(what, sock.number(), address, size(buffers, length));
    }
}

/// Plaintext that a call moved through an OpenSSL object with an entry.
#[inline(always)]
pub(crate) fn moved_plain(object: u64, direction: u8, source: Source, length: u64) {
    let (address, buffers) = source.packed();
    let what = u32::from(direction) | OBJECT;
    move_bytes(what, object, address, buffers, length);
}

/// In what [`move_bytes`] gets: the key is an OpenSSL object and no socket.
const OBJECT: u32 = 2;

/// Frames are small on the way to [`subject::of`], which goes deep: 6.1 gives 512 bytes to a chain of calls.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn open_socket(sock: u64, inode: u64, flags: u32) -> u32 {
    let has_room = begin_socket(sock, inode, flags) == 0;
    let Some(sighting) = Sighting::of(Family::Payload) else {
        return 0;
    };
    if !has_room {
        sighting.count(Reason::SubjectUnknown);
        return 0;
    }
    let sent = subject::of(sighting.task)
        .and_then(|subject| Reason::or_recorded(announce_socket(sighting.packed(), sock, subject)));
    sighting.ended(sent);
    0
}

/// Begins an entry for a TCP socket; gives 0 where there was room for it.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn begin_socket(sock: u64, inode: u64, flags: u32) -> u32 {
    let mut stream = Stream::new(
        subject::new_id(),
        inode,
        subject::tgid(),
        peer::of_socket(sock),
    );
    stream.flags = flags;
    u32::from(SOCKETS.insert(sock, stream, 0).is_err())
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn announce_socket(sighting: u32, sock: u64, subject: u64) -> u32 {
    let Some(stream) = SOCKETS.get_ptr(sock) else {
        return Reason::ObjectUnknown as u32;
    };
    // SAFETY: as in `of_socket`.
    let stream = unsafe { &*stream };
    let sighting = Sighting::unpacked(sighting);
    let sent = scratch::with(|scratch, _| {
        // SAFETY: the slot is this program's alone, and has room for the body, which is plain integers.
        let body = unsafe { &mut *scratch.body::<OpenedBody>() };
        body.header =
            emit::header::<OpenedBody>(KIND_OPENED, sighting.generation.flags(), &path::EMPTY);
        body.connection = connection(stream, TCP);
        body.subject = subject;
        body.peer = stream.peer;
        emit::send_as_it_is::<OpenedBody>(scratch, &path::EMPTY, Urgency::Later)
    });
    Reason::number(sent)
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn open_object(address: u64) -> u32 {
    let stream = Stream::new(address, 0, subject::tgid(), peer::NO_PEER);
    // Without an entry the bytes count as lost, by whoever wants to keep them.
    u32::from(OBJECTS.insert(ObjectKey::of(address), stream, 0).is_err())
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn move_bytes(what: u32, key: u64, address: u64, buffers: u64, length: u64) -> u32 {
    let keep = keep_bytes(what, key, address, buffers, length);
    if keep != 0 {
        let what = u64::from(what) | (u64::from(keep) << 32);
        send_kept(what, key, address, size(buffers, length));
    }
    0
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn keep_moved(what: u64, key: u64, address: u64, size: u64) -> u32 {
    send_kept(what, key, address, size);
    0
}

/// The kernel takes no more than 1,024 buffers, and moves less than 2 GiB at once.
#[inline(always)]
pub(crate) fn size(buffers: u64, length: u64) -> u64 {
    (buffers << 32) | (length & 0xffff_ffff)
}

#[inline(always)]
fn send_kept(what: u64, key: u64, address: u64, size: u64) {
    let Some(sighting) = Sighting::of(Family::Payload) else {
        return;
    };
    let what = what | u64::from(sighting.packed() << 8);
    let sent = subject::of(sighting.task)
        .and_then(|subject| Reason::or_recorded(send_bytes(what, key, address, size, subject)));
    if let Some(stream) = find(what as u32, key) {
        stream.set_lost((what & 1) as u8, sent.is_err());
    }
    sighting.ended(sent);
}

/// The entry that [`move_bytes`] is about.
#[inline(always)]
fn find(what: u32, key: u64) -> Option<&'static mut Stream> {
    if what & OBJECT != 0 {
        return of_object(key);
    }
    // SAFETY: as in `of_socket`, which was asked already.
    Some(unsafe { &mut *SOCKETS.get_ptr_mut(key)? })
}

/// How many bytes of a call are kept.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn keep_bytes(what: u32, key: u64, address: u64, buffers: u64, length: u64) -> u32 {
    match find(what, key) {
        Some(stream) => {
            let source = Source::unpacked(address, buffers);
            stream.keep((what & 1) as u8, source, length)
        }
        None => 0,
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn send_bytes(
    what: u64,
    key: u64,
    address: u64,
    size: u64,
    subject: u64,
) -> u32 {
    let sighting = Sighting::unpacked(what as u32 >> 8);
    let direction = (what & 1) as u8;
    let transport = match what as u32 & (OBJECT | DATAGRAM) {
        OBJECT => TLS,
        DATAGRAM => UDP,
        _ => TCP,
    };
    let Some(stream) = find(what as u32, key) else {
        return Reason::ObjectUnknown as u32;
    };
    let length = size & 0xffff_ffff;
    let after = if direction == SENT {
        stream.moved[0]
    } else {
        stream.moved[1]
    };
    let sent = send(
        sighting,
        stream,
        transport,
        direction,
        subject,
        |body, slot| {
            // A datagram is not part of a stream.
            body.offset = if transport == UDP { 0 } else { after - length };
            body.length = length as u32;
            let source = Source::unpacked(address, size >> 32);
            chunk::send(sighting, slot, source, (what >> 32) as u32)
        },
    );
    Reason::number(sent)
}

#[inline(always)]
fn send(
    sighting: Sighting,
    stream: &Stream,
    transport: u8,
    direction: u8,
    subject: u64,
    chunks: impl FnOnce(&mut PayloadBody, u32) -> Result<(), Reason>,
) -> Result<(), Reason> {
    scratch::with(|scratch, slot| {
        // SAFETY: the slot is this program's alone, and has room for the body, which is plain integers.
        let body = unsafe { &mut *scratch.body::<PayloadBody>() };
        body.header.flags = sighting.generation.flags();
        body.connection = connection(stream, transport);
        body.subject = subject;
        body.socket = stream.socket;
        body.direction = direction;
        body.flags = 0;
        if stream.has_lost(direction) {
            body.flags |= FLAG_LOST;
        }
        if stream.flags & MIDSTREAM != 0 {
            body.flags |= FLAG_MIDSTREAM;
        }
        body.pad = [0; 6];
        body.peer = stream.peer;
        chunks(body, slot)
    })
}

/// In what [`send_bytes`] gets: a datagram.
pub(crate) const DATAGRAM: u32 = 4;

#[inline(always)]
pub(crate) fn connection(stream: &Stream, transport: u8) -> Connection {
    Connection {
        number: stream.number,
        tgid: stream.tgid,
        transport,
        pad: [0; 3],
    }
}
