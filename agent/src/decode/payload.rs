//! Hook family payload: connections and the bytes on them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use whittle_schemas::record::payload::{
    CHUNK_BYTES, ClosedBody, Connection, FLAG_LOST, FLAG_MIDSTREAM, OpenedBody, PEER_IPV4,
    PEER_IPV6, PayloadBody, Peer, RECEIVED, SENT, TCP, TLS, UDP,
};
use zerocopy::IntoBytes;
use zeroize::Zeroizing;

use crate::model::{Closed, ConnectionId, Direction, Event, Opened, Payload, Transport};

use super::{DecodeError, Raw};

pub(super) fn decode(raw: &Raw<'_>) -> Result<Event<'static>, DecodeError> {
    let body: PayloadBody = raw.body()?;
    let transport = transport(&body.connection)?;
    let kept = body.kept as usize;
    let bytes = raw
        .text
        .get(..kept)
        .filter(|bytes| bytes.len() <= CHUNK_BYTES);
    let bytes = bytes.ok_or(DecodeError::Short {
        bytes: raw.text.len(),
    })?;
    Ok(Event::Payload(Payload {
        connection: id(&body.connection),
        subject: body.subject,
        generation: raw.generation(),
        boottime_ns: raw.header.boottime_ns,
        direction: direction(body.direction)?,
        offset: body.offset,
        length: body.length.max(body.kept),
        bytes: Zeroizing::new(bytes.to_vec()),
        peer: peer(&body.peer),
        transport,
        socket: (body.socket != 0).then_some(body.socket),
        lost_before: body.flags & FLAG_LOST != 0,
        midstream: body.flags & FLAG_MIDSTREAM != 0,
    }))
}

pub(super) fn opened(raw: &Raw<'_>) -> Result<Event<'static>, DecodeError> {
    let body: OpenedBody = raw.body()?;
    Ok(Event::Opened(Opened {
        connection: id(&body.connection),
        subject: body.subject,
        generation: raw.generation(),
        boottime_ns: raw.header.boottime_ns,
        peer: peer(&body.peer),
        transport: transport(&body.connection)?,
    }))
}

pub(super) fn closed(raw: &Raw<'_>) -> Result<Event<'static>, DecodeError> {
    let body: ClosedBody = raw.body()?;
    let wire = transport(&body.connection)? == Transport::Tcp;
    Ok(Event::Closed(Closed {
        connection: id(&body.connection),
        generation: raw.generation(),
        boottime_ns: raw.header.boottime_ns,
        sent: body.sent,
        received: body.received,
        wire_sent: wire.then_some(body.wire_sent),
        wire_received: wire.then_some(body.wire_received),
    }))
}

fn id(connection: &Connection) -> ConnectionId {
    ConnectionId {
        tgid: connection.tgid,
        number: connection.number,
        tls: connection.transport == TLS,
    }
}

fn transport(connection: &Connection) -> Result<Transport, DecodeError> {
    match connection.transport {
        TCP => Ok(Transport::Tcp),
        UDP => Ok(Transport::Udp),
        TLS => Ok(Transport::Tls),
        number => Err(DecodeError::Unknown {
            what: "transport",
            number: number.into(),
        }),
    }
}

fn direction(number: u8) -> Result<Direction, DecodeError> {
    match number {
        SENT => Ok(Direction::Sent),
        RECEIVED => Ok(Direction::Received),
        _ => Err(DecodeError::Unknown {
            what: "direction",
            number: number.into(),
        }),
    }
}

/// `ip:port`, an IPv4 address in IPv6 form as IPv4.
fn peer(peer: &Peer) -> Option<String> {
    let port = u16::from_be(peer.port);
    let ip = match peer.family {
        PEER_IPV4 => {
            let (first, _) = peer.address.as_bytes().split_first_chunk::<4>()?;
            IpAddr::V4(Ipv4Addr::from(*first))
        }
        PEER_IPV6 => {
            let (first, _) = peer.address.as_bytes().split_first_chunk::<16>()?;
            IpAddr::V6(Ipv6Addr::from(*first)).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port).to_string())
}

#[cfg(test)]
mod tests {
    use whittle_schemas::record::{ABI_VERSION, Header, KIND_PAYLOAD};
    use zerocopy::FromZeros;

    use super::*;

    fn address(ip: &[u8]) -> [u64; 2] {
        let mut words = [0; 2];
        words.as_mut_bytes()[..ip.len()].copy_from_slice(ip);
        words
    }

    fn check_peer(family: u16, ip: &[u8], expected: Option<&str>) {
        let found = peer(&Peer {
            family,
            port: 443_u16.to_be(),
            pad: 0,
            address: address(ip),
        });
        assert_eq!(found.as_deref(), expected);
    }

    /// A record of a chunk of `bytes`, changed by `change` before it is decoded.
    fn record(
        bytes: &[u8],
        change: impl FnOnce(&mut PayloadBody),
    ) -> Result<Event<'static>, DecodeError> {
        let mut body = PayloadBody::new_zeroed();
        body.header.kind = KIND_PAYLOAD;
        body.header.version = ABI_VERSION;
        body.header.length = u32::try_from(size_of::<PayloadBody>() + bytes.len())
            .expect("a test's record is short");
        body.header.fixed = Header::fixed_of::<PayloadBody>();
        body.connection.number = 7;
        body.kept = u32::try_from(bytes.len()).expect("a test's record is short");
        body.length = body.kept;
        change(&mut body);
        let mut record = body.as_bytes().to_vec();
        record.extend_from_slice(bytes);
        decode(&Raw::of(&record)?)
    }

    #[test]
    fn peers_are_written_as_address_and_port() {
        check_peer(PEER_IPV4, &[10, 0, 0, 1], Some("10.0.0.1:443"));
        check_peer(PEER_IPV6, &Ipv6Addr::LOCALHOST.octets(), Some("[::1]:443"));
        let mapped = Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped();
        check_peer(PEER_IPV6, &mapped.octets(), Some("10.0.0.1:443"));
        check_peer(0, &[], None);
        check_peer(1, &[], None);
    }

    #[test]
    fn a_chunk_keeps_its_place_in_the_stream_and_says_what_was_left_out() {
        let event = record(b"GET / HTTP/1.1\r\n", |body| {
            body.offset = 100;
            body.length = 5_000;
            body.flags = FLAG_LOST;
            body.connection.transport = TLS;
            body.socket = 9;
        });
        let Ok(Event::Payload(payload)) = event else {
            panic!("it is a payload: {event:?}");
        };
        assert_eq!(payload.bytes.as_slice(), b"GET / HTTP/1.1\r\n");
        assert_eq!((payload.offset, payload.length), (100, 5_000));
        assert_eq!(payload.transport, Transport::Tls);
        assert_eq!(payload.socket, Some(9));
        assert!(payload.connection.tls && payload.lost_before && !payload.midstream);
    }

    #[test]
    fn a_chunk_that_says_it_has_more_than_it_has_gets_refused() {
        for kept in [17, 4_000_000_000] {
            let event = record(b"sixteen bytes ...", |body| body.kept = kept + 1);
            assert_eq!(event, Err(DecodeError::Short { bytes: 17 }), "{kept}");
        }
    }

    #[test]
    fn an_unknown_direction_or_transport_is_named_and_refused() {
        let unknown = |what| Err(DecodeError::Unknown { what, number: 9 });
        assert_eq!(record(b"", |body| body.direction = 9), unknown("direction"));
        assert_eq!(
            record(b"", |body| body.connection.transport = 9),
            unknown("transport")
        );
    }
}
