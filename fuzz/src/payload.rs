//! Payloads: HTTP/1.1 in any order and cut anywhere, TLS hellos, DNS answers, answers with credentials.

use whittle_protocol::{
    credentials, dns,
    http1::{Chunk, Connection, Exchange, MOST_BODY, MOST_HEAD, MOST_WAITING, Reason, Request},
    tls_hello,
};

/// More than a connection may hold: a head and a body for each request that waits.
const MOST_HELD: usize = (MOST_WAITING + 2) * (MOST_HEAD + MOST_BODY) * 2;

/// Chunks at any offset of either direction: a byte that says which, two of offset, two of length, one that says how much
/// more the call moved, then the bytes.
pub fn http1(mut bytes: &[u8]) {
    let mut connection = Connection::new(credentials::keep);
    while let Some((head, rest)) = bytes.split_first_chunk::<6>() {
        let length = usize::from(u16::from_le_bytes([head[3], head[4]])).min(rest.len());
        let (content, rest) = rest.split_at(length);
        let chunk = Chunk {
            offset: u16::from_le_bytes([head[1], head[2]]).into(),
            bytes: content,
            length: (length + usize::from(head[5])) as u64,
            lost_before: head[0] & 2 != 0,
        };
        if head[0] & 1 == 0 {
            connection.sent(chunk);
        } else {
            connection.received(chunk);
        }
        assert!(connection.held_bytes() <= MOST_HELD);
        bytes = rest;
    }
    let _rest = connection.finish();
}

/// However the same bytes are cut, they are the same requests, and where all of them were answered, the same responses. (What
/// is no HTTP is left out: after it, the start of a chunk is taken for the start of a message.) Two bytes of the length of what
/// is sent, one that says how long pieces are; the rest is received.
pub fn http1_split(bytes: &[u8]) {
    let Some((head, rest)) = bytes.split_first_chunk::<3>() else {
        return;
    };
    let length = usize::from(u16::from_le_bytes([head[0], head[1]])).min(rest.len());
    let (sent, received) = rest.split_at(length);
    let (whole, reason) = exchanges(sent, received, usize::MAX);
    let (cut, _) = exchanges(sent, received, usize::from(head[2]).max(1));
    if reason.is_some() {
        return;
    }
    let requests =
        |all: &[Exchange]| -> Vec<Request> { all.iter().map(|one| one.request.clone()).collect() };
    assert_eq!(requests(&whole), requests(&cut));
    if whole.iter().all(|exchange| exchange.response.is_some()) {
        assert_eq!(whole, cut);
    }
}

fn exchanges(sent: &[u8], received: &[u8], piece: usize) -> (Vec<Exchange>, Option<Reason>) {
    let mut connection = Connection::new(credentials::keep);
    let mut found = Vec::new();
    for (at, bytes) in pieces(sent, piece) {
        found.extend(connection.sent(chunk(at, bytes)));
    }
    for (at, bytes) in pieces(received, piece) {
        found.extend(connection.received(chunk(at, bytes)));
    }
    found.extend(connection.finish());
    (found, connection.reason())
}

fn pieces(bytes: &[u8], piece: usize) -> impl Iterator<Item = (usize, &[u8])> {
    let chunks = bytes.chunks(piece.min(bytes.len().max(1)));
    chunks.scan(0, |at, chunk| {
        let start = *at;
        *at += chunk.len();
        Some((start, chunk))
    })
}

fn chunk(at: usize, bytes: &[u8]) -> Chunk<'_> {
    Chunk {
        offset: at as u64,
        bytes,
        length: bytes.len() as u64,
        lost_before: false,
    }
}

/// A request and its answer: two bytes of the request's length, the request, the answer.
pub fn credentials(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let (request, answer) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
    let (exchanges, _) = exchanges(request, answer, usize::MAX);
    for exchange in exchanges {
        if let Some(response) = &exchange.response {
            let _binding = credentials::read(&exchange.request, response);
        }
    }
}

/// The start of a TLS stream.
pub fn tls_hello(bytes: &[u8]) {
    let _start = tls_hello::read(bytes);
}

/// One message, and the same bytes as a stream of them.
pub fn dns(bytes: &[u8]) {
    if let Some(answer) = dns::read(bytes) {
        assert!(!answer.name.is_empty() && answer.name.is_ascii());
    }
    let mut stream = bytes;
    let _answers = dns::read_stream(&mut stream);
    assert!(stream.len() <= bytes.len());
}
