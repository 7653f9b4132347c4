//! HTTP/1.1 over the two byte streams of a connection, as far as they were seen: requests with their responses.
//! `order` puts chunks at their offsets and finds gaps, `head` reads heads, `body` and `chunked` know where a body ends,
//! `requests` and `responses` are the two directions. What a request means is `aws`.

mod body;
mod chunked;
mod head;
mod order;
mod requests;
mod responses;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::Hidden;

pub use head::{Header, starts_request};
use order::{Order, Piece};
use requests::Requests;
use responses::Responses;

/// Largest head, in bytes. Servers refuse heads far smaller than this.
pub const MOST_HEAD: usize = 64 * 1024;
/// Most of a request's body that is kept.
pub const MOST_BODY: usize = 64 * 1024;
/// Most of a response's body that is kept, where it is wanted at all.
pub const MOST_ANSWER: usize = 16 * 1024;
/// Most of the body of an error that is kept: its code stands at the beginning.
pub const MOST_ERROR: usize = 8 * 1024;
/// Most requests that wait for their responses.
pub const MOST_WAITING: usize = 32;

/// Bytes that one call moved.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Bytes of this direction before these.
    pub offset: u64,
    /// The first of them.
    pub bytes: &'a [u8],
    /// How many the call moved; more than `bytes` where not all were kept.
    pub length: u64,
    /// Whether bytes that are missing before these were wanted. Of a long body the rest is not, and nothing is lost with it.
    pub lost_before: bool,
}

/// A request, as far as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// Path with its query, or whatever else stands in the request line.
    pub target: Hidden,
    /// All headers.
    pub headers: Vec<Header>,
    /// The beginning of the body, without chunked framing.
    pub body: Hidden,
    /// Whether that is all of it.
    pub body_is_whole: bool,
}

impl Request {
    /// The first header of this name, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        head::find(&self.headers, name)
    }

    fn bytes(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers
            .map(|header| header.name.len() + header.value.len())
            .sum();
        headers + self.target.len() + self.body.len()
    }
}

/// What is kept of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// `200`, `403` …
    pub status: u16,
    /// Header `x-amzn-ErrorType`.
    pub error_type: Option<Hidden>,
    /// Whether the body is compressed.
    pub is_encoded: bool,
    /// The beginning of the body of an error, or of an answer that [`Keep`] wanted.
    pub body: Hidden,
}

/// A request and its response; None where none was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What was asked.
    pub request: Request,
    /// What was answered.
    pub response: Option<Response>,
}

/// How many bytes of the body of the response to a request are wanted. [`MOST_ANSWER`] bounds it.
pub type Keep = fn(&Request) -> usize;

/// Why a connection was not understood to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// What was sent is no HTTP.
    NotHttp,
    /// It starts with the preface of HTTP/2.
    Http2,
    /// Another protocol followed an upgrade.
    Upgraded,
    /// It is a tunnel (`CONNECT`) from there on.
    Tunnel,
    /// Bytes are missing from a place that had to be read.
    BytesLost,
    /// A head is larger than [`MOST_HEAD`].
    HeadTooLong,
    /// More requests than [`MOST_WAITING`] were sent before a response came.
    TooManyWaiting,
}

impl Reason {
    /// In words, as table `endpoints` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotHttp => "not HTTP",
            Self::Http2 => "HTTP/2",
            Self::Upgraded => "another protocol after an upgrade",
            Self::Tunnel => "a tunnel through a proxy",
            Self::BytesLost => "bytes were lost",
            Self::HeadTooLong => "a request head over 64 KiB",
            Self::TooManyWaiting => "too many requests at once",
        }
    }
}

/// A request that waits for the rest of itself or for its response.
struct Waiting {
    request: Request,
    request_is_done: bool,
    response: Option<Response>,
    response_is_done: bool,
}

/// A connection on which a client speaks HTTP/1.1.
pub struct Connection {
    sent: Order,
    received: Order,
    requests: Requests,
    responses: Responses,
    waiting: VecDeque<Waiting>,
    keep: Keep,
}

impl Connection {
    /// A connection of which nothing was seen yet. `keep` says of which responses the body is wanted.
    #[must_use]
    pub fn new(keep: Keep) -> Self {
        Self {
            sent: Order::default(),
            received: Order::default(),
            requests: Requests::default(),
            responses: Responses::default(),
            waiting: VecDeque::new(),
            keep,
        }
    }

    /// Takes bytes that the client sent; gives the exchanges that they complete.
    pub fn sent(&mut self, chunk: Chunk<'_>) -> Vec<Exchange> {
        for piece in self.sent.pieces(chunk) {
            match piece {
                Piece::Bytes(bytes) => self.requests.data(bytes, &mut self.waiting),
                Piece::Gap(bytes) => {
                    let is_lost = chunk.lost_before;
                    self.requests.gap(bytes, is_lost, &mut self.waiting);
                }
            }
            if self.requests.take_regained() {
                // Nobody knows how many requests are missing: what comes next answers the one that has begun.
                self.responses.lose_step();
            }
        }
        if self.waiting.len() > MOST_WAITING {
            self.requests.end(Reason::TooManyWaiting);
            self.responses.end();
            self.answer_all();
        }
        self.responses.catch_up(&mut self.waiting, self.keep);
        self.after_responses()
    }

    /// Takes bytes that the client received; gives the exchanges that they complete.
    pub fn received(&mut self, chunk: Chunk<'_>) -> Vec<Exchange> {
        for piece in self.received.pieces(chunk) {
            match piece {
                Piece::Bytes(bytes) => self.responses.data(bytes, &mut self.waiting, self.keep),
                Piece::Gap(bytes) => self.responses.gap(bytes, &mut self.waiting),
            }
        }
        self.after_responses()
    }

    /// Ends it; gives what was asked and not, or not yet wholly, answered.
    #[must_use]
    pub fn finish(&mut self) -> Vec<Exchange> {
        self.waiting.drain(..).map(exchange).collect()
    }

    /// Why not all that was sent was understood; None where it was.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.requests.reason()
    }

    /// Requests of which a head was read.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.count()
    }

    /// The request that waits longest for its response.
    #[must_use]
    pub fn waiting(&self) -> Option<&Request> {
        self.waiting.front().map(|waiting| &waiting.request)
    }

    /// Bytes in memory.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let waiting = self.waiting.iter().map(|waiting| {
            let response = waiting.response.as_ref();
            waiting.request.bytes() + response.map_or(0, |response| response.body.len())
        });
        waiting.sum::<usize>() + self.requests.held_bytes() + self.responses.held_bytes()
    }

    /// Acts on what responses said about the connection, and gives what is done.
    fn after_responses(&mut self) -> Vec<Exchange> {
        if let Some(reason) = self.responses.take_end() {
            self.requests.end(reason);
            self.answer_all();
        }
        if let Some(last) = self.waiting.back_mut()
            && last.response_is_done
            && !last.request_is_done
            && self.requests.may_leave_body_out()
        {
            last.request_is_done = true;
            last.request.body_is_whole = false;
        }
        let mut done = Vec::new();
        while let Some(front) = self.waiting.front()
            && front.request_is_done
            && front.response_is_done
        {
            done.extend(self.waiting.pop_front().map(exchange));
        }
        done
    }

    fn answer_all(&mut self) {
        for waiting in &mut self.waiting {
            waiting.request.body_is_whole &= waiting.request_is_done;
            (waiting.request_is_done, waiting.response_is_done) = (true, true);
        }
    }
}

fn exchange(mut waiting: Waiting) -> Exchange {
    waiting.request.body_is_whole &= waiting.request_is_done;
    Exchange {
        request: waiting.request,
        response: waiting.response,
    }
}
