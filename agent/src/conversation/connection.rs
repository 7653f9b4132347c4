//! One connection: what its bytes are, decided by how they begin, and what became of them.

use std::net::SocketAddr;

use whittle_protocol::{
    credentials,
    dns::{self, Answer},
    http1::{self, Chunk, Exchange, Request, starts_request},
    tls_hello::{self, Hello, MOST_HELLO, Start},
};

use crate::model::{Closed, ConnectionId, Direction, Transport};

use super::{Moment, calls::Asked, endpoint::Name};

/// Port of name servers.
const NAME_PORT: u16 = 53;
/// Longest answer of a name server over TCP, with its length.
const MOST_ANSWER: usize = 2 + 65_535;
/// First byte of a TLS connection: a record of type handshake.
const HANDSHAKE: u8 = 22;
/// What TCP may count beside the bytes of the process: the ends of the connection.
const WIRE_SLACK: u64 = 2;

/// A connection, open or ended.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Connection {
    pub(super) subject: u64,
    pub(super) peer: Option<SocketAddr>,
    /// For an OpenSSL object: the TCP connection underneath.
    pub(super) carrier: Option<ConnectionId>,
    /// For a TCP connection: what was read of it at OpenSSL's functions.
    pub(super) plaintext: Option<Reading>,
    /// Whether it is older than its first record.
    pub(super) is_midstream: bool,
    /// The window that it ended in.
    pub(super) ended: Option<usize>,
    /// Whether it was there when an earlier window ended.
    pub(super) is_carried: bool,
    pub(super) is_aws: bool,
    pub(super) last_boottime_ns: u64,
    pub(super) activity: [Activity; 2],
    pub(super) hello: Option<Hello>,
    pub(super) name: Option<Name>,
    transport: Transport,
    speech: Speech,
    has_sent: bool,
    /// Bytes went by calls that are not watched.
    has_hidden: bool,
}

/// What happened on a connection in a window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Activity {
    pub(super) requests: u64,
    pub(super) unmapped: u64,
    pub(super) seen_boottime_ns: Option<(u64, u64)>,
}

/// How far a connection was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// All of it was understood.
    Whole,
    /// It was read, and not understood to its end.
    Partly(&'static str),
    /// It could not be read.
    Unread(&'static str),
    /// It is no connection of a client.
    Served,
}

/// What the bytes of a connection are.
enum Speech {
    /// None came yet.
    Silent,
    Http(Box<http1::Connection>),
    /// TLS, and the beginning of its hello while that is not whole.
    Tls(Vec<u8>),
    /// Answers of a name server, and the beginning of one that is not whole.
    Names(Vec<u8>),
    Other(&'static str),
    /// A client connected to this process.
    Served,
}

/// What a chunk completed.
pub(super) enum Heard {
    Nothing,
    Names(Vec<Answer>),
    Exchanges(Vec<Exchange>),
}

impl Connection {
    pub(super) fn new(transport: Transport, peer: Option<SocketAddr>, at: Moment) -> Self {
        let mut connection = Self {
            subject: at.subject,
            peer,
            carrier: None,
            plaintext: None,
            is_midstream: false,
            ended: None,
            is_carried: false,
            is_aws: false,
            last_boottime_ns: at.boottime_ns,
            activity: [Activity::default(); 2],
            hello: None,
            name: None,
            transport,
            speech: Speech::Silent,
            has_sent: false,
            has_hidden: false,
        };
        if !connection.is_unused_datagram() {
            connection.seen(at);
        }
        connection
    }

    /// A datagram socket that is only connected has talked to nobody: resolvers do it to choose an address.
    pub(super) fn is_unused_datagram(&self) -> bool {
        self.transport == Transport::Udp && matches!(self.speech, Speech::Silent)
    }

    /// There was a sign of it.
    pub(super) fn seen(&mut self, at: Moment) {
        self.last_boottime_ns = self.last_boottime_ns.max(at.boottime_ns);
        let seen = &mut self.activity[at.generation].seen_boottime_ns;
        let (first, last) = seen.unwrap_or((at.boottime_ns, at.boottime_ns));
        *seen = Some((first.min(at.boottime_ns), last.max(at.boottime_ns)));
    }

    /// Counts a request.
    pub(super) fn count(&mut self, asked: &Asked, generation: usize) {
        let activity = &mut self.activity[generation];
        activity.requests += 1;
        activity.unmapped += u64::from(asked.is_unmapped);
        self.is_aws |= asked.is_aws;
    }

    /// Takes bytes.
    pub(super) fn heard(&mut self, direction: Direction, chunk: Chunk<'_>) -> Heard {
        self.choose(direction, chunk);
        self.has_sent |= direction == Direction::Sent;
        match (&mut self.speech, direction) {
            (Speech::Http(http), Direction::Sent) => Heard::Exchanges(http.sent(chunk)),
            (Speech::Http(http), Direction::Received) => Heard::Exchanges(http.received(chunk)),
            (Speech::Tls(start), Direction::Sent) if self.hello.is_none() => {
                let is_next = chunk.offset == start.len() as u64;
                if is_next && start.len() + chunk.bytes.len() <= MOST_HELLO {
                    start.extend_from_slice(chunk.bytes);
                    self.hello = match tls_hello::read(start) {
                        Start::Hello(hello) => Some(hello),
                        Start::Incomplete => return Heard::Nothing,
                        Start::NotTls => None,
                    };
                }
                // Nothing is collected behind a gap, or behind the hello.
                self.speech = Speech::Tls(Vec::new());
                Heard::Nothing
            }
            (Speech::Names(start), Direction::Received) => {
                Heard::Names(if self.transport == Transport::Udp {
                    dns::read(chunk.bytes).into_iter().collect()
                } else {
                    start.extend_from_slice(chunk.bytes);
                    let mut rest = &start[..];
                    let answers = dns::read_stream(&mut rest);
                    *start = rest.to_vec();
                    if start.len() > MOST_ANSWER {
                        start.clear();
                    }
                    answers
                })
            }
            _ => Heard::Nothing,
        }
    }

    /// Decides by its beginning what the connection is about.
    fn choose(&mut self, direction: Direction, chunk: Chunk<'_>) {
        let first = chunk.bytes.first().copied().filter(|_| chunk.offset == 0);
        let is_tls = first == Some(HANDSHAKE) && self.transport == Transport::Tcp;
        let is_first_sent = direction == Direction::Sent && !self.has_sent;
        match self.speech {
            Speech::Silent if self.peer.is_some_and(|peer| peer.port() == NAME_PORT) => {
                self.speech = Speech::Names(Vec::new());
            }
            Speech::Silent if self.transport == Transport::Udp => {
                self.speech = Speech::Other("datagrams that are not read");
            }
            Speech::Silent if direction == Direction::Received => {
                let asks = is_tls || starts_request(chunk.bytes) == Some(true);
                self.speech = if asks && chunk.offset == 0 {
                    Speech::Served
                } else {
                    http()
                };
            }
            Speech::Silent | Speech::Http(_) if is_tls && is_first_sent => {
                self.speech = Speech::Tls(Vec::new());
            }
            Speech::Silent => self.speech = http(),
            _ => {}
        }
    }

    /// Reads no more, for it takes too much room.
    pub(super) fn give_up(&mut self) {
        self.speech = Speech::Other("too many bytes at once");
    }

    /// Compares what was moved with what was seen of it; gives what the end of a body completes.
    pub(super) fn check_end(&mut self, closed: &Closed) -> Vec<Exchange> {
        let hides = |wire: Option<u64>, seen: u64| {
            wire.is_some_and(|wire| wire > seen.saturating_add(WIRE_SLACK))
        };
        self.has_hidden |= hides(closed.wire_sent, closed.sent);
        let end = Chunk {
            offset: closed.sent,
            bytes: &[],
            length: 0,
            lost_before: false,
        };
        match &mut self.speech {
            // Nothing came behind the last bytes that would have shown that they are missing.
            Speech::Http(http) => http.sent(end),
            Speech::Silent if closed.sent > 0 && self.transport != Transport::Udp => {
                self.speech = http();
                self.check_end(closed)
            }
            _ => Vec::new(),
        }
    }

    /// Ends it; gives what was not answered.
    pub(super) fn finish(&mut self) -> Vec<Exchange> {
        match &mut self.speech {
            Speech::Http(http) => http.finish(),
            _ => Vec::new(),
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        match &self.speech {
            Speech::Http(http) => http.held_bytes(),
            Speech::Tls(bytes) | Speech::Names(bytes) => bytes.len(),
            Speech::Silent | Speech::Other(_) | Speech::Served => 0,
        }
    }

    /// The request that waits longest for its response.
    pub(super) fn waiting(&self) -> Option<&Request> {
        match &self.speech {
            Speech::Http(http) => http.waiting(),
            _ => None,
        }
    }

    /// Whether its bytes are read above TLS.
    pub(super) fn is_plaintext(&self) -> bool {
        self.transport == Transport::Tls
    }

    /// How far it was read.
    pub(super) fn reading(&self) -> Reading {
        if matches!(self.speech, Speech::Served) {
            return Reading::Served;
        }
        if self.has_hidden {
            return Reading::Unread("bytes went by calls that are not watched");
        }
        if let Some(plaintext) = self.plaintext {
            return plaintext;
        }
        match &self.speech {
            Speech::Tls(_) => Reading::Unread(NO_PLAINTEXT),
            Speech::Other(reason) => Reading::Unread(reason),
            _ if self.is_midstream => Reading::Partly("it began before it was watched"),
            Speech::Http(http) => match http.reason() {
                None => Reading::Whole,
                Some(http1::Reason::Tunnel) => Reading::Unread(http1::Reason::Tunnel.as_str()),
                Some(reason) => Reading::Partly(reason.as_str()),
            },
            Speech::Silent | Speech::Names(_) | Speech::Served => Reading::Whole,
        }
    }
}

/// Why a TLS connection of a process with OpenSSL is not read.
pub(super) const NO_PLAINTEXT: &str = "no plaintext of it was seen";

fn http() -> Speech {
    Speech::Http(Box::new(http1::Connection::new(credentials::keep)))
}
