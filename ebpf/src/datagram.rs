//! Datagrams that UDP sockets received: answers of name servers are kept, and sent as bytes of a connection of one datagram.

use whittle_schemas::record::{Family, counter::Reason, payload::RECEIVED};

use crate::{
    connection::{DATAGRAM, send_bytes, size},
    maps::SOCKETS,
    peer,
    sighting::Sighting,
    source::Source,
    stream::{NAME_PORT, Stream},
    subject,
};

/// A datagram that a UDP socket received, `name` being where the kernel wrote the sender's address, or 0: in the memory of whoever
/// described the source.
#[inline(always)]
pub(crate) fn received(sock: u64, inode: u64, name: u64, source: Source, length: u64) {
    let length = (inode << 32) | (length & 0xffff);
    let (address, buffers) = source.packed();
    receive_datagram(sock, name, address, buffers, length);
}

/// Kept of an answer of a name server: more than resolvers ask for.
const ANSWER_KEPT: u64 = 4_096;

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn receive_datagram(
    sock: u64,
    name: u64,
    address: u64,
    buffers: u64,
    packed: u64,
) -> u32 {
    let in_kernel = u64::from(Source::unpacked(address, buffers).is_kernels());
    if peer::sender(sock, name, in_kernel).port != NAME_PORT {
        return 0;
    }
    let Some(sighting) = Sighting::of(Family::Payload) else {
        return 0;
    };
    // The answer is sent under an entry like any other, which is taken back: nobody else has this key.
    let stream = inode_key(packed);
    let sent = subject::of(sighting.task).and_then(|subject| {
        if begin_datagram(stream, sock, name, in_kernel) != 0 {
            return Err(Reason::SubjectUnknown);
        }
        let length = packed & 0xffff;
        let keep = if length < ANSWER_KEPT {
            length
        } else {
            ANSWER_KEPT
        };
        let what = u64::from(u32::from(RECEIVED) | DATAGRAM | (sighting.packed() << 8));
        let size = size(buffers, length);
        let sent = send_bytes(what | (keep << 32), stream, address, size, subject);
        Reason::or_recorded(sent)
    });
    // Absent only where it could not be made.
    let _ = SOCKETS.remove(stream);
    sighting.ended(sent);
    0
}

/// Key of a UDP socket among those of TCP sockets, which are addresses of the kernel: far above this.
#[inline(always)]
fn inode_key(packed: u64) -> u64 {
    packed >> 32
}

/// Begins the entry of a datagram; gives 0 where there was room for it.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn begin_datagram(key: u64, sock: u64, name: u64, in_kernel: u64) -> u32 {
    let peer = peer::sender(sock, name, in_kernel);
    let stream = Stream::new(key, key, subject::tgid(), peer);
    u32::from(SOCKETS.insert(key, stream, 0).is_err())
}
