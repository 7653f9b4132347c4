//! The name in a TLS hello: server name (SNI) and protocols (ALPN) of a `ClientHello` at the start of a connection,
//! however it is cut into records. Nothing else of TLS is read.

use tls_parser::{
    TlsExtension, TlsMessage, TlsMessageHandshake, parse_tls_client_hello_extensions,
    parse_tls_message_handshake,
};

/// Longest hello that is read. Those of today are of 300 to 2,000 bytes.
pub const MOST_HELLO: usize = 16 * 1024;
/// Longest name: RFC 1035, section 2.3.4.
const MOST_NAME: usize = 253;
/// Most protocols that are kept.
const MOST_PROTOCOLS: usize = 16;

/// Header of a record: type, version, length.
const RECORD_HEADER: usize = 5;
/// Header of a handshake message: type, length.
const MESSAGE_HEADER: usize = 4;
/// Record type `handshake`.
const HANDSHAKE: u8 = 22;
/// Handshake message `client_hello`.
const CLIENT_HELLO: u8 = 1;
/// Longest record: RFC 8446, section 5.1.
const MOST_RECORD: usize = 1 << 14;
/// Extension `encrypted_client_hello` (RFC 9849).
const ENCRYPTED_HELLO: u16 = 0xfe0d;

/// What a client says first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The server that it wants, in lower case.
    pub server_name: Option<String>,
    /// Protocols that it offers, such as `h2` and `http/1.1`.
    pub protocols: Vec<String>,
    /// There is an encrypted hello inside, so that `server_name` may be that of a front.
    pub has_encrypted_hello: bool,
}

/// What the bytes at the start of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A hello.
    Hello(Hello),
    /// Perhaps one, of which more has to come.
    Incomplete,
    /// No TLS.
    NotTls,
}

/// Reads the bytes that a client sent first.
#[must_use]
pub fn read(bytes: &[u8]) -> Start {
    let mut message = Vec::new();
    let mut rest = bytes;
    while message.len() < MOST_HELLO {
        if !is_record_start(rest) {
            return Start::NotTls;
        }
        let Some((header, after)) = rest.split_at_checked(RECORD_HEADER) else {
            return Start::Incomplete;
        };
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if length == 0 || length > MOST_RECORD {
            return Start::NotTls;
        }
        let (fragment, after) = after.split_at(length.min(after.len()));
        message.extend_from_slice(fragment);
        if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
            return Start::NotTls;
        }
        if let Some(whole) = whole(&message) {
            return hello(whole).map_or(Start::NotTls, Start::Hello);
        }
        if fragment.len() < length {
            return Start::Incomplete;
        }
        rest = after;
    }
    Start::NotTls
}

/// The message, once all of it is there.
fn whole(message: &[u8]) -> Option<&[u8]> {
    let header = message.get(..MESSAGE_HEADER)?;
    let length = u32::from_be_bytes([0, header[1], header[2], header[3]]);
    message.get(..MESSAGE_HEADER + usize::try_from(length).ok()?)
}

fn is_record_start(bytes: &[u8]) -> bool {
    let [kind, major] = [0, 1].map(|index| bytes.get(index).copied());
    kind.is_none_or(|kind| kind == HANDSHAKE) && major.is_none_or(|major| major == 3)
}

fn hello(message: &[u8]) -> Option<Hello> {
    let (_, message) = parse_tls_message_handshake(message).ok()?;
    let TlsMessage::Handshake(TlsMessageHandshake::ClientHello(contents)) = message else {
        return None;
    };
    let mut hello = Hello::default();
    let Some(extensions) = contents.ext else {
        return Some(hello);
    };
    let (_, extensions) = parse_tls_client_hello_extensions(extensions).ok()?;
    for extension in extensions {
        match extension {
            TlsExtension::SNI(names) => {
                let name = names.iter().find(|(kind, _)| kind.0 == 0);
                hello.server_name = name.and_then(|(_, name)| host_name(name));
            }
            TlsExtension::ALPN(protocols) => {
                let protocols = protocols.iter().take(MOST_PROTOCOLS);
                hello.protocols = protocols
                    .map(|protocol| protocol.escape_ascii().to_string())
                    .collect();
            }
            TlsExtension::Unknown(kind, _) if kind.0 == ENCRYPTED_HELLO => {
                hello.has_encrypted_hello = true;
            }
            _ => {}
        }
    }
    Some(hello)
}

/// A name as the network has it: letters, digits, `-`, `_` and dots.
fn host_name(bytes: &[u8]) -> Option<String> {
    let is_name = !bytes.is_empty()
        && bytes.len() <= MOST_NAME
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(byte));
    let name = std::str::from_utf8(bytes).ok().filter(|_| is_name)?;
    Some(name.trim_end_matches('.').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A hello with these extensions, cut into records of at most `most` bytes.
    fn records(extensions: &[u8], most: usize) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
        body.extend(be16(extensions.len()));
        body.extend(extensions);
        let mut message = vec![CLIENT_HELLO, 0];
        message.extend(be16(body.len()));
        message.extend(body);
        let mut records = Vec::new();
        for fragment in message.chunks(most) {
            records.extend([HANDSHAKE, 3, 1]);
            records.extend(be16(fragment.len()));
            records.extend(fragment);
        }
        records
    }

    fn be16(length: usize) -> [u8; 2] {
        u16::try_from(length)
            .expect("tests are short")
            .to_be_bytes()
    }

    fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes(), &be16(body.len())[..], body].concat()
    }

    fn server_name(name: &[u8]) -> Vec<u8> {
        let entry = [&[0][..], &be16(name.len()), name].concat();
        extension(0, &[&be16(entry.len())[..], &entry].concat())
    }

    fn alpn() -> Vec<u8> {
        extension(16, b"\0\x0c\x02h2\x08http/1.1")
    }

    #[test]
    fn the_name_is_found_however_the_hello_is_cut() {
        let extensions = [
            server_name(b"S3.eu-west-1.amazonaws.com"),
            alpn(),
            extension(0xfe0d, b"\0"),
            extension(0x0a0a, b""),
        ];
        let expected = Hello {
            server_name: Some("s3.eu-west-1.amazonaws.com".to_owned()),
            protocols: vec!["h2".to_owned(), "http/1.1".to_owned()],
            has_encrypted_hello: true,
        };
        for most in [1, 2, 3, 40, 1_000] {
            let records = records(&extensions.concat(), most);
            assert_eq!(read(&records), Start::Hello(expected.clone()), "{most}");
            for end in 0..records.len() {
                assert_eq!(read(&records[..end]), Start::Incomplete, "{most} {end}");
            }
        }
    }

    #[test]
    fn a_hello_without_a_name_is_a_hello() {
        let Start::Hello(hello) = read(&records(&alpn(), 500)) else {
            panic!("it is a hello");
        };
        assert_eq!(hello.server_name, None);
        let Start::Hello(hello) = read(&records(&server_name(b"bad name\n"), 500)) else {
            panic!("it is a hello");
        };
        assert_eq!(hello.server_name, None);
    }

    #[test]
    fn what_is_no_hello_is_told_at_once() {
        for bytes in [
            &b"GET / HTTP/1.1"[..],
            b"\x17\x03\x03\0\x10",
            b"\x16\x02",
            b"\x16\x03\x01\0\0",
            b"\x16\x03\x01\0\x04\x02\0\0\0",
            b"\x16\x03\x01\xff\xff\x01",
        ] {
            assert_eq!(read(bytes), Start::NotTls, "{bytes:?}");
        }
        assert_eq!(read(b""), Start::Incomplete);
        assert_eq!(read(b"\x16"), Start::Incomplete);
    }

    #[test]
    fn an_endless_hello_is_bounded() {
        let mut endless = vec![HANDSHAKE, 3, 1, 0x40, 0];
        endless.extend([CLIENT_HELLO, 0xff, 0xff, 0xff]);
        endless.resize(RECORD_HEADER + MOST_RECORD, 0);
        assert_eq!(read(&endless), Start::NotTls);
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0_usize..200, to in any::<u8>()
        ) {
            let _ = read(&bytes);
            let mut near = records(&[server_name(b"a.example"), alpn()].concat(), 60);
            let at = at % near.len();
            near[at] = to;
            let _ = read(&near);
        }
    }
}
