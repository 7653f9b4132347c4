//! Answers of name servers: which addresses a name had, over UDP and TCP. Questions alone say nothing and are passed over.

use std::{collections::HashMap, net::IpAddr};

use hickory_proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{Name, RData},
};

/// Most addresses that are kept of one answer.
const MOST_ADDRESSES: usize = 64;
/// Longest chain of aliases that is followed.
const MOST_ALIASES: usize = 16;
/// Longest name.
const MOST_NAME: usize = 253;

/// The addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The name that was asked for, in lower case and without the last dot.
    pub name: String,
    /// Its addresses, also through aliases.
    pub addresses: Vec<IpAddr>,
    /// For how long they hold, in seconds: the shortest time on the way.
    pub ttl_s: u32,
}

/// Reads one message, as UDP carries it. None: it is no answer with addresses.
#[must_use]
pub fn read(message: &[u8]) -> Option<Answer> {
    let message = Message::from_vec(message).ok()?;
    if message.metadata.message_type != MessageType::Response
        || message.metadata.response_code != ResponseCode::NoError
    {
        return None;
    }
    let asked = message.queries.first()?.name().to_lowercase();
    let mut aliases: HashMap<Name, (Name, u32)> = HashMap::new();
    let mut addresses: HashMap<Name, Vec<(IpAddr, u32)>> = HashMap::new();
    for record in &message.answers {
        let name = record.name.to_lowercase();
        let address = match &record.data {
            RData::A(address) => IpAddr::V4(address.0),
            RData::AAAA(address) => IpAddr::V6(address.0),
            RData::CNAME(alias) => {
                aliases.insert(name, (alias.0.to_lowercase(), record.ttl));
                continue;
            }
            _ => continue,
        };
        addresses
            .entry(name)
            .or_default()
            .push((address, record.ttl));
    }
    let mut name = asked.clone();
    let mut ttl_s = u32::MAX;
    for _ in 0..MOST_ALIASES {
        if let Some(found) = addresses.get(&name) {
            let shortest = found.iter().map(|(_, ttl)| *ttl).min().unwrap_or(0);
            let found = found.iter().take(MOST_ADDRESSES);
            return Some(Answer {
                name: text(&asked)?,
                addresses: found.map(|(address, _)| *address).collect(),
                ttl_s: ttl_s.min(shortest),
            });
        }
        let (alias, ttl) = aliases.get(&name)?;
        ttl_s = ttl_s.min(*ttl);
        name = alias.clone();
    }
    None
}

/// Reads the messages at the front of what a TCP connection received, each behind its length, and takes them off.
pub fn read_stream(bytes: &mut &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>()
        && let Some((message, rest)) =
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
    {
        answers.extend(read(message));
        *bytes = rest;
    }
    answers
}

fn text(name: &Name) -> Option<String> {
    let text = name.to_ascii();
    let text = text.trim_end_matches('.');
    let is_name = !text.is_empty()
        && text.len() <= MOST_NAME
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    is_name.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An answer as a name server writes it, by RFC 1035, with pointers into the question.
    fn message(flags: u16, records: &[(&[u8], u16, u32, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0xab, 0xcd];
        bytes.extend(flags.to_be_bytes());
        bytes.extend([
            0,
            1,
            0,
            u8::try_from(records.len()).expect("a few"),
            0,
            0,
            0,
            0,
        ]);
        bytes.extend(b"\x02S3\x07example\0\0\x01\0\x01");
        for (name, kind, ttl, data) in records {
            bytes.extend(*name);
            bytes.extend(kind.to_be_bytes());
            bytes.extend([0, 1]);
            bytes.extend(ttl.to_be_bytes());
            bytes.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
            bytes.extend(*data);
        }
        bytes
    }

    const ASKED: &[u8] = &[0xc0, 12];
    const ALIAS: &[u8] = b"\x04edge\xc0\x0f";
    const OK: u16 = 0x8180;

    #[test]
    fn addresses_are_found_through_aliases_with_the_shortest_time() {
        let bytes = message(
            OK,
            &[
                (ASKED, 5, 60, ALIAS),
                (ALIAS, 1, 300, &[192, 0, 2, 7]),
                (ALIAS, 1, 300, &[192, 0, 2, 8]),
                (b"\x05other\0", 1, 1, &[192, 0, 2, 9]),
            ],
        );
        let expected = Answer {
            name: "s3.example".to_owned(),
            addresses: vec![[192, 0, 2, 7].into(), [192, 0, 2, 8].into()],
            ttl_s: 60,
        };
        assert_eq!(read(&bytes), Some(expected.clone()));

        let mut stream = u16::try_from(bytes.len())
            .expect("short")
            .to_be_bytes()
            .to_vec();
        stream.extend(&bytes);
        let twice = stream.repeat(2);
        let mut rest = &twice[..twice.len() - 1];
        assert_eq!(read_stream(&mut rest), [expected]);
        assert_eq!(rest.len(), stream.len() - 1);
    }

    #[test]
    fn questions_refusals_and_circles_name_nothing() {
        let address: (&[u8], u16, u32, &[u8]) = (ASKED, 1, 9, &[192, 0, 2, 7]);
        assert!(read(&message(OK, &[address])).is_some());
        assert_eq!(read(&message(0x0100, &[address])), None);
        assert_eq!(read(&message(0x8183, &[address])), None);
        assert_eq!(read(&message(OK, &[])), None);
        assert_eq!(read(&message(OK, &[(ASKED, 5, 1, ASKED)])), None);
        assert_eq!(read(b""), None);
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..100, to in any::<u8>()
        ) {
            let _ = read(&bytes);
            read_stream(&mut &bytes[..]);
            let mut near = message(OK, &[(ASKED, 5, 60, ALIAS), (ALIAS, 28, 1, &[1; 16])]);
            let at = at % near.len();
            near[at] = to;
            let _ = read(&near);
        }
    }
}
