//! Connections and the bytes on them. Bytes of a payload hold secrets: they live from the ring to the parser, appear in
//! no debug output, and are overwritten when they are dropped.

use std::fmt;

use zeroize::Zeroizing;

/// Which connection: a TCP socket, a UDP socket, or an OpenSSL object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    /// Process that opened it.
    pub tgid: u32,
    /// Number that no other socket has or had; for an OpenSSL object its address, which may be used again after a close.
    pub number: u64,
    /// Whether it is an OpenSSL object.
    pub tls: bool,
}

impl ConnectionId {
    /// Whether this stands for every OpenSSL object of a process that ended.
    #[must_use]
    pub fn is_whole_process(&self) -> bool {
        self.tls && self.number == 0
    }
}

/// Which way bytes went, as the watched process sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The process sent them.
    Sent,
    /// The process received them.
    Received,
}

/// Where the bytes were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// On a TCP socket: what goes over the wire, TLS records included.
    Tcp,
    /// A datagram on a UDP socket.
    Udp,
    /// At OpenSSL's functions: plaintext.
    Tls,
}

/// A connection that a watched process opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The connection.
    pub connection: ConnectionId,
    /// Kernel subject id, as in [`whittle_schemas::record::usage::UsageKey::subject`].
    pub subject: u64,
    /// Which window it counts in: 0 or 1.
    pub generation: usize,
    /// When, on `CLOCK_BOOTTIME`.
    pub boottime_ns: u64,
    /// The other end, as `ip:port`.
    pub peer: Option<String>,
    /// What it is.
    pub transport: Transport,
}

/// Bytes that one call moved, or a part of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    /// The connection.
    pub connection: ConnectionId,
    /// Kernel subject id of whoever moved the bytes.
    pub subject: u64,
    /// Which window it counts in: 0 or 1.
    pub generation: usize,
    /// When the call ended, on `CLOCK_BOOTTIME`.
    pub boottime_ns: u64,
    /// Which way.
    pub direction: Direction,
    /// Bytes of this direction before these. For [`Transport::Udp`] always 0: each payload is a datagram of its own.
    pub offset: u64,
    /// Bytes that were moved from `offset` on: more than `bytes` has where not all were kept. Between this and the next
    /// payload's offset there may be more that was not kept.
    pub length: u32,
    /// What was kept: the first of them.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The other end, as `ip:port`; for [`Transport::Tls`] where the socket underneath is known.
    pub peer: Option<String>,
    /// Where they were seen.
    pub transport: Transport,
    /// For [`Transport::Tls`]: number of the TCP connection underneath, where the probes saw it used.
    pub socket: Option<u64>,
    /// Whether bytes before these, in this direction, should have been kept and are lost.
    pub lost_before: bool,
    /// Whether the connection is older than its first record: offsets count from there.
    pub midstream: bool,
}

impl fmt::Debug for Payload {
    /// Everything but the bytes.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Payload")
            .field("connection", &self.connection)
            .field("direction", &self.direction)
            .field("offset", &self.offset)
            .field("length", &self.length)
            .field("kept", &self.bytes.len())
            .field("peer", &self.peer)
            .field("transport", &self.transport)
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

/// A connection that is over: its number may mean another one from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The connection; see [`ConnectionId::is_whole_process`].
    pub connection: ConnectionId,
    /// Which window it counts in: 0 or 1.
    pub generation: usize,
    /// When, on `CLOCK_BOOTTIME`.
    pub boottime_ns: u64,
    /// Bytes sent by calls that the probes watch, kept or not.
    pub sent: u64,
    /// Bytes received by them.
    pub received: u64,
    /// Payload bytes that the peer acknowledged, as TCP counted them: more than `sent` where bytes went by ways that
    /// the probes do not watch, such as `io_uring` or `sendfile`. None for an OpenSSL object.
    pub wire_sent: Option<u64>,
    /// Payload bytes that TCP received. None for an OpenSSL object.
    pub wire_received: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_byte_of_a_payload() {
        let payload = Payload {
            connection: ConnectionId {
                tgid: 1,
                number: 2,
                tls: true,
            },
            subject: 3,
            generation: 0,
            boottime_ns: 4,
            direction: Direction::Sent,
            offset: 0,
            length: 6,
            bytes: Zeroizing::new(b"secret".to_vec()),
            peer: None,
            transport: Transport::Tls,
            socket: None,
            lost_before: false,
            midstream: false,
        };
        let text = format!("{payload:?} {payload:#?}");
        assert!(text.contains("kept: 6"), "{text}");
        for shown in ["secret", "115, 101", "73, 65", "bytes"] {
            assert!(!text.contains(shown), "{text}");
        }
    }
}
