//! Payloads of many connections at once, in any order, through to the calls that they are.

use whittle_agent::{
    conversation::Conversations,
    model::{Closed, ConnectionId, Direction, Opened, Payload, Transport},
};

/// Steps: a byte that says what happens, one that says on which connection, two of offset, two of length, the bytes.
pub fn conversation(mut bytes: &[u8]) {
    let mut conversations = Conversations::new();
    let mut at = 0;
    while let Some((head, rest)) = bytes.split_first_chunk::<6>() {
        let length = usize::from(u16::from_le_bytes([head[4], head[5]])).min(rest.len());
        let (content, rest) = rest.split_at(length);
        bytes = rest;
        at += 1;
        let [what, number, ..] = *head;
        let connection = ConnectionId {
            tgid: u32::from(number >> 4),
            number: u64::from(number & 7),
            tls: number & 8 != 0,
        };
        let transport = match (connection.tls, what & 8 != 0) {
            (true, _) => Transport::Tls,
            (false, true) => Transport::Udp,
            (false, false) => Transport::Tcp,
        };
        let offset = u16::from_le_bytes([head[2], head[3]]).into();
        let generation = usize::from(what >> 7);
        let peer = (what & 16 == 0).then(|| format!("192.0.2.{number}:443"));
        let subject = u64::from(number >> 6);
        match what & 3 {
            0 => drop(conversations.opened(&Opened {
                connection,
                subject,
                generation,
                boottime_ns: at,
                peer,
                transport,
            })),
            1 => drop(conversations.closed(&Closed {
                connection,
                generation,
                boottime_ns: at,
                sent: offset,
                received: offset,
                wire_sent: (what & 32 != 0).then_some(offset * 2),
                wire_received: None,
            })),
            direction => drop(conversations.payload(&Payload {
                connection,
                subject,
                generation,
                boottime_ns: at,
                direction: if direction == 2 {
                    Direction::Sent
                } else {
                    Direction::Received
                },
                offset,
                length: u32::try_from(length).unwrap_or(u32::MAX),
                bytes: content.to_vec().into(),
                peer,
                transport,
                socket: (what & 64 != 0).then_some(1),
                lost_before: what & 32 != 0,
                midstream: what & 4 != 0,
            })),
        }
    }
    for generation in [0, 1] {
        drop(conversations.end_window(generation));
        drop(conversations.finish(generation));
    }
}
