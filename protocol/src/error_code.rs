//! The code of an error, such as `AccessDenied`: from header `x-amzn-ErrorType`, or the beginning of a body in XML,
//! JSON or CBOR. A code is a name; anything else that stands in its place is not one.

use std::borrow::Cow;

use cbor4ii::core::{
    dec::{Decode, IgnoredAny},
    types::Map,
    utils::SliceReader,
};
use quick_xml::{Reader, events::Event};
use serde::Deserialize;

use crate::http1::Response;

/// Longest code.
const MOST_CODE: usize = 96;
/// Most members of a body in CBOR.
const MOST_MEMBERS: usize = 32;

/// The code of an error; None where the response has none that can be read.
#[must_use]
pub fn read(response: &Response) -> Option<String> {
    let of_header = response
        .error_type
        .as_ref()
        .and_then(|value| code(std::str::from_utf8(value.expose()).ok()?));
    if of_header.is_some() || response.is_encoded {
        return of_header;
    }
    let body = response.body.expose();
    match std::str::from_utf8(body).map(str::trim_start) {
        Ok(text) if text.starts_with('<') => of_xml(text),
        Ok(text) if text.starts_with('{') => of_json(text),
        _ => of_cbor(body),
    }
}

/// Whether the code says that permission was refused. Some services do so with status 400.
#[must_use]
pub fn is_denial(code: &str) -> bool {
    [
        "AccessDenied",
        "UnauthorizedOperation",
        "AuthorizationError",
        "NotAuthorized",
    ]
    .iter()
    .any(|denial| code.contains(denial))
        // Wrong passwords of a user pool's users, not permissions.
        && code != "NotAuthorizedException"
}

/// `com.amazonaws.s3#AccessDenied:http://…` is `AccessDenied`.
fn code(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.split_once('#').map_or(text, |(_, code)| code);
    let text = text.split_once(':').map_or(text, |(code, _)| code);
    let is_name = !text.is_empty()
        && text.len() <= MOST_CODE
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    is_name.then(|| text.to_owned())
}

#[derive(Deserialize)]
struct Json<'a> {
    #[serde(borrow, rename = "__type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "Code")]
    code: Option<Cow<'a, str>>,
}

fn of_json(text: &str) -> Option<String> {
    let json: Json<'_> = serde_json::from_str(text).ok()?;
    code(&json.kind.or(json.code)?)
}

/// The first element `Code`, wherever it is: `Error`, `ErrorResponse/Error`, `Response/Errors/Error`.
fn of_xml(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    let mut is_code = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => is_code = start.local_name().as_ref() == "Code",
            Event::Text(text) if is_code => return code(&text),
            Event::End(_) => is_code = false,
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn of_cbor(body: &[u8]) -> Option<String> {
    let mut reader = SliceReader::new(body);
    let members = Map::len(&mut reader).ok()?;
    for _ in 0..members.unwrap_or(MOST_MEMBERS).min(MOST_MEMBERS) {
        let name = <&str>::decode(&mut reader).ok()?;
        if name == "__type" {
            return code(<&str>::decode(&mut reader).ok()?);
        }
        IgnoredAny::decode(&mut reader).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hidden;

    fn check(header: Option<&str>, body: &[u8], expected: Option<&str>) {
        let response = Response {
            status: 400,
            error_type: header.map(|header| Hidden::from(header.as_bytes())),
            is_encoded: false,
            body: Hidden::from(body),
        };
        assert_eq!(read(&response).as_deref(), expected);
    }

    #[test]
    fn codes_are_found_in_every_protocol() {
        check(
            Some("AccessDeniedException:http://internal.amazon.com/x"),
            b"",
            Some("AccessDeniedException"),
        );
        check(
            None,
            br#"{"__type":"com.amazonaws.dynamodb#AccessDeniedException","Message":"planted"}"#,
            Some("AccessDeniedException"),
        );
        check(
            None,
            b"<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>x</Message></Error>",
            Some("AccessDenied"),
        );
        check(
            None,
            b"<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>",
            Some("UnauthorizedOperation"),
        );
        check(
            None,
            b"\xa2\x67message\x61x\x66__type\x6fx#AccessDenied:1",
            Some("AccessDenied"),
        );
        check(
            None,
            b"\xbf\x66__type\x6cAccessDenied\xff",
            Some("AccessDenied"),
        );
    }

    #[test]
    fn what_is_no_name_is_no_code() {
        check(None, br#"{"__type":"a secret with spaces"}"#, None);
        check(None, b"<Error><Code>x y</Code>", None);
        check(None, b"<Error><Code", None);
        check(None, b"\xff\xff", None);
        check(None, b"", None);
        check(None, &[0x81; 5_000], None);
        check(
            None,
            &[&[0xa1, 0x61, b'a'][..], &[0x81; 5_000]].concat(),
            None,
        );
    }

    #[test]
    fn denials_are_told_from_other_errors() {
        for denial in [
            "AccessDenied",
            "AccessDeniedException",
            "Client.UnauthorizedOperation",
            "AuthorizationError",
        ] {
            assert!(is_denial(denial), "{denial}");
        }
        for error in ["NoSuchKey", "NotAuthorizedException", "ThrottlingException"] {
            assert!(!is_denial(error), "{error}");
        }
    }
}
