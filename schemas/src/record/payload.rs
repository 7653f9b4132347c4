//! Bytes that a watched process sends and receives on connections that may carry cloud calls: plaintext at OpenSSL's
//! functions, and the bytes of sockets. A connection is announced when it is opened and when it is closed.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{FIXED_BYTES, Header};

/// Most bytes of one record: what a call moved arrives in chunks of at most so many.
pub const CHUNK_BYTES: usize = 8_192;

/// `PayloadBody::direction`: the process sent these bytes.
pub const SENT: u8 = 0;
/// `PayloadBody::direction`: the process received them.
pub const RECEIVED: u8 = 1;

/// `Connection::transport`: bytes of a TCP socket.
pub const TCP: u8 = 0;
/// `Connection::transport`: one datagram.
pub const UDP: u8 = 1;
/// `Connection::transport`: plaintext of an OpenSSL object.
pub const TLS: u8 = 2;

/// `PayloadBody::flags`: bytes of this connection and direction before these were wanted and are lost.
pub const FLAG_LOST: u8 = 1;
/// `PayloadBody::flags`: the connection was older than its first record; offsets count from that.
pub const FLAG_MIDSTREAM: u8 = 2;

/// `Peer::family`: no address is known.
pub const PEER_UNKNOWN: u16 = 0;
/// `Peer::family` of IPv4: the first four bytes of the address.
pub const PEER_IPV4: u16 = 2;
/// `Peer::family` of IPv6.
pub const PEER_IPV6: u16 = 10;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Peer {
    /// `PEER_` constant.
    pub family: u16,
    /// Port, in network order.
    pub port: u16,
    /// Padding, zero.
    pub pad: u32,
    /// Address, in network order.
    pub address: [u64; 2],
}

const _: () = assert!(size_of::<Peer>() == 24);

/// Which connection a record is about.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Connection {
    /// Number that no other socket has or had; for [`TLS`] the address of the OpenSSL object, which may be used again
    /// after a close. 0 in the close of a process: all OpenSSL objects that it still had.
    pub number: u64,
    /// Process that opened it.
    pub tgid: u32,
    /// [`TCP`], [`UDP`] or [`TLS`].
    pub transport: u8,
    /// Padding, zero.
    pub pad: [u8; 3],
}

const _: () = assert!(size_of::<Connection>() == 16);

/// Body of a [`super::KIND_PAYLOAD`] record; `kept` bytes follow.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct PayloadBody {
    /// Kind, clock and the thread that moved the bytes.
    pub header: Header,
    /// The connection.
    pub connection: Connection,
    /// Kernel subject id of whoever moved the bytes.
    pub subject: u64,
    /// For [`TLS`]: number of the TCP connection underneath; 0 where it is not known.
    pub socket: u64,
    /// Bytes that went in this direction before these.
    pub offset: u64,
    /// Bytes from `offset` to the end of the call, or to the next chunk of it: more than `kept` where policy ends.
    pub length: u32,
    /// Bytes that follow.
    pub kept: u32,
    /// [`SENT`] or [`RECEIVED`].
    pub direction: u8,
    /// `FLAG_` bits.
    pub flags: u8,
    /// Padding, zero.
    pub pad: [u8; 6],
    /// The other end.
    pub peer: Peer,
}

const _: () = assert!(size_of::<PayloadBody>() == 104 && size_of::<PayloadBody>() <= FIXED_BYTES);

/// Body of a [`super::KIND_OPENED`] record.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct OpenedBody {
    /// Kind, clock and the thread that opened it.
    pub header: Header,
    /// The connection.
    pub connection: Connection,
    /// Kernel subject id.
    pub subject: u64,
    /// The other end.
    pub peer: Peer,
}

const _: () = assert!(size_of::<OpenedBody>() == 72);

/// Body of a [`super::KIND_CLOSED`] record: what became of a connection.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ClosedBody {
    /// Kind and clock; the thread is whichever the kernel was running.
    pub header: Header,
    /// The connection.
    pub connection: Connection,
    /// Bytes sent by calls that the probes watch.
    pub sent: u64,
    /// Bytes received by them.
    pub received: u64,
    /// Payload bytes that the peer acknowledged, as TCP counted them; 0 for [`TLS`].
    pub wire_sent: u64,
    /// Payload bytes that TCP received; 0 for [`TLS`].
    pub wire_received: u64,
}

const _: () = assert!(size_of::<ClosedBody>() == 72);
