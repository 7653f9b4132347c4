//! Streams are split and pipelined; what comes out stays the same. `gaps` leaves bytes out, `laws` makes streams of any kind.

mod gaps;
mod laws;

use super::*;

/// One side's next bytes.
#[derive(Clone, Debug)]
enum Said {
    Sent(Vec<u8>),
    Received(Vec<u8>),
    /// Bytes that were sent and not seen.
    SentUnseen(u64),
    /// Bytes that were sent and left out: the rest of a long body.
    SentUnwanted(u64),
    /// Bytes that were received and not seen.
    ReceivedUnseen(u64),
}

fn sent(text: &str) -> Said {
    Said::Sent(text.as_bytes().to_vec())
}

fn received(text: &str) -> Said {
    Said::Received(text.as_bytes().to_vec())
}

const KEEP_ALL: Keep = |_| MOST_ANSWER;

/// What is understood, a line for each exchange, where no call moves more than `most` bytes; and why not all is.
fn understood(script: &[Said], most: usize) -> (Vec<String>, Option<Reason>) {
    let mut connection = Connection::new(KEEP_ALL);
    let (mut sent, mut received, mut lost_before) = (0, 0, false);
    let mut exchanges = Vec::new();
    for said in script {
        match said {
            Said::SentUnseen(bytes) => {
                sent += bytes;
                lost_before = true;
            }
            Said::SentUnwanted(bytes) => sent += bytes,
            Said::ReceivedUnseen(bytes) => received += bytes,
            Said::Sent(bytes) => {
                for bytes in bytes.chunks(most) {
                    let lost_before = std::mem::take(&mut lost_before);
                    exchanges.extend(connection.sent(Chunk {
                        lost_before,
                        ..chunk(sent, bytes)
                    }));
                    sent += bytes.len() as u64;
                }
            }
            Said::Received(bytes) => {
                for bytes in bytes.chunks(most) {
                    exchanges.extend(connection.received(chunk(received, bytes)));
                    received += bytes.len() as u64;
                }
            }
        }
    }
    exchanges.extend(connection.finish());
    (exchanges.iter().map(line).collect(), connection.reason())
}

fn chunk(offset: u64, bytes: &[u8]) -> Chunk<'_> {
    Chunk {
        offset,
        bytes,
        length: bytes.len() as u64,
        lost_before: false,
    }
}

fn line(exchange: &Exchange) -> String {
    let Exchange { request, response } = exchange;
    let text = |bytes: &Hidden| String::from_utf8_lossy(bytes.expose()).into_owned();
    let cut = if request.body_is_whole { "" } else { "…" };
    let answer = response.as_ref().map_or_else(
        || "-".to_owned(),
        |response| format!("{} {}", response.status, text(&response.body)),
    );
    let (target, body) = (text(&request.target), text(&request.body));
    let asked = format!("{} {target} {body}{cut}", request.method);
    format!("{} -> {}", asked.trim_end_matches(' '), answer.trim_end())
}

fn check(script: &[Said], expected: &[&str]) {
    for most in [usize::MAX, 1, 2, 7, 64] {
        assert_eq!(understood(script, most), (owned(expected), None), "{most}");
    }
}

/// Where something is missing, a chunk has to begin with a message: it is not split.
fn check_lost(script: &[Said], expected: &[&str], reason: Option<Reason>) {
    assert_eq!(understood(script, usize::MAX), (owned(expected), reason));
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

const GET: &str = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const PUT: &str = "PUT /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyz";
const POST: &str =
    "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfo\r\n1\r\no\r\n0\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const DENIED: &str =
    "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n";
const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[test]
fn requests_are_paired_with_their_responses() {
    check(
        &[
            sent(GET),
            received(OK),
            sent(PUT),
            received(DENIED),
            sent(POST),
            received(EMPTY),
        ],
        &[
            "GET /a -> 200 ok",
            "PUT /b xyz -> 403 bad",
            "POST /c foo -> 204",
        ],
    );
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let (all, answers) = ([PUT, GET, POST].concat(), [OK, EMPTY, DENIED].concat());
    check(
        &[sent(&all), received(&answers)],
        &[
            "PUT /b xyz -> 200 ok",
            "GET /a -> 204",
            "POST /c foo -> 403 bad",
        ],
    );
}

#[test]
fn a_body_is_not_read_as_the_next_head() {
    let put = format!(
        "PUT /b HTTP/1.1\r\nContent-Length: {}\r\n\r\n{GET}",
        GET.len()
    );
    check(
        &[sent(&put), received(OK), sent(GET), received(EMPTY)],
        &[
            "PUT /b GET /a HTTP/1.1\r\nHost: h\r\n\r\n -> 200 ok",
            "GET /a -> 204",
        ],
    );
}

#[test]
fn responses_without_a_body_end_with_their_head() {
    let head = "HEAD /h HTTP/1.1\r\n\r\n";
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
    let unchanged = "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n";
    check(
        &[
            sent(head),
            received(long),
            sent(GET),
            received(unchanged),
            sent(GET),
            received(OK),
        ],
        &["HEAD /h -> 200", "GET /a -> 304", "GET /a -> 200 ok"],
    );
}

#[test]
fn a_response_may_end_with_the_connection() {
    check(
        &[sent(GET), received("HTTP/1.0 200 OK\r\n\r\nall of it")],
        &["GET /a -> 200 all of it"],
    );
}

#[test]
fn interim_responses_are_passed_over() {
    let put = "PUT /b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    check(
        &[
            sent(put),
            received("HTTP/1.1 100 Continue\r\n\r\n"),
            sent("xyz"),
            received(OK),
        ],
        &["PUT /b xyz -> 200 ok"],
    );
}

#[test]
fn a_refused_body_may_be_left_out_or_sent() {
    let put = "PUT /b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    check(
        &[sent(put), received(DENIED), sent(GET), received(OK)],
        &["PUT /b … -> 403 bad", "GET /a -> 200 ok"],
    );
    check(
        &[
            sent(put),
            received(DENIED),
            sent("xyz"),
            sent(GET),
            received(OK),
        ],
        &["PUT /b … -> 403 bad", "GET /a -> 200 ok"],
    );
}

#[test]
fn an_early_answer_does_not_end_the_body() {
    check(
        &[
            sent(&PUT[..PUT.len() - 1]),
            received(DENIED),
            sent("z"),
            sent(GET),
            received(OK),
        ],
        &["PUT /b xyz -> 403 bad", "GET /a -> 200 ok"],
    );
}

#[test]
fn aws_chunked_bodies_keep_the_stream_in_step() {
    let framed = "5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
    let by_length = format!(
        "PUT /k HTTP/1.1\r\nContent-Encoding: aws-chunked\r\nx-amz-decoded-content-length: 5\r\nContent-Length: {}\r\n\r\n{framed}",
        framed.len()
    );
    let line = format!("PUT /k {framed} -> 200 ok");
    check(
        &[sent(&by_length), received(OK), sent(GET), received(OK)],
        &[&line, "GET /a -> 200 ok"],
    );
    let chunked = format!(
        "PUT /k HTTP/1.1\r\nContent-Encoding: aws-chunked\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{framed}\r\n0\r\n\r\n",
        framed.len()
    );
    check(
        &[sent(&chunked), received(OK), sent(GET), received(OK)],
        &[&line, "GET /a -> 200 ok"],
    );
}

#[test]
fn a_response_that_is_reported_before_its_request_is_still_its_own() {
    check(&[received(OK), sent(GET)], &["GET /a -> 200 ok"]);
}

#[test]
fn a_request_that_was_not_answered_is_reported_at_the_end() {
    check(&[sent(GET)], &["GET /a -> -"]);
    check(&[sent(&PUT[..PUT.len() - 2])], &["PUT /b x… -> -"]);
}

#[test]
fn other_protocols_are_named_at_once() {
    let named = |bytes: &[u8]| {
        let mut connection = Connection::new(KEEP_ALL);
        connection.sent(chunk(0, bytes));
        connection.reason()
    };
    assert_eq!(named(b"\x16\x03\x01\x02"), Some(Reason::NotHttp));
    assert_eq!(named(b"EHLO mail\r\n"), Some(Reason::NotHttp));
    assert_eq!(named(b"*1\r\n$4\r\nPING\r\n"), Some(Reason::NotHttp));
    assert_eq!(
        named(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"),
        Some(Reason::Http2)
    );
    assert_eq!(named(b"PRI * HTTP/2.0\r\n"), Some(Reason::Http2));
    assert_eq!(
        named(b"GET / HTTP/1.1\r\nbad header\r\n\r\n"),
        Some(Reason::NotHttp)
    );
    assert_eq!(named(GET.as_bytes()), None);
}

#[test]
fn a_connection_ends_with_an_upgrade_and_with_a_tunnel() {
    let upgrade = "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
    let switched = "HTTP/1.1 101 Switching Protocols\r\n\r\nbinary";
    check_lost(
        &[sent(upgrade), received(switched), sent("\x02\x03")],
        &["GET /ws -> 101"],
        Some(Reason::Upgraded),
    );
    let connect = "CONNECT s3:443 HTTP/1.1\r\n\r\n";
    let established = "HTTP/1.1 200 OK\r\n\r\n";
    check_lost(
        &[sent(connect), received(established), sent("\x16\x03\x01")],
        &["CONNECT s3:443 -> 200"],
        Some(Reason::Tunnel),
    );
    let unauthorised = "HTTP/1.1 407 Proxy\r\nContent-Length: 0\r\n\r\n";
    check_lost(
        &[
            sent(connect),
            received(unauthorised),
            sent(connect),
            received(established),
        ],
        &["CONNECT s3:443 -> 407", "CONNECT s3:443 -> 200"],
        Some(Reason::Tunnel),
    );
}

#[test]
fn heads_and_bodies_are_bounded() {
    let mut connection = Connection::new(KEEP_ALL);
    let line = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(1_000_000));
    let mut offset = 0;
    for bytes in line.as_bytes().chunks(4096) {
        connection.sent(chunk(offset, bytes));
        offset += bytes.len() as u64;
        assert!(connection.held_bytes() <= MOST_HEAD);
    }
    assert_eq!(connection.reason(), Some(Reason::HeadTooLong));

    let mut connection = Connection::new(KEEP_ALL);
    let put = format!(
        "PUT / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n{}",
        "a".repeat(1_000_000)
    );
    connection.sent(chunk(0, put.as_bytes()));
    assert!(connection.held_bytes() <= MOST_BODY + 100);
    let exchanges = connection.received(chunk(0, OK.as_bytes()));
    assert_eq!(exchanges[0].request.body.len(), MOST_BODY);
    assert!(!exchanges[0].request.body_is_whole);

    let mut connection = Connection::new(KEEP_ALL);
    let exchanges = connection.sent(chunk(0, GET.repeat(1_000).as_bytes()));
    assert_eq!(connection.reason(), Some(Reason::TooManyWaiting));
    assert_eq!(exchanges.len(), 1_000);
}

#[test]
fn nothing_that_is_shown_holds_a_secret() {
    let request = "POST /?X-Amz-Signature=planted-1 HTTP/1.1\r\nAuthorization: planted-2\r\nContent-Length: 9\r\n\r\nplanted-3";
    let answer = "HTTP/1.1 200 OK\r\nSet-Cookie: planted-4\r\nx-amzn-errortype: planted-5\r\nContent-Length: 9\r\n\r\nplanted-6";
    let mut connection = Connection::new(KEEP_ALL);
    connection.sent(chunk(0, request.as_bytes()));
    let exchanges = connection.received(chunk(0, answer.as_bytes()));
    assert_eq!(exchanges.len(), 1);
    let shown = format!("{exchanges:?}");
    assert!(!shown.contains("planted"), "{shown}");
}
