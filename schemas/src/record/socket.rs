//! Accesses to socket addresses: connect, bind, listen, accept, and datagrams sent to an address.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{FIXED_BYTES, Header, Text, usage::UsageKey};

/// Action: `connect(2)`.
pub const CONNECT: u16 = 1;
/// Action: `bind(2)`.
pub const BIND: u16 = 2;
/// Action: `listen(2)`; the address is the socket's own.
pub const LISTEN: u16 = 3;
/// Action: `sendto(2)`, `sendmsg(2)` or `sendmmsg(2)` with an address.
pub const SEND: u16 = 4;

/// Action: `accept(2)` or `accept4(2)` that gave a connection; the address is its own, and behind it is the peer's.
pub const ACCEPT: u16 = 5;

/// Where the peer's address of an [`ACCEPT`] starts, for IPv4 and IPv6: a `struct sockaddr` without the port, which is another one
/// each time. All zero for other families.
pub const PEER_OFFSET: usize = 64;

/// Bytes of a `struct sockaddr_storage` that are kept: the longest, a Unix address, has 110.
pub const ADDRESS_BYTES: usize = 112;

/// Body of a [`super::KIND_SOCKET`] record. The text is the working directory, for a Unix path that
/// is relative.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SocketBody {
    /// Kind, clock and thread.
    pub header: Header,
    /// Subject, action and outcome.
    pub key: UsageKey,
    /// What the text holds.
    pub text: Text,
    /// `sock_common.skc_family` of the socket.
    pub family: u16,
    /// `socket.type`: 1 stream, 2 datagram, 3 raw, 5 seqpacket.
    pub socket_type: u16,
    /// `sock.sk_protocol`: 6 TCP, 17 UDP.
    pub protocol: u16,
    /// Bytes of `address` that the caller gave.
    pub address_bytes: u16,
    /// The address as the caller gave it: a `struct sockaddr` of the family in its first two bytes.
    pub address: [u8; ADDRESS_BYTES],
}

const _: () = assert!(size_of::<SocketBody>() == 192 && size_of::<SocketBody>() <= FIXED_BYTES);
