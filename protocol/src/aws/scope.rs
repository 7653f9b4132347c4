//! The scope of a signature: who signed, for which region and which service. Reads `Authorization` and the query of a
//! presigned request; the signature itself is never looked at.

use std::fmt;

use super::uri;
use super::{Request, uri::Query};

const CREDENTIAL: &str = "Credential=";

/// The longest key id that is taken for one; AWS states 128.
const MAX_KEY_ID: usize = 128;

/// Who signed, and for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub(super) access_key_id: &'a str,
    /// None with `SigV4a`, whose scope has none, unless it names one region.
    pub(super) region: Option<&'a str>,
    /// The signing name.
    pub(super) service: &'a str,
}

/// What kind of access key a request is signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// `AKIA…`: a user's, valid until it is deleted.
    Static,
    /// `ASIA…`: of a session, valid for hours.
    Temporary,
    /// Neither, or no key at all.
    Unknown,
}

/// The number of an AWS account: twelve digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account([u8; 12]);

impl<'a> Scope<'a> {
    /// None where the request is not signed with AWS's signatures.
    pub(super) fn of(request: &Request<'a>) -> Option<Self> {
        let authorization =
            uri::header(request, "authorization").and_then(|value| std::str::from_utf8(value).ok());
        match authorization {
            Some(value) => Self::of_header(request, value),
            None => Self::of_query(request),
        }
    }

    fn of_header(request: &Request<'a>, value: &'a str) -> Option<Self> {
        let (algorithm, rest) = uri::cut(value.trim(), b' ')?;
        if algorithm == "AWS" {
            // Signature version 2, which only S3 still takes in a header.
            let (access_key_id, _) = rest.trim().split_once(':')?;
            return Self::new(access_key_id, None, "s3");
        }
        if !algorithm.starts_with("AWS4-") {
            return None;
        }
        // It comes first as everybody writes it, and may come later.
        let credential = match rest.trim_start().strip_prefix(CREDENTIAL) {
            Some(credential) => credential,
            None => rest
                .split(',')
                .find_map(|part| part.trim().strip_prefix(CREDENTIAL))?,
        };
        let credential = uri::cut(credential, b',').map_or(credential, |(first, _)| first);
        let set = || {
            let set = uri::header(request, "x-amz-region-set")?;
            std::str::from_utf8(set).ok()
        };
        Self::of_credential(credential, set)
    }

    fn of_query(request: &Request<'a>) -> Option<Self> {
        let query = Query::of(request.path);
        if let Some(credential) = query.raw("X-Amz-Credential") {
            return Self::of_credential(credential, || query.raw("X-Amz-Region-Set"));
        }
        let access_key_id = query.raw("AWSAccessKeyId")?;
        query.raw("Signature")?;
        Self::new(access_key_id, None, "s3")
    }

    /// `KEY/DATE/REGION/SERVICE/aws4_request`, without the region in `SigV4a`; percent-encoded or not.
    fn of_credential(value: &'a str, set: impl Fn() -> Option<&'a str>) -> Option<Self> {
        let mut parts = [""; 5];
        let mut count = 0;
        let mut rest = value.trim();
        while count < parts.len() {
            let (part, after) = split_slash(rest);
            parts[count] = part;
            count += 1;
            match after {
                Some(after) => rest = after,
                None => break,
            }
        }
        if parts[count - 1] != "aws4_request" {
            return None;
        }
        match count {
            5 => Self::new(parts[0], Some(parts[2]), parts[3]),
            4 => {
                let one = set().filter(|set| is_region(set));
                Self::new(parts[0], one, parts[2])
            }
            _ => None,
        }
    }

    fn new(access_key_id: &'a str, region: Option<&'a str>, service: &'a str) -> Option<Self> {
        let is_id = !access_key_id.is_empty()
            && access_key_id.len() <= MAX_KEY_ID
            && access_key_id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_id.then_some(Self {
            access_key_id,
            region: region.filter(|region| is_region(region)),
            service,
        })
    }
}

/// Whether it can be a region's name, and stand in an ARN.
fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 32
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Up to the first slash, which a query has encoded, and after it.
fn split_slash(text: &str) -> (&str, Option<&str>) {
    if let Some((part, after)) = uri::cut(text, b'/') {
        return (part, Some(after));
    }
    let mut encoded = memchr::memchr_iter(b'%', text.as_bytes());
    let at = encoded.find(|at| {
        let digits = text.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.eq_ignore_ascii_case("2F"))
    });
    match at {
        Some(at) => (&text[..at], Some(&text[at + 3..])),
        None => (text, None),
    }
}

impl KeyKind {
    pub(super) fn of(access_key_id: Option<&str>) -> Self {
        match access_key_id.and_then(|id| id.get(..4)) {
            Some("AKIA") => Self::Static,
            Some("ASIA") => Self::Temporary,
            _ => Self::Unknown,
        }
    }

    /// `static`, `temporary` or `unknown`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Temporary => "temporary",
            Self::Unknown => "unknown",
        }
    }
}

impl Account {
    /// The account that AWS writes into the ids of access keys: 40 bits of the base32 digits after the first four letters.
    /// Ids that were given out before 2019 hold none, and nothing in them says so.
    #[must_use]
    pub fn of_key(access_key_id: &str) -> Option<Self> {
        let bytes = access_key_id.as_bytes();
        let kind = bytes.get(..4)?;
        if bytes.len() != 20 || !kind.iter().all(u8::is_ascii_uppercase) {
            return None;
        }
        // Ten digits are 50 bits, of which the first 48 are looked at.
        let mut bits: u64 = 0;
        for byte in &bytes[4..14] {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'2'..=b'7' => byte - b'2' + 26,
                _ => return None,
            };
            bits = bits << 5 | u64::from(digit);
        }
        Self::of_number((bits >> 2 & 0x7fff_ffff_ff80) >> 7)
    }

    /// None where it has more than twelve digits.
    #[must_use]
    pub fn of_number(mut number: u64) -> Option<Self> {
        let mut digits = [b'0'; 12];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
        (number == 0).then_some(Self(digits))
    }

    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Account {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "Account({self})")
    }
}
