//! Bytes that were not seen: what comes out is right, or is said to be lost.

use super::*;

#[test]
fn missing_bytes_of_a_body_of_known_length_keep_the_stream_in_step() {
    let put = "PUT /b HTTP/1.1\r\nContent-Length: 1000\r\n\r\nab";
    check_lost(
        &[
            sent(put),
            Said::SentUnseen(998),
            received(OK),
            sent(GET),
            received(DENIED),
        ],
        &["PUT /b ab… -> 200 ok", "GET /a -> 403 bad"],
        None,
    );
    let large = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nab";
    check_lost(
        &[
            sent(GET),
            received(large),
            Said::ReceivedUnseen(998),
            sent(GET),
            received(DENIED),
        ],
        &["GET /a -> 200 ab", "GET /a -> 403 bad"],
        None,
    );
}

#[test]
fn a_lost_head_is_said_and_the_next_message_is_read() {
    check_lost(
        &[
            sent(&GET[..9]),
            Said::SentUnseen(17),
            received(OK),
            sent(PUT),
            received(DENIED),
        ],
        &["PUT /b xyz -> 403 bad"],
        Some(Reason::BytesLost),
    );
    check_lost(
        &[
            Said::SentUnseen(40),
            received(OK),
            sent(PUT),
            received(DENIED),
        ],
        &["PUT /b xyz -> 403 bad"],
        Some(Reason::BytesLost),
    );
}

#[test]
fn a_gap_in_a_chunked_request_ends_it_and_what_follows_is_not_taken_for_a_head() {
    let post = "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nf";
    check_lost(
        &[
            sent(post),
            Said::SentUnseen(100),
            sent("\r\nlower GET /no HTTP/1.1\r\n\r\n"),
            received(OK),
            sent(GET),
            received(DENIED),
        ],
        &["POST /c f… -> 200 ok", "GET /a -> 403 bad"],
        Some(Reason::BytesLost),
    );
}

#[test]
fn the_rest_of_a_long_chunked_request_may_be_left_out() {
    let post = "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nf";
    check_lost(
        &[
            sent(post),
            Said::SentUnwanted(100),
            received(OK),
            sent("lower GET /no HTTP/1.1\r\n\r\n"),
            sent(GET),
            received(DENIED),
        ],
        &["POST /c f… -> 200 ok", "GET /a -> 403 bad"],
        None,
    );
    // With a real loss among them a request may be missing.
    check_lost(
        &[
            sent(post),
            Said::SentUnwanted(100),
            received(OK),
            sent("more"),
            Said::SentUnseen(50),
            sent(GET),
            received(DENIED),
        ],
        &["POST /c f… -> 200 ok", "GET /a -> 403 bad"],
        Some(Reason::BytesLost),
    );
}

#[test]
fn a_gap_in_a_chunked_response_shifts_no_answer() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfo";
    // One request waits: the response that begins is its own.
    check_lost(
        &[
            sent(GET),
            received(chunked),
            Said::ReceivedUnseen(90),
            sent(PUT),
            received(DENIED),
        ],
        &["GET /a -> 200 fo", "PUT /b xyz -> 403 bad"],
        None,
    );
    // Two wait: nobody knows whose it is.
    let two = [PUT, GET].concat();
    check_lost(
        &[
            sent(GET),
            received(chunked),
            Said::ReceivedUnseen(90),
            sent(&two),
            received(DENIED),
            sent(GET),
            received(OK),
        ],
        &[
            "GET /a -> 200 fo",
            "PUT /b xyz -> -",
            "GET /a -> -",
            "GET /a -> 200 ok",
        ],
        None,
    );
}
