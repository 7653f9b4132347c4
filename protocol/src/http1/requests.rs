//! What a client sends: one request after the other.

use std::collections::VecDeque;

use crate::Hidden;

use super::{
    MOST_BODY, Reason, Request, Waiting,
    body::{Body, Kept},
    chunked::Lost,
    head::{self, Grown, Partial},
};

/// Preface of a client that knows that the server speaks HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";

/// The sending direction.
#[derive(Debug, Default)]
pub(super) struct Requests {
    head: Partial,
    /// The first bytes of a chunk, while they are too few to tell what it begins.
    undecided: Hidden,
    step: Step,
    reason: Option<Reason>,
    count: u64,
    has_regained: bool,
}

#[derive(Debug, Default)]
enum Step {
    #[default]
    Head,
    Body {
        body: Body,
        /// The body has not begun, for the server was to say that it may.
        waits: bool,
    },
    /// The server answered before the body began: a client may leave it out, and send the next request.
    BodyOrHead(Body),
    /// The rest of a body was not kept. What begins a request is the next one.
    Passed,
    /// After `CONNECT`: the next request, where the proxy refused, or what goes through the tunnel.
    TunnelOrHead,
    /// Something is missing. A chunk that begins a message brings it back into step.
    Broken,
    /// What follows is not HTTP/1.
    Ended,
}

impl Requests {
    pub(super) fn data(&mut self, bytes: &[u8], waiting: &mut VecDeque<Waiting>) {
        if !matches!(
            self.step,
            Step::BodyOrHead(_) | Step::TunnelOrHead | Step::Passed
        ) {
            if matches!(self.step, Step::Broken) && head::starts_request(bytes) == Some(true) {
                self.regain(waiting);
            }
            return self.read(bytes, waiting);
        }
        self.undecided.push(bytes);
        let Some(is_request) = head::starts_request(self.undecided.expose()) else {
            return;
        };
        self.step = match std::mem::take(&mut self.step) {
            Step::BodyOrHead(body) if !is_request => Step::Body { body, waits: false },
            Step::TunnelOrHead if !is_request => return self.end(Reason::Tunnel),
            Step::Passed if !is_request => {
                self.undecided.clear();
                self.step = Step::Passed;
                return;
            }
            _ => Step::Head,
        };
        let undecided = std::mem::take(&mut self.undecided);
        self.read(undecided.expose(), waiting);
    }

    fn read(&mut self, mut bytes: &[u8], waiting: &mut VecDeque<Waiting>) {
        while !bytes.is_empty() {
            match &mut self.step {
                Step::Head => self.grow(&mut bytes, waiting),
                Step::Body { body, waits } => {
                    *waits = false;
                    let mut nowhere = Nowhere::default();
                    let ended = body.take(&mut bytes, kept(waiting, &mut nowhere));
                    self.after_body(ended, waiting);
                }
                // Not before the next chunk: what a client sends behind `CONNECT` it sends after the answer.
                Step::BodyOrHead(_)
                | Step::TunnelOrHead
                | Step::Passed
                | Step::Broken
                | Step::Ended => return,
            }
        }
    }

    /// A chunk that begins a request brings the stream back into step. Requests before it were missed.
    fn regain(&mut self, waiting: &mut VecDeque<Waiting>) {
        for earlier in waiting {
            (earlier.request_is_done, earlier.response_is_done) = (true, true);
        }
        self.has_regained = true;
        self.step = Step::Head;
    }

    fn grow(&mut self, bytes: &mut &[u8], waiting: &mut VecDeque<Waiting>) {
        let grown = self.head.take(bytes);
        let head = self.head.bytes();
        if self.count == 0 && head.starts_with(PREFACE) {
            return self.end(Reason::Http2);
        }
        let is_none = head::starts_request(head) == Some(false)
            || grown == Grown::FirstLine && head::check_request_line(head).is_err();
        match grown {
            _ if is_none => self.not_http(waiting),
            Grown::TooLong => {
                self.head.clear();
                self.reason.get_or_insert(Reason::HeadTooLong);
                self.step = Step::Broken;
            }
            Grown::Whole => match head::request(head) {
                Ok(head) => self.start(head, waiting),
                Err(head::NotHttp) => self.not_http(waiting),
            },
            Grown::FirstLine | Grown::More => {}
        }
    }

    fn start(&mut self, head: head::RequestHead, waiting: &mut VecDeque<Waiting>) {
        self.head.clear();
        self.count += 1;
        let is_connect = head.method == "CONNECT";
        let waits = head.waits_to_continue;
        let request_is_done = head.body.is_none() || is_connect;
        waiting.push_back(Waiting {
            request: Request {
                method: head.method,
                target: head.target,
                headers: head.headers,
                body: Hidden::default(),
                body_is_whole: true,
            },
            request_is_done,
            response: None,
            response_is_done: false,
        });
        self.step = match head.body {
            _ if is_connect => Step::TunnelOrHead,
            Some(body) => Step::Body { body, waits },
            None => Step::Head,
        };
    }

    /// Passes over bytes that were not seen. Lost are those that were wanted.
    pub(super) fn gap(&mut self, bytes: u64, is_lost: bool, waiting: &mut VecDeque<Waiting>) {
        match &mut self.step {
            Step::Body { body, .. } => {
                let mut nowhere = Nowhere::default();
                match body.skip(bytes, &mut kept(waiting, &mut nowhere)) {
                    // Where a chunked body ends is in the bytes that were not kept.
                    Err(Lost) if !is_lost => {
                        self.after_body(Ok(true), waiting);
                        self.step = Step::Passed;
                    }
                    ended => self.after_body(ended, waiting),
                }
            }
            Step::Passed if !is_lost => self.undecided.clear(),
            Step::TunnelOrHead => self.end(Reason::Tunnel),
            Step::Head | Step::BodyOrHead(_) | Step::Passed => self.lose_step(waiting),
            Step::Broken | Step::Ended => {}
        }
    }

    fn after_body(&mut self, ended: Result<bool, Lost>, waiting: &mut VecDeque<Waiting>) {
        match ended {
            Ok(false) => {}
            Ok(true) => {
                self.step = Step::Head;
                if let Some(last) = waiting.back_mut() {
                    last.request_is_done = true;
                }
            }
            Err(Lost) => self.lose_step(waiting),
        }
    }

    fn lose_step(&mut self, waiting: &mut VecDeque<Waiting>) {
        self.head.clear();
        self.undecided.clear();
        if let Some(last) = waiting.back_mut()
            && !last.request_is_done
        {
            last.request_is_done = true;
            last.request.body_is_whole = false;
        }
        self.reason.get_or_insert(Reason::BytesLost);
        self.step = Step::Broken;
    }

    /// At the start of a connection it is another protocol; later, something was misread.
    fn not_http(&mut self, waiting: &mut VecDeque<Waiting>) {
        if self.count == 0 && self.reason.is_none() {
            self.end(Reason::NotHttp);
        } else {
            self.lose_step(waiting);
        }
    }

    /// Reads no more.
    pub(super) fn end(&mut self, reason: Reason) {
        self.head.clear();
        self.undecided.clear();
        self.reason.get_or_insert(reason);
        self.step = Step::Ended;
    }

    /// The server answered while the body was to come: whether the client still had to send it.
    pub(super) fn may_leave_body_out(&mut self) -> bool {
        match std::mem::take(&mut self.step) {
            Step::Body { body, waits: true } => {
                self.step = Step::BodyOrHead(body);
                true
            }
            step => {
                self.step = step;
                false
            }
        }
    }

    /// Whether it came back into step since this was asked last: some requests were not seen then.
    pub(super) fn take_regained(&mut self) -> bool {
        std::mem::take(&mut self.has_regained)
    }

    pub(super) fn reason(&self) -> Option<Reason> {
        self.reason
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.head.held_bytes()
    }
}

/// Where a body goes whose request was left out of the exchanges already.
#[derive(Default)]
struct Nowhere {
    bytes: Hidden,
    is_whole: bool,
}

/// Where the body goes that is arriving: it is the last request's.
fn kept<'a>(waiting: &'a mut VecDeque<Waiting>, nowhere: &'a mut Nowhere) -> Kept<'a> {
    match waiting.back_mut().filter(|last| !last.request_is_done) {
        Some(last) => Kept {
            bytes: &mut last.request.body,
            most: MOST_BODY,
            is_whole: &mut last.request.body_is_whole,
        },
        None => Kept {
            bytes: &mut nowhere.bytes,
            most: 0,
            is_whole: &mut nowhere.is_whole,
        },
    }
}
