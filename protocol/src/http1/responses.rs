//! What a client receives: the responses to its requests, in the order of these. A response that cannot be paired with
//! certainty is left out, for the request then counts as let through.

use std::collections::VecDeque;

use crate::Hidden;

use super::{
    Keep, MOST_ANSWER, MOST_ERROR, Reason, Response, Waiting,
    body::{Body, Kept},
    chunked::Lost,
    head::{self, Grown, Partial},
};

/// Most bytes that wait for the request that they answer. Threads may report a write after the read that follows it.
const MOST_EARLY: usize = 16 * 1024;

/// The receiving direction.
#[derive(Debug, Default)]
pub(super) struct Responses {
    head: Partial,
    step: Step,
    early: Hidden,
    end: Option<Reason>,
}

#[derive(Debug, Default)]
enum Step {
    #[default]
    Head,
    Body {
        body: Body,
        /// How much of it is kept.
        most: usize,
        /// Whether it was kept so far.
        is_whole: bool,
    },
    /// Something is missing. A chunk that begins a message brings it back into step, where one request waits.
    Broken,
    Ended,
}

impl Responses {
    pub(super) fn data(&mut self, mut bytes: &[u8], waiting: &mut VecDeque<Waiting>, keep: Keep) {
        if matches!(self.step, Step::Broken) && head::starts_response(bytes) == Some(true) {
            self.regain(waiting);
        }
        while !bytes.is_empty() {
            let Some(front) = waiting.iter_mut().find(|waiting| !waiting.response_is_done) else {
                return self.too_early(bytes);
            };
            match &mut self.step {
                Step::Head => self.grow(&mut bytes, front, keep),
                Step::Body {
                    body,
                    most,
                    is_whole,
                } => {
                    let ended =
                        kept(front, *most, is_whole).and_then(|kept| body.take(&mut bytes, kept));
                    self.after_body(ended, front);
                }
                Step::Broken | Step::Ended => return,
            }
        }
    }

    /// Reads what came before its request did.
    pub(super) fn catch_up(&mut self, waiting: &mut VecDeque<Waiting>, keep: Keep) {
        if !self.early.is_empty() && waiting.iter().any(|waiting| !waiting.response_is_done) {
            let early = std::mem::take(&mut self.early);
            self.data(early.expose(), waiting, keep);
        }
    }

    fn too_early(&mut self, bytes: &[u8]) {
        match self.step {
            Step::Broken | Step::Ended => {}
            Step::Head | Step::Body { .. } if self.early.len() + bytes.len() <= MOST_EARLY => {
                self.early.push(bytes);
            }
            Step::Head | Step::Body { .. } => self.lose_step(),
        }
    }

    /// Where exactly one request waits, a response that begins is its own.
    fn regain(&mut self, waiting: &mut VecDeque<Waiting>) {
        let mut unanswered = waiting
            .iter_mut()
            .filter(|waiting| !waiting.response_is_done);
        match (unanswered.next(), unanswered.next()) {
            (Some(_), None) => self.step = Step::Head,
            (Some(one), Some(other)) => {
                (one.response_is_done, other.response_is_done) = (true, true);
                for more in unanswered {
                    more.response_is_done = true;
                }
            }
            (None, _) => {}
        }
    }

    fn grow(&mut self, bytes: &mut &[u8], front: &mut Waiting, keep: Keep) {
        let grown = self.head.take(bytes);
        let head = self.head.bytes();
        match grown {
            _ if head::starts_response(head) == Some(false) => self.lose_step(),
            Grown::TooLong => self.lose_step(),
            Grown::Whole => match head::response(head, &front.request.method) {
                Ok(head) => self.start(head, front, keep),
                Err(head::NotHttp) => self.lose_step(),
            },
            Grown::FirstLine | Grown::More => {}
        }
    }

    fn start(&mut self, head: head::ResponseHead, front: &mut Waiting, keep: Keep) {
        self.head.clear();
        let is_tunnel = front.request.method == "CONNECT" && (200..300).contains(&head.status);
        match head.status {
            101 => self.end = Some(Reason::Upgraded),
            100..200 => return,
            _ if is_tunnel => self.end = Some(Reason::Tunnel),
            _ => {}
        }
        let most = if head.status >= 400 {
            MOST_ERROR
        } else {
            keep(&front.request).min(MOST_ANSWER)
        };
        front.response = Some(Response {
            status: head.status,
            error_type: head.error_type,
            is_encoded: head.is_encoded,
            body: Hidden::default(),
        });
        self.step = match head.body {
            _ if self.end.is_some() => Step::Ended,
            Some(body) => Step::Body {
                body,
                most,
                is_whole: true,
            },
            None => Step::Head,
        };
        front.response_is_done = !matches!(self.step, Step::Body { .. });
    }

    /// Passes over bytes that were not seen.
    pub(super) fn gap(&mut self, bytes: u64, waiting: &mut VecDeque<Waiting>) {
        let front = waiting.iter_mut().find(|waiting| !waiting.response_is_done);
        match (&mut self.step, front) {
            (
                Step::Body {
                    body,
                    most,
                    is_whole,
                },
                Some(front),
            ) => {
                let ended =
                    kept(front, *most, is_whole).and_then(|mut kept| body.skip(bytes, &mut kept));
                self.after_body(ended, front);
            }
            (Step::Ended, _) => {}
            _ => self.lose_step(),
        }
    }

    fn after_body(&mut self, ended: Result<bool, Lost>, front: &mut Waiting) {
        match ended {
            Ok(false) => {}
            Ok(true) => {
                front.response_is_done = true;
                self.step = Step::Head;
            }
            Err(Lost) => {
                // How it ended was read; only where its body ends is not known.
                front.response_is_done = true;
                self.lose_step();
            }
        }
    }

    /// Waits for a chunk that begins a message.
    pub(super) fn lose_step(&mut self) {
        self.head.clear();
        self.early.clear();
        if !matches!(self.step, Step::Ended) {
            self.step = Step::Broken;
        }
    }

    /// Reads no more.
    pub(super) fn end(&mut self) {
        self.lose_step();
        self.step = Step::Ended;
    }

    /// Why what follows on the connection is not HTTP/1, when a response said so.
    pub(super) fn take_end(&mut self) -> Option<Reason> {
        self.end.take()
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.head.held_bytes() + self.early.len()
    }
}

/// Where the body goes that is arriving.
fn kept<'a>(front: &'a mut Waiting, most: usize, is_whole: &'a mut bool) -> Result<Kept<'a>, Lost> {
    let response = front.response.as_mut().ok_or(Lost)?;
    Ok(Kept {
        bytes: &mut response.body,
        most,
        is_whole,
    })
}
