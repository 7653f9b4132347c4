//! What is known about a connection, and how much of what it carries is kept. The rest is passed over: records say
//! by their offsets what is missing, and nothing of it is a loss.

use core::hint::black_box;

use whittle_schemas::record::payload::{Peer, RECEIVED, SENT};

use crate::source::Source;

/// Kept of what a connection sends while it is not known to be HTTP: a TLS hello with its server name.
const HEAD_SENT: u32 = 4_096;

/// Kept of what it receives meanwhile.
const HEAD_RECEIVED: u32 = 1_024;

/// Kept of a request: a head of 64 KiB and as much of the body. Stops an upload from filling the ring.
const REQUEST_KEPT: u32 = 131_072;

/// Kept of a response: its head, and a body as long as those that hold credentials. Stops downloads likewise.
const RESPONSE_KEPT: u32 = 16_384;

/// Kept of what follows a received byte and does not begin as a request does, as when a head is sent byte by byte.
const TURN_KEPT: u32 = 16_384;

/// Kept of what is sent to a proxy after `CONNECT`: that request and a TLS hello.
const TUNNEL_KEPT: u32 = 16_384;

/// Kept in each direction of a connection to a name server.
const NAMES_KEPT: u32 = 65_536;

/// `Stream::kind`: what was sent so far may be the beginning of an HTTP method.
const UNDECIDED: u32 = 0;
/// `Stream::kind`: it began with a method of HTTP/1.
const HTTP: u32 = 1;
/// `Stream::kind`: it is anything else.
const OTHER: u32 = 2;

/// `Stream::flags`: wanted bytes that were sent are lost.
const LOST_SENT: u32 = 1;
/// `Stream::flags`: wanted bytes that were received are lost.
const LOST_RECEIVED: u32 = 2;
/// `Stream::flags`: the connection is older than this entry.
pub(crate) const MIDSTREAM: u32 = 4;
/// `Stream::flags`: the last bytes were received ones.
const RECEIVED_LAST: u32 = 8;

/// One connection. Bytes are counted without locks: two threads that write on one connection at once mix up its
/// bytes themselves.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Stream {
    /// As in `payload::Connection`.
    pub(crate) number: u64,
    /// Inode of the socket, so that an entry is not taken for a later socket's; 0 for an OpenSSL object.
    pub(crate) inode: u64,
    /// For an OpenSSL object: number of the connection underneath.
    pub(crate) socket: u64,
    /// Bytes sent, and bytes received.
    pub(crate) moved: [u64; 2],
    /// First bytes sent, until the kind is known.
    start: u64,
    start_bytes: u32,
    kind: u32,
    /// Bytes that are still kept, sent and received.
    left: [u32; 2],
    pub(crate) tgid: u32,
    pub(crate) flags: u32,
    pub(crate) peer: Peer,
}

/// Port 53, in network order.
pub(crate) const NAME_PORT: u16 = 53_u16.to_be();

impl Stream {
    #[inline(always)]
    pub(crate) fn new(number: u64, inode: u64, tgid: u32, peer: Peer) -> Self {
        let (kind, left) = if peer.port == NAME_PORT {
            (OTHER, [NAMES_KEPT; 2])
        } else {
            (UNDECIDED, [HEAD_SENT, HEAD_RECEIVED])
        };
        Self {
            number,
            inode,
            socket: 0,
            moved: [0; 2],
            start: 0,
            start_bytes: 0,
            kind,
            left,
            tgid,
            flags: 0,
            peer,
        }
    }

    /// Takes notice of a call that moved `length` bytes where nothing of them is kept whatever they are: what goes through most
    /// connections most of the time. False: [`Self::keep`] has to look at them.
    #[inline(always)]
    pub(crate) fn is_past(&mut self, direction: u8, length: u64) -> bool {
        let place = usize::from(black_box(direction) & 1);
        if self.kind != OTHER || self.left[place] != 0 {
            return false;
        }
        self.moved[place] += length;
        true
    }

    /// Takes notice of a call that moved `length` bytes, and says how many of them to keep.
    #[inline(always)]
    pub(crate) fn keep(&mut self, direction: u8, source: Source, length: u64) -> u32 {
        // Opaque, or the compiler leaves the mask out for what it knows of the callers.
        let place = usize::from(black_box(direction) & 1);
        let is_looked_at = self.kind == HTTP || self.kind == UNDECIDED && direction == SENT;
        let first = if is_looked_at {
            source.first_bytes(length)
        } else {
            0
        };
        let known = if length < 8 { length as u32 } else { 8 };
        if direction == SENT {
            self.before_sent(first, known);
            self.flags &= !RECEIVED_LAST;
        } else {
            if self.kind == HTTP && known == 8 && first & RESPONSE_MASK == RESPONSE {
                self.left[1] = RESPONSE_KEPT;
            }
            self.flags |= RECEIVED_LAST;
        }
        self.moved[place] += length;
        let left = self.left[place];
        let keep = if length < u64::from(left) {
            length as u32
        } else {
            left
        };
        self.left[place] = left - keep;
        keep
    }

    #[inline(always)]
    fn before_sent(&mut self, first: u64, known: u32) {
        if self.kind == UNDECIDED {
            let have = self.start_bytes & 7;
            let take = if known < 8 - have { known } else { 8 - have };
            self.start |= first << (have * 8);
            self.start_bytes = have + take;
            match method(self.start, self.start_bytes) {
                CONNECT => {
                    self.kind = OTHER;
                    self.left = [TUNNEL_KEPT, HEAD_RECEIVED];
                }
                METHOD => {
                    self.kind = HTTP;
                    self.left = [REQUEST_KEPT, RESPONSE_KEPT];
                }
                MAYBE => {}
                _ => self.kind = OTHER,
            }
        } else if self.kind == HTTP {
            if method(first, known) == METHOD {
                self.left = [REQUEST_KEPT, RESPONSE_KEPT];
            } else if self.flags & RECEIVED_LAST != 0 {
                if self.left[0] < TURN_KEPT {
                    self.left[0] = TURN_KEPT;
                }
                self.left[1] = RESPONSE_KEPT;
            }
        }
    }

    /// Whether bytes are lost that were wanted.
    #[inline(always)]
    pub(crate) fn has_lost(&self, direction: u8) -> bool {
        self.flags & lost(direction) != 0
    }

    /// Remembers whether wanted bytes are lost.
    #[inline(always)]
    pub(crate) fn set_lost(&mut self, direction: u8, is_lost: bool) {
        if is_lost {
            self.flags |= lost(direction);
        } else {
            self.flags &= !lost(direction);
        }
    }
}

#[inline(always)]
fn lost(direction: u8) -> u32 {
    if direction == RECEIVED {
        LOST_RECEIVED
    } else {
        LOST_SENT
    }
}

/// `HTTP/1.` as the first seven bytes.
const RESPONSE: u64 = u64::from_le_bytes(*b"HTTP/1.\0");
const RESPONSE_MASK: u64 = u64::MAX >> 8;

/// Of [`method`]: bytes begin with a method of HTTP/1.
const METHOD: u32 = 1;
/// Of [`method`]: they begin with `CONNECT`.
const CONNECT: u32 = 2;
/// Of [`method`]: there are too few of them to tell.
const MAYBE: u32 = 3;
/// Of [`method`]: they begin otherwise.
const NEITHER: u32 = 0;

/// Whether bytes begin as a request does; those of the word that are not `known` are zero. A global function, which the
/// verifier checks once.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn method(bytes: u64, known: u32) -> u32 {
    let mut maybe = 0;
    macro_rules! is {
        ($method:literal) => {{
            const WORD: u64 = word($method);
            const LENGTH: u32 = $method.len() as u32;
            if known >= LENGTH {
                (bytes ^ WORD) & (!0_u64 >> (64 - LENGTH * 8)) == 0
            } else {
                maybe |= u64::from((bytes ^ WORD) & !(!0_u64 << (known * 8)) == 0);
                false
            }
        }};
    }
    if is!(b"GET ")
        || is!(b"PUT ")
        || is!(b"POST ")
        || is!(b"HEAD ")
        || is!(b"PATCH ")
        || is!(b"TRACE ")
        || is!(b"DELETE ")
        || is!(b"OPTIONS ")
    {
        return METHOD;
    }
    if is!(b"CONNECT ") {
        return CONNECT;
    }
    if maybe != 0 { MAYBE } else { NEITHER }
}

/// Whether the first bytes of a call are those of a request.
#[inline(always)]
pub(crate) fn is_request(first: u64, length: u64) -> bool {
    let known = if length < 8 { length as u32 } else { 8 };
    matches!(method(first, known), METHOD | CONNECT)
}

const fn word(method: &[u8]) -> u64 {
    let mut word = [0; 8];
    let mut index = 0;
    while index < method.len() {
        word[index] = method[index];
        index += 1;
    }
    u64::from_le_bytes(word)
}
