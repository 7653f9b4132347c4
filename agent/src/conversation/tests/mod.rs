//! Whole conversations, as the probes report them. `calls` is about the calls that come out, `endpoints` about what is said
//! of each endpoint, `properties` about what always holds.

mod calls;
mod endpoints;
mod properties;

use zeroize::Zeroizing;

use super::*;
use crate::model::Direction;

const TGID: u32 = 7;
const KEY: &str = "ASIAQNZGKIQY56JQ7WML";
const S3: &str = "b.s3.eu-west-1.amazonaws.com";
const PEER: &str = "192.0.2.7:443";

fn tcp(number: u64) -> ConnectionId {
    ConnectionId {
        tgid: TGID,
        number,
        tls: false,
    }
}

fn tls(number: u64) -> ConnectionId {
    ConnectionId {
        tls: true,
        ..tcp(number)
    }
}

/// What was seen so far, and what came out.
struct Scene {
    conversations: Conversations,
    offsets: HashMap<(ConnectionId, Direction), u64>,
    now_ns: u64,
    generation: usize,
    socket: Option<u64>,
    /// Most bytes that a call moves.
    most: usize,
    calls: Vec<Call>,
}

impl Scene {
    fn new() -> Self {
        Self {
            conversations: Conversations::new(),
            offsets: HashMap::new(),
            now_ns: 1_000,
            generation: 0,
            socket: None,
            most: usize::MAX,
            calls: Vec::new(),
        }
    }

    fn open(&mut self, id: ConnectionId, transport: Transport, peer: &str) {
        self.now_ns += 1;
        let opened = Opened {
            connection: id,
            subject: 3,
            generation: self.generation,
            boottime_ns: self.now_ns,
            peer: Some(peer.to_owned()),
            transport,
        };
        self.calls.extend(self.conversations.opened(&opened));
    }

    fn say(&mut self, id: ConnectionId, direction: Direction, bytes: &[u8]) {
        for bytes in bytes.chunks(self.most) {
            self.now_ns += 1;
            let transport = if id.tls {
                Transport::Tls
            } else {
                Transport::Tcp
            };
            let payload = self.payload(id, direction, transport, bytes);
            self.calls.extend(self.conversations.payload(&payload));
        }
    }

    fn payload(
        &mut self,
        id: ConnectionId,
        direction: Direction,
        transport: Transport,
        bytes: &[u8],
    ) -> Payload {
        let offset = self.offsets.entry((id, direction)).or_default();
        let length = u32::try_from(bytes.len()).expect("tests are short");
        let payload = Payload {
            connection: id,
            subject: 3,
            generation: self.generation,
            boottime_ns: self.now_ns,
            direction,
            offset: *offset,
            length,
            bytes: Zeroizing::new(bytes.to_vec()),
            peer: None,
            transport,
            socket: self.socket,
            lost_before: false,
            midstream: false,
        };
        *offset += u64::from(length);
        payload
    }

    fn send(&mut self, id: ConnectionId, text: &str) {
        self.say(id, Direction::Sent, text.as_bytes());
    }

    fn receive(&mut self, id: ConnectionId, text: &str) {
        self.say(id, Direction::Received, text.as_bytes());
    }

    fn close(&mut self, id: ConnectionId, hidden: u64) {
        self.now_ns += 1;
        let moved = |direction| self.offsets.get(&(id, direction)).copied().unwrap_or(0);
        let (sent, received) = (moved(Direction::Sent), moved(Direction::Received));
        let closed = Closed {
            connection: id,
            generation: self.generation,
            boottime_ns: self.now_ns,
            sent,
            received,
            wire_sent: (!id.tls).then_some(sent + hidden),
            wire_received: (!id.tls).then_some(received),
        };
        self.calls.extend(self.conversations.closed(&closed));
        self.offsets.retain(|(other, _), _| *other != id);
    }

    /// A TLS connection over a socket that the probes know, to S3 and with its hello sent.
    fn over_tls(&mut self) -> ConnectionId {
        self.open(tcp(1), Transport::Tcp, PEER);
        self.say(tcp(1), Direction::Sent, &hello(S3));
        self.socket = Some(1);
        tls(9)
    }

    fn endpoints(&mut self) -> Vec<Endpoint> {
        let (endpoints, refused) = self.conversations.end_window(self.generation);
        assert_eq!(refused, 0);
        endpoints
    }

    fn endpoint(&mut self) -> Endpoint {
        let mut endpoints = self.endpoints();
        assert_eq!(endpoints.len(), 1, "{endpoints:?}");
        endpoints.remove(0)
    }

    /// The calls so far, a line for each.
    fn lines(&self) -> Vec<String> {
        let line = |call: &Call| {
            let request = &call.request;
            let error = request.error.as_deref().unwrap_or("-");
            format!(
                "{} {} {} {error}",
                request.action, request.resource, request.outcome
            )
        };
        self.calls.iter().map(line).collect()
    }
}

/// A TLS 1.2 hello that asks for a server by name.
fn hello(name: &str) -> Vec<u8> {
    let short = |length: usize| u16::try_from(length).expect("it is short").to_be_bytes();
    let with_length = |bytes: &[u8]| [&short(bytes.len()), bytes].concat();
    let entry = [&[0][..], &with_length(name.as_bytes())].concat();
    let extension = [&[0, 0][..], &with_length(&with_length(&entry))].concat();
    let body = [
        &[3, 3][..],
        &[7; 32],
        &[0, 0, 2, 0x13, 0x01, 1, 0],
        &with_length(&extension),
    ]
    .concat();
    let message = [&[1, 0][..], &with_length(&body)].concat();
    [&[22, 3, 1][..], &with_length(&message)].concat()
}

fn signed(method: &str, host: &str, target: &str, service: &str, more: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={KEY}/20261122/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=planted\r\nX-Amz-Security-Token: planted\r\n{more}"
    )
}

fn get_object() -> String {
    signed("GET", S3, "/k", "s3", "\r\n")
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
