//! Heads of requests and responses: where one ends, what stands in it (httparse), and how its body ends.

use crate::Hidden;

use super::{MOST_HEAD, body::Body, chunked::Chunked};

/// Most headers of a head.
const MOST_HEADERS: usize = 256;

/// A header of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// In lower case.
    pub name: String,
    /// It may be a secret.
    pub value: Hidden,
}

/// A head that arrives in parts.
#[derive(Debug, Default)]
pub(super) struct Partial {
    bytes: Hidden,
    /// Bytes of the line that is arriving, without its end.
    line: usize,
    lines: usize,
}

/// What became of a head with the last bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Grown {
    /// It goes on.
    More,
    /// Its first line is whole, and more follows.
    FirstLine,
    /// It is whole.
    Whole,
    /// It is larger than [`MOST_HEAD`].
    TooLong,
}

impl Partial {
    /// Takes bytes up to the end of the head from the front of `bytes`.
    pub(super) fn take(&mut self, bytes: &mut &[u8]) -> Grown {
        let lines_before = self.lines;
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                b'\r' => continue,
                b'\n' => {}
                _ => {
                    self.line += 1;
                    continue;
                }
            }
            let is_empty = self.line == 0;
            self.line = 0;
            if !is_empty {
                self.lines += 1;
            } else if self.lines > 0 {
                let (head, rest) = bytes.split_at(index + 1);
                *bytes = rest;
                return self.push(head, Grown::Whole);
            }
        }
        let all = std::mem::take(bytes);
        let grown = if lines_before == 0 && self.lines > 0 {
            Grown::FirstLine
        } else {
            Grown::More
        };
        self.push(all, grown)
    }

    fn push(&mut self, bytes: &[u8], grown: Grown) -> Grown {
        if self.bytes.len() + bytes.len() > MOST_HEAD {
            return Grown::TooLong;
        }
        self.bytes.push(bytes);
        grown
    }

    /// What there is of it, without the empty lines that may stand before a message.
    pub(super) fn bytes(&self) -> &[u8] {
        let all = self.bytes.expose();
        let empty = all.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        &all[empty.count()..]
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Methods that a request is known by, each with the space behind it; `PRI` begins the preface of HTTP/2. No method ends
/// as another one does, so that one whose beginning is lost is not taken for another.
const METHODS: [&[u8]; 14] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"HEAD ",
    b"PATCH ",
    b"OPTIONS ",
    b"CONNECT ",
    b"TRACE ",
    b"PROPFIND ",
    b"REPORT ",
    b"SEARCH ",
    b"MKCOL ",
    b"PRI ",
];

/// Whether bytes can be the beginning of a request; None where there are too few to tell.
#[must_use]
pub fn starts_request(bytes: &[u8]) -> Option<bool> {
    let method = METHODS.iter().find(|method| {
        bytes
            .iter()
            .zip(**method)
            .all(|(byte, wanted)| byte == wanted)
    });
    match method.map(|method| bytes.get(method.len())) {
        None => Some(false),
        Some(None) => None,
        Some(Some(target)) => Some(target.is_ascii_graphic()),
    }
}

/// Whether bytes can be the beginning of a response; None where there are too few to tell.
pub(super) fn starts_response(bytes: &[u8]) -> Option<bool> {
    const VERSION: &[u8] = b"HTTP/1.";
    let length = bytes.len().min(VERSION.len());
    if bytes[..length] != VERSION[..length] {
        return Some(false);
    }
    (length == VERSION.len()).then_some(true)
}

/// Bytes that are no head of HTTP/1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotHttp;

/// What stands in the head of a request.
#[derive(Debug)]
pub(super) struct RequestHead {
    pub(super) method: String,
    pub(super) target: Hidden,
    pub(super) headers: Vec<Header>,
    /// None: it has no body.
    pub(super) body: Option<Body>,
    /// The body is sent when the server says so.
    pub(super) waits_to_continue: bool,
}

/// Whether the first line of a request can be one.
pub(super) fn check_request_line(bytes: &[u8]) -> Result<(), NotHttp> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(bytes).map_err(|_| NotHttp).map(|_| ())
}

/// Reads the whole head of a request.
pub(super) fn request(bytes: &[u8]) -> Result<RequestHead, NotHttp> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) | Err(_) => return Err(NotHttp),
    }
    let headers: Vec<Header> = request.headers.iter().map(header).collect();
    let body = match framing(&headers)? {
        Framing::Chunked => Some(Body::Chunked(Chunked::default())),
        Framing::Length(length) => Body::of_length(length),
        Framing::None => None,
        // A request cannot end with the connection.
        Framing::UntilClose => return Err(NotHttp),
    };
    let waits_to_continue =
        find(&headers, "expect").is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"));
    Ok(RequestHead {
        method: request.method.unwrap_or_default().to_owned(),
        target: Hidden::from(request.path.unwrap_or_default().as_bytes()),
        headers,
        body,
        waits_to_continue,
    })
}

/// What stands in the head of a response.
#[derive(Debug)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) error_type: Option<Hidden>,
    pub(super) is_encoded: bool,
    /// None: it has no body.
    pub(super) body: Option<Body>,
}

/// Reads the whole head of a response to a request of this method.
pub(super) fn response(bytes: &[u8], method: &str) -> Result<ResponseHead, NotHttp> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) | Err(_) => return Err(NotHttp),
    }
    let status = response.code.ok_or(NotHttp)?;
    let headers: Vec<Header> = response.headers.iter().map(header).collect();
    let has_none = method == "HEAD" || status < 200 || matches!(status, 204 | 304);
    let body = if has_none {
        None
    } else {
        match framing(&headers)? {
            Framing::Chunked => Some(Body::Chunked(Chunked::default())),
            Framing::Length(length) => Body::of_length(length),
            Framing::None | Framing::UntilClose => Some(Body::UntilClose),
        }
    };
    let encoding = find(&headers, "content-encoding");
    Ok(ResponseHead {
        status,
        error_type: find(&headers, "x-amzn-errortype").map(Hidden::from),
        is_encoded: encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")),
        body,
    })
}

/// The first header of this name, which is in lower case.
pub(super) fn find<'a>(headers: &'a [Header], name: &str) -> Option<&'a [u8]> {
    let header = headers.iter().find(|header| header.name == name)?;
    Some(header.value.expose())
}

fn header(header: &httparse::Header<'_>) -> Header {
    Header {
        name: header.name.to_ascii_lowercase(),
        value: Hidden::from(header.value),
    }
}

enum Framing {
    Chunked,
    Length(u64),
    None,
    UntilClose,
}

/// RFC 9112, section 6.3.
fn framing(headers: &[Header]) -> Result<Framing, NotHttp> {
    let all = |name| {
        let named = headers.iter().filter(move |header| header.name == name);
        named.flat_map(|header| header.value.expose().split(|byte| *byte == b','))
    };
    if let Some(last) = all("transfer-encoding").last() {
        return Ok(if last.trim_ascii().eq_ignore_ascii_case(b"chunked") {
            Framing::Chunked
        } else {
            Framing::UntilClose
        });
    }
    let mut length = None;
    for value in all("content-length") {
        let value = number(value.trim_ascii()).ok_or(NotHttp)?;
        if length.is_some_and(|length| length != value) {
            return Err(NotHttp);
        }
        length = Some(value);
    }
    Ok(length.map_or(Framing::None, Framing::Length))
}

fn number(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_from_its_first_bytes() {
        for (bytes, expected) in [
            (&b"GET /"[..], Some(true)),
            (b"PRI * HTTP/2.0", Some(true)),
            (b"ET /", Some(false)),
            (b"USER x", Some(false)),
            (b"CONNECT a:443", Some(true)),
            (b"G", None),
            (b"GET ", None),
            (b"", None),
            (b"\x16\x03\x01", Some(false)),
            (b"get /", Some(false)),
            (b" GET", Some(false)),
            (b"+OK ready", Some(false)),
            (b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Some(false)),
        ] {
            assert_eq!(starts_request(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn two_lengths_that_differ_are_refused() {
        let head =
            |lengths: &str| request(format!("PUT / HTTP/1.1\r\n{lengths}\r\n\r\n").as_bytes());
        assert!(head("Content-Length: 3\r\nContent-Length: 4").is_err());
        assert!(head("Content-Length: 3, 3").is_ok());
        assert!(head("Content-Length: -3").is_err());
        assert!(head("Content-Length: 99999999999999999999999").is_err());
        assert!(head("Transfer-Encoding: gzip").is_err());
    }
}
