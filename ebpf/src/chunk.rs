//! Sending the bytes that a call moved, in chunks. Where they are says `source`; a chunk never spans two buffers.

use core::hint::black_box;

use aya_ebpf::helpers::generated::bpf_probe_read_user;
use whittle_schemas::record::{
    KIND_PAYLOAD, Text,
    counter::Reason,
    payload::{CHUNK_BYTES, FLAG_LOST, PayloadBody},
};

use crate::{
    emit,
    scratch::{self, Scratch},
    sighting::Sighting,
    source::{BUFFERS, IOVEC_BYTES, Source, iovec, smaller},
    wake::Urgency,
};

/// Most chunks of one call: those of the most that is kept of a request, and as many again for buffers of a vector
/// that are shorter. What goes past it is counted as lost.
const CHUNKS: u32 = 32;

/// How far the sending has come. In the slot, for the verifier would follow each member through every turn of the loop.
#[repr(C)]
pub(crate) struct Cursor {
    /// Where the next bytes are, and how many are left in their buffer.
    address: u64,
    left: u64,
    /// Where the next buffer is described, how many there are, and whether that is in the kernel's memory.
    vector: u64,
    buffers: u64,
    in_kernel: u64,
    /// Bytes that are still to be sent, and that the call moved behind what was sent.
    keep: u64,
    rest: u64,
    sent: u64,
}

/// Sends the first `keep` bytes of `source` under the body in the slot, whose offset and length are those of the call.
/// Every chunk counts as seen, the first one by whoever calls this.
#[inline(always)]
pub(crate) fn send(sighting: Sighting, slot: u32, source: Source, keep: u32) -> Result<(), Reason> {
    let scratch = scratch::of(slot).ok_or(Reason::Nested)?;
    // SAFETY: the slot is this program's alone, and holds the body.
    let rest = unsafe { (*scratch.body::<PayloadBody>()).length };
    let (address, buffers) = source.packed();
    Reason::or_recorded(aim(slot, address, buffers, u64::from(rest)))?;
    let cursor = &mut scratch.cursor;
    cursor.keep = u64::from(keep);
    cursor.rest = u64::from(rest);
    cursor.sent = 0;
    let mut stretch = 0;
    while stretch < (CHUNKS + BUFFERS as u32) / STRETCH {
        match send_stretch(sighting.packed(), slot) {
            GO_ON => stretch += 1,
            ended => return Reason::or_recorded(ended),
        }
    }
    Err(Reason::Unsupported)
}

/// Steps of a [`send_stretch`]. The verifier looks at each turn of a loop: at those of two loops, one in the other, and not at their
/// product.
const STRETCH: u32 = 12;

const _: () = assert!((CHUNKS + BUFFERS as u32).is_multiple_of(STRETCH));

/// So many steps, or as many as there are to the end: as [`send_step`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn send_stretch(sighting: u32, slot: u32) -> u32 {
    let mut step = 0;
    while step < STRETCH {
        let ended = send_step(sighting, slot);
        if ended != GO_ON {
            return ended;
        }
        step += 1;
    }
    GO_ON
}

/// Puts the cursor at the first of so many bytes. A global function, which the verifier checks once.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn aim(slot: u32, address: u64, buffers: u64, length: u64) -> u32 {
    let Some(scratch) = scratch::of(slot) else {
        return Reason::Nested as u32;
    };
    let Some(start) = Source::unpacked(address, buffers).start(length) else {
        return Reason::ObjectUnknown as u32;
    };
    let cursor = &mut scratch.cursor;
    (cursor.address, cursor.left) = (start.address, start.left);
    cursor.vector = start.vector;
    cursor.buffers = smaller(start.buffers, BUFFERS);
    cursor.in_kernel = start.in_kernel;
    0
}

/// Of [`send_step`]: there is more. No reason has this number.
const GO_ON: u32 = 255;

/// Sends one chunk, or goes on to the next buffer. A global function, which the verifier checks once: gives
/// [`GO_ON`], 0 at the end, or the reason why a chunk is lost.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn send_step(sighting: u32, slot: u32) -> u32 {
    let Some(scratch) = scratch::of(slot) else {
        return Reason::Nested as u32;
    };
    let cursor = &mut scratch.cursor;
    if cursor.keep == 0 {
        return 0;
    }
    if cursor.left == 0 && cursor.buffers != 0 {
        let Some((base, length)) = iovec(cursor.vector, cursor.in_kernel) else {
            return Reason::ObjectUnknown as u32;
        };
        (cursor.address, cursor.left) = (base, length);
        cursor.vector += IOVEC_BYTES;
        cursor.buffers -= 1;
        return GO_ON;
    }
    if cursor.sent != 0 {
        Sighting::unpacked(sighting).count(Reason::Seen);
    }
    if cursor.left == 0 || cursor.sent >= u64::from(CHUNKS) {
        return Reason::Unsupported as u32;
    }
    cursor.sent += 1;
    let mut part = if cursor.left < cursor.keep {
        cursor.left
    } else {
        cursor.keep
    };
    if part > CHUNK_BYTES as u64 {
        part = CHUNK_BYTES as u64;
    }
    // What is not kept of the call is said by its last chunk.
    let length = if part == cursor.keep {
        cursor.rest
    } else {
        part
    };
    let address = cursor.address;
    cursor.address += part;
    cursor.left -= part;
    cursor.keep -= part;
    cursor.rest -= part;
    let lost = send_chunk(slot, address, part as u32, length as u32);
    if lost == 0 { GO_ON } else { lost }
}

/// One chunk: the body moves on by its length. A global function, as above.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn send_chunk(slot: u32, address: u64, kept: u32, length: u32) -> u32 {
    match scratch::of(slot) {
        Some(scratch) => Reason::number(try_send(scratch, address, kept, length)),
        None => Reason::Nested as u32,
    }
}

#[inline(always)]
fn try_send(scratch: &mut Scratch, address: u64, kept: u32, length: u32) -> Result<(), Reason> {
    // Opaque, or the compiler leaves the comparison out for what it knows of the caller.
    let kept = black_box(kept);
    let kept = if kept > CHUNK_BYTES as u32 {
        CHUNK_BYTES as u32
    } else {
        kept
    };
    // SAFETY: the text has room for a chunk, as `scratch` asserts.
    let read = unsafe { bpf_probe_read_user(scratch.text(0).cast(), kept, address as *const _) };
    if read != 0 {
        return Err(Reason::ObjectUnknown);
    }
    let text = Text {
        asked_bytes: kept,
        walked_bytes: 0,
        walk_flags: 0,
        magic: 0,
    };
    // SAFETY: the slot is this program's alone, and has room for the body, which is plain integers.
    let body = unsafe { &mut *scratch.body::<PayloadBody>() };
    body.header = emit::header::<PayloadBody>(KIND_PAYLOAD, body.header.flags, &text);
    body.kept = kept;
    body.length = length;
    emit::send_as_it_is::<PayloadBody>(scratch, &text, Urgency::Later)?;
    // SAFETY: as above.
    let body = unsafe { &mut *scratch.body::<PayloadBody>() };
    body.offset += u64::from(kept);
    // What was lost before the first chunk is not lost before the second.
    body.flags &= !FLAG_LOST;
    Ok(())
}
