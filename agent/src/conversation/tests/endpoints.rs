//! With whom there were connections, what they are called, and how much of them was read.

use super::*;
use crate::model::NameSource;

#[test]
fn a_tls_connection_without_plaintext_is_not_readable_and_says_why() {
    let mut scene = Scene::new();
    scene.open(tcp(1), Transport::Tcp, PEER);
    scene.say(tcp(1), Direction::Sent, &hello("sts.amazonaws.com"));
    scene.receive(tcp(1), "\x16\x03\x03server");
    scene.close(tcp(1), 0);
    let endpoint = scene.endpoint();
    assert_eq!(endpoint.name, "sts.amazonaws.com:443");
    assert_eq!(endpoint.provider, Some("aws"));
    assert_eq!(
        (endpoint.connections, endpoint.readable, endpoint.decoded),
        (1, 0, 0)
    );
    assert_eq!(endpoint.reasons, ["no OpenSSL found in the process"]);

    let mut scene = Scene::new();
    let id = scene.over_tls();
    scene.send(id, &get_object());
    scene.socket = None;
    scene.open(tcp(2), Transport::Tcp, PEER);
    scene.say(tcp(2), Direction::Sent, &hello("sts.amazonaws.com"));
    let endpoints = scene.endpoints();
    assert_eq!(endpoints[1].reasons, ["no plaintext of it was seen"]);
    assert_eq!(endpoints[0].readable, 1);
}

#[test]
fn plaintext_belongs_to_the_hello_of_its_name_where_the_socket_is_not_known() {
    let mut scene = Scene::new();
    scene.open(tcp(1), Transport::Tcp, PEER);
    scene.say(tcp(1), Direction::Sent, &hello(S3));
    scene.open(tcp(2), Transport::Tcp, PEER);
    scene.say(tcp(2), Direction::Sent, &hello(S3));
    scene.send(tls(9), &get_object());
    scene.receive(tls(9), &answer("200 OK", ""));
    let endpoint = scene.endpoint();
    assert_eq!(endpoint.name, format!("{S3}:443"));
    assert_eq!(
        (endpoint.connections, endpoint.readable, endpoint.requests),
        (2, 1, 1)
    );
    assert_eq!(scene.calls[0].request.endpoint, endpoint.name);
}

#[test]
fn endpoints_are_named_by_name_servers_by_requests_and_by_addresses() {
    let mut scene = Scene::new();
    let resolver = tcp(1);
    scene.open(resolver, Transport::Udp, "10.0.0.2:53");
    let mut message =
        b"\x01\x02\x81\x80\0\x01\0\x01\0\0\0\0\x03db1\x08internal\0\0\x01\0\x01".to_vec();
    message.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x09");
    let payload = scene.payload(resolver, Direction::Received, Transport::Udp, &message);
    scene.conversations.payload(&payload);
    for (number, peer) in [
        (2, "192.0.2.9:5432"),
        (3, "192.0.2.10:80"),
        (4, "192.0.2.11:80"),
    ] {
        scene.open(tcp(number), Transport::Tcp, peer);
    }
    scene.send(tcp(2), "\0\0\0\x08\x04\x52\x16\x2f");
    scene.send(tcp(3), "GET / HTTP/1.1\r\nHost: Web.Internal\r\n\r\n");
    let endpoints = scene.endpoints();
    let named: Vec<_> = endpoints
        .iter()
        .map(|endpoint| {
            (
                endpoint.name.as_str(),
                endpoint.name_source,
                endpoint.decoded,
            )
        })
        .collect();
    assert_eq!(
        named,
        [
            ("10.0.0.2:53", None, 1),
            ("192.0.2.11:80", None, 1),
            ("db1.internal:5432", Some(NameSource::Dns), 0),
            ("web.internal:80", Some(NameSource::Host), 1),
        ]
    );
    assert!(endpoints.iter().all(|endpoint| endpoint.provider.is_none()));
    assert_eq!(endpoints[2].reasons, ["not HTTP"]);
    assert_eq!(scene.lines(), Vec::<String>::new());
}

#[test]
fn what_goes_through_a_proxy_is_named_by_the_tunnel() {
    let mut scene = Scene::new();
    scene.open(tcp(1), Transport::Tcp, "10.0.0.8:3128");
    scene.send(
        tcp(1),
        &format!("CONNECT {S3}:443 HTTP/1.1\r\nHost: {S3}:443\r\n\r\n"),
    );
    scene.receive(tcp(1), "HTTP/1.1 200 OK\r\n\r\n");
    scene.say(tcp(1), Direction::Sent, &hello(S3));
    scene.socket = Some(1);
    scene.send(tls(9), &get_object());
    scene.receive(tls(9), &answer("200 OK", ""));
    assert_eq!(scene.lines(), ["s3:GetObject arn:aws:s3:::b/k allowed -"]);
    let endpoint = scene.endpoint();
    assert_eq!(endpoint.name, format!("{S3}:443"));
    assert_eq!(
        (endpoint.connections, endpoint.readable, endpoint.decoded),
        (1, 1, 1)
    );

    let mut unread = Scene::new();
    unread.open(tcp(1), Transport::Tcp, "10.0.0.8:3128");
    unread.send(tcp(1), &format!("CONNECT {S3}:443 HTTP/1.1\r\n\r\n"));
    unread.receive(tcp(1), "HTTP/1.1 200 OK\r\n\r\n");
    let endpoint = unread.endpoint();
    assert_eq!((endpoint.name, endpoint.readable), (format!("{S3}:443"), 0));
    assert_eq!(endpoint.reasons, ["a tunnel through a proxy"]);
}

#[test]
fn a_connection_counts_in_each_window_that_it_is_open_in_and_a_request_in_one() {
    let mut scene = Scene::new();
    let id = scene.over_tls();
    scene.send(id, &get_object());
    scene.receive(id, &answer("200 OK", ""));
    scene.send(id, &get_object());
    let first = scene.endpoint();
    assert_eq!((first.connections, first.requests), (1, 1));
    scene.generation = 1;
    let idle = scene.endpoint();
    assert_eq!(
        (idle.connections, idle.requests, idle.seen_boottime_ns),
        (1, 0, None)
    );
    scene.generation = 0;
    scene.receive(id, &answer("200 OK", ""));
    scene.close(id, 0);
    scene.close(tcp(1), 0);
    let last = scene.endpoint();
    assert_eq!((last.connections, last.readable, last.requests), (1, 1, 1));
    assert_eq!(scene.calls[1].generation, 0);
    scene.generation = 1;
    assert_eq!(scene.endpoints(), []);
}

#[test]
fn what_begins_in_the_next_window_is_not_in_the_one_that_ends() {
    let mut scene = Scene::new();
    scene.generation = 1;
    scene.open(tcp(1), Transport::Tcp, PEER);
    let (endpoints, _) = scene.conversations.end_window(0);
    assert_eq!(endpoints, []);
    assert_eq!(scene.endpoints().len(), 1);
}

#[test]
fn bytes_that_went_another_way_make_a_connection_unreadable() {
    let mut scene = Scene::new();
    scene.open(tcp(1), Transport::Tcp, PEER);
    scene.close(tcp(1), 5_000);
    let endpoint = scene.endpoint();
    assert_eq!((endpoint.connections, endpoint.readable), (1, 0));
    assert_eq!(
        endpoint.reasons,
        ["bytes went by calls that are not watched"]
    );
}

#[test]
fn bytes_that_are_missing_at_the_end_are_missed() {
    let mut scene = Scene::new();
    scene.open(tcp(1), Transport::Tcp, PEER);
    scene.send(tcp(1), &signed("GET", S3, "/k", "s3", "\r\n"));
    scene.receive(tcp(1), &answer("200 OK", ""));
    *scene.offsets.entry((tcp(1), Direction::Sent)).or_default() += 90;
    scene.close(tcp(1), 0);
    scene.open(tcp(2), Transport::Tcp, PEER);
    scene.offsets.insert((tcp(2), Direction::Sent), 90);
    scene.close(tcp(2), 0);
    let endpoints = scene.endpoints();
    assert_eq!(scene.calls.len(), 1);
    for endpoint in endpoints {
        assert_eq!((endpoint.readable, endpoint.decoded), (1, 0));
        assert_eq!(endpoint.reasons, ["bytes were lost"]);
    }
}

#[test]
fn clients_of_a_server_and_sockets_that_say_nothing_are_told_apart() {
    let mut scene = Scene::new();
    scene.receive(tls(1), "GET / HTTP/1.1\r\nHost: me\r\n\r\n");
    scene.send(tls(1), &answer("200 OK", ""));
    scene.open(tcp(2), Transport::Udp, "192.0.2.1:443");
    scene.close(tcp(2), 0);
    scene.open(tcp(3), Transport::Tcp, "192.0.2.2:80");
    let endpoint = scene.endpoint();
    assert_eq!(endpoint.name, "192.0.2.2:80");
    assert_eq!((endpoint.connections, endpoint.decoded), (1, 1));
}

#[test]
fn connections_past_the_bound_are_counted() {
    let mut conversations = Conversations::new();
    for number in 0..MOST_CONNECTIONS as u64 + 3 {
        conversations.opened(&Opened {
            connection: tcp(number),
            subject: 3,
            generation: 0,
            boottime_ns: 1,
            peer: None,
            transport: Transport::Tcp,
        });
    }
    assert_eq!(conversations.end_window(0).1, 3);
}
