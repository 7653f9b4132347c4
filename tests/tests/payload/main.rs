//! What real clients say, over TLS and in plain text, against what the server received.

mod mixed_up;
mod server;

use std::{fs, process::Command};

use anyhow::{Result, ensure};
use whittle_agent::{
    kernel::{Backend, Limits},
    model::{Direction, Payload, Transport},
};
use whittle_tests::{
    payload::{Overheard, overhear},
    peer::peer,
};

use server::{Server, count};

fn curl(server: &Server) -> Command {
    let mut command = Command::new("/usr/bin/curl");
    command.args([
        "--silent",
        "--fail",
        "--http1.1",
        "--noproxy",
        "*",
        "--cacert",
    ]);
    command.arg(server.certificate());
    command
}

fn python(script: &str, server: &Server) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", script, &server.port.to_string()]);
    command.arg(server.certificate());
    command
}

/// Links every plaintext connection to the TCP connection under it.
fn is_linked(overheard: &Overheard) {
    let tls = overheard
        .payloads
        .iter()
        .filter(|payload| payload.transport == Transport::Tls);
    for payload in tls {
        let under = overheard
            .opened
            .iter()
            .find(|opened| Some(opened.connection.number) == payload.socket);
        let under = under.unwrap_or_else(|| panic!("no socket under {payload:?}"));
        assert_eq!(under.peer, payload.peer, "{payload:?}");
    }
}

#[test]
fn every_byte_that_curl_says_over_tls_is_read_and_known_to_which_socket_it_went() -> Result<()> {
    let server = Server::tls()?;
    let mut client = curl(&server);
    client
        .args(["-H", "X-Secret: planted"])
        .args([server.url("/a?b=c"), server.url("/d")]);
    let overheard = server.check(&mut client)?;
    is_linked(&overheard);
    let hello = overheard.streams(Transport::Tcp, Direction::Sent);
    assert_eq!(hello.len(), 1, "one connection for both requests");
    assert!(hello[0].bytes.starts_with(&[0x16, 3, 1]), "a TLS hello");
    assert!(
        count(&hello[0].bytes, b"localhost") == 1,
        "with the server's name"
    );
    assert!(hello[0].bytes.len() <= 4096, "and not much more");
    assert_eq!(
        overheard
            .closed
            .iter()
            .filter(|closed| !closed.connection.tls)
            .count(),
        1
    );
    Ok(())
}

#[test]
fn every_byte_that_curl_says_in_plain_text_is_read() -> Result<()> {
    let server = Server::plain()?;
    let mut client = curl(&server);
    client.args(["--data", "one=1", &server.url("/form")]);
    let overheard = server.check(&mut client)?;
    let [closed] = overheard.closed.as_slice() else {
        panic!("one connection: {:?}", overheard.closed);
    };
    assert_eq!(
        closed.wire_sent,
        Some(closed.sent),
        "nothing went by another way"
    );
    Ok(())
}

/// Three requests on one connection, one with a body.
const HTTP_CLIENT: &str = "import http.client, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
connection = http.client.HTTPSConnection('localhost', int(sys.argv[1]), context=context)
for method, body in [('GET', None), ('PUT', 'x' * 3000), ('DELETE', None)]:
    connection.request(method, '/kept-alive', body)
    assert connection.getresponse().read() == b'ok\\n'
";

#[test]
fn every_byte_of_a_python_client_that_keeps_its_connection_is_read() -> Result<()> {
    let server = Server::tls()?;
    let mut client = python(HTTP_CLIENT, &server);
    let overheard = server.check(&mut client)?;
    is_linked(&overheard);
    Ok(())
}

#[test]
fn every_byte_of_a_node_client_is_read() -> Result<()> {
    let server = Server::tls()?;
    let script = "const https = require('https'), fs = require('fs');
        const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: fs.readFileSync(process.argv[2]) });
        const ask = (left) => left && https.request({ host: 'localhost', port: process.argv[1], path: '/' + left,
            method: 'POST', agent }, (answer) => { answer.resume(); answer.on('end', () => left > 1 ? ask(left - 1)
            : agent.destroy()); }).end('body');
        ask(3);";
    let mut client = Command::new("/usr/bin/node");
    client
        .args(["-e", script, &server.port.to_string()])
        .arg(server.certificate());
    server.check(&mut client)?;
    Ok(())
}

#[test]
fn requests_that_are_sent_byte_by_byte_are_read_whole() -> Result<()> {
    let script = "import socket, sys
connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
for number in range(3):
    for byte in b'POST /%d HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: 5\\r\\n\\r\\nhello' % number:
        connection.send(bytes([byte]))
    answer = b''
    while not answer.endswith(b'ok\\n'):
        answer += connection.recv(1)
";
    let server = Server::plain()?;
    let mut client = python(script, &server);
    server.check(&mut client)?;
    Ok(())
}

#[test]
fn every_byte_is_read_by_whatever_calls_it_is_sent_and_received() -> Result<()> {
    let server = Server::plain()?;
    let mut client = forms("calls", &server);
    server.check(&mut client)?;
    Ok(())
}

#[test]
fn every_byte_that_io_uring_moves_is_read_or_its_ring_is_counted_as_lost() -> Result<()> {
    let server = Server::plain()?;
    let overheard = overhear(&mut forms("uring", &server), Limits::default())?;
    if overheard.backend == Some(Backend::Trampoline) {
        return server.compare(&overheard);
    }
    ensure!(overheard.status.success(), "{:?}", overheard.status);
    ensure!(overheard.lost() > 0, "a ring was not counted as lost");
    Ok(())
}

/// A client that uses every call there is.
fn forms(how: &str, server: &Server) -> Command {
    let mut command = Command::new("/usr/bin/python3");
    command
        .arg(peer("forms.py"))
        .args([how, &server.port.to_string()]);
    command
}

#[test]
fn two_hundred_connections_in_a_row_are_each_read() -> Result<()> {
    let server = Server::tls()?;
    let script = "import http.client, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
for number in range(200):
    connection = http.client.HTTPSConnection('localhost', int(sys.argv[1]), context=context)
    connection.request('GET', '/%d' % number)
    assert connection.getresponse().read() == b'ok\\n'
    connection.close()
";
    let mut client = python(script, &server);
    let overheard = server.check(&mut client)?;
    assert!(overheard.opened.len() >= 200, "{}", overheard.opened.len());
    let closed = |tls: bool| {
        overheard
            .closed
            .iter()
            .filter(move |closed| closed.connection.tls == tls)
    };
    assert_eq!(closed(false).count(), overheard.opened.len());
    assert!(closed(true).count() >= 200);
    Ok(())
}

#[test]
fn of_an_upload_the_head_and_the_first_of_the_body_are_kept_and_the_next_request_whole()
-> Result<()> {
    let script = "import http.client, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
connection = http.client.HTTPSConnection('localhost', int(sys.argv[1]), context=context)
for body in [b'x' * 5_000_000, b'small']:
    connection.request('PUT', '/upload', body)
    assert connection.getresponse().read() == b'ok\\n'
";
    let server = Server::tls()?;
    let overheard = overhear(&mut python(script, &server), Limits::default())?;
    assert!(overheard.status.success());
    let received = server.received()?;
    assert_eq!(overheard.lost(), 0);
    let streams = overheard.streams(Transport::Tls, Direction::Sent);
    let [stream] = streams.as_slice() else {
        panic!("{} connections", streams.len());
    };
    assert_eq!(stream.length, received[0].len() as u64);
    assert_eq!(stream.gaps.len(), 1, "{:?}", stream.gaps);
    let (first, second) = stream.bytes.split_at(stream.gaps[0]);
    assert!(
        first.len() >= 65_536 + 200 && first.len() <= 140_000,
        "{} bytes kept",
        first.len()
    );
    assert!(received[0].starts_with(first));
    assert!(received[0].ends_with(second) && second.starts_with(b"PUT /upload"));
    Ok(())
}

#[test]
fn of_a_head_of_a_megabyte_the_first_128_kib_are_kept_and_what_is_missing_is_said() -> Result<()> {
    let server = Server::plain()?;
    let script = "import socket, sys
connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
connection.sendall(b'GET / HTTP/1.1\\r\\nX: ' + b'x' * 1_000_000 + b'\\r\\n\\r\\n')
assert connection.recv(4096).startswith(b'HTTP/1.1 200')
";
    let overheard = overhear(&mut python(script, &server), Limits::default())?;
    assert!(overheard.status.success());
    let received = server.received()?;
    let streams = overheard.streams(Transport::Tcp, Direction::Sent);
    assert_eq!(streams[0].bytes.len(), 131_072);
    assert_eq!(streams[0].length, received[0].len() as u64);
    assert!(received[0].starts_with(&streams[0].bytes));
    Ok(())
}

#[test]
fn answers_of_a_name_server_are_read_however_a_resolver_receives_them() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let resolv = folder.path().join("resolv.conf");
    fs::write(&resolv, "nameserver 127.0.0.1\noptions attempts:1\n")?;
    let mut command = Command::new("/usr/bin/unshare");
    command.args(["--net", "--mount", "--propagation", "private", "sh"]);
    command
        .arg(peer("names.sh"))
        .arg(&resolv)
        .arg(peer("names_dns.py"));
    let overheard = overhear(&mut command, Limits::default())?;
    ensure!(overheard.status.success(), "{:?}", overheard.status);
    assert_eq!(overheard.lost(), 0);
    let answers: Vec<_> = overheard
        .payloads
        .iter()
        .filter(|payload| payload.peer.as_deref() == Some("127.0.0.1:53"))
        .filter(|payload| payload.direction == Direction::Received)
        .collect();
    for (name, transport) in [
        ("by-glibc", Transport::Udp),
        ("by-recvfrom", Transport::Udp),
        ("by-recvmsg", Transport::Udp),
        ("by-read", Transport::Udp),
        ("by-c-ares", Transport::Udp),
        ("by-tcp", Transport::Tcp),
    ] {
        let address = |payload: &&&Payload| {
            count(&payload.bytes, name.as_bytes()) > 0 && payload.bytes.ends_with(&[192, 0, 2, 7])
        };
        let found: Vec<_> = answers.iter().filter(address).collect();
        assert_eq!(found.len(), 1, "{name}: {found:?} of {answers:?}");
        assert_eq!(found[0].transport, transport, "{name}");
        assert_eq!(found[0].bytes.len(), found[0].length as usize, "{name}");
    }
    Ok(())
}
