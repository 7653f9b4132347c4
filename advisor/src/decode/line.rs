//! One line of `whittle decode`: a request as JSON in, its name or why it has none out.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use whittle_protocol::aws::{self, Call};

use crate::lines::LineError;

/// A request may have this many headers; servers take fewer.
const MAX_HEADERS: usize = 10_000;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    host: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow, default)]
    headers: Headers<'a>,
    #[serde(borrow, default)]
    body_base64: Option<Cow<'a, str>>,
    #[serde(default = "yes")]
    body_complete: bool,
}

fn yes() -> bool {
    true
}

/// What is said of a request.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Answer<'a> {
    Named(Named<'a>),
    Unmapped { id: &'a RawValue, unmapped: String },
}

#[derive(Serialize)]
pub(super) struct Named<'a> {
    id: &'a RawValue,
    service: &'static str,
    operation: &'static str,
    actions: Vec<String>,
    resources: Vec<String>,
    region: Option<String>,
    access_key_id: Option<String>,
    key_kind: &'static str,
    account: Option<String>,
    uses: Vec<Use>,
    #[serde(skip_serializing_if = "is_true")]
    complete: bool,
}

#[derive(Serialize)]
struct Use {
    action: String,
    resources: Vec<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_true(value: &bool) -> bool {
    *value
}

/// Why a line is no request. None of these repeats what is in it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0}: write one JSON object with id, method, host, path, headers and body_base64")]
    NotARequest(String),
    #[error("body_base64 is not base64: encode the body's bytes with the standard alphabet")]
    NotBase64,
    #[error(transparent)]
    Line(#[from] LineError),
}

pub(super) fn answer(text: &str) -> Result<Answer<'_>, Error> {
    let line: Line<'_> =
        serde_json::from_str(text).map_err(|error| Error::NotARequest(sentence(&error)))?;
    let body = match &line.body_base64 {
        Some(text) => STANDARD
            .decode(text.as_bytes())
            .map_err(|_| Error::NotBase64)?,
        None => Vec::new(),
    };
    let headers: Vec<(&str, &[u8])> = line
        .headers
        .0
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_bytes()))
        .collect();
    let request = aws::Request {
        method: &line.method,
        host: &line.host,
        path: &line.path,
        headers: &headers,
        body: &body,
        body_complete: line.body_complete,
    };
    Ok(match aws::decode(&request) {
        Ok(call) => Answer::Named(named(line.id, call)),
        Err(unmapped) => Answer::Unmapped {
            id: line.id,
            unmapped: unmapped.reason.to_string(),
        },
    })
}

/// What serde says without the values that it repeats, which may be secrets.
fn sentence(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let column = error.column();
    match error.classify() {
        Category::Syntax => format!("not JSON at column {column}"),
        Category::Eof => format!("ends within a JSON value at column {column}"),
        Category::Io | Category::Data => {
            let text = error.to_string();
            let missing = text
                .strip_prefix("missing field `")
                .and_then(|rest| rest.split_once('`'));
            match missing {
                Some((field, _)) => format!("has no `{field}`"),
                None => format!("has a value of the wrong type at column {column}"),
            }
        }
    }
}

fn named<'a>(id: &'a RawValue, call: Call<'_>) -> Named<'a> {
    let mut resources: Vec<String> = Vec::new();
    for resource in call.actions.iter().flat_map(|used| &used.resources) {
        if !resources.contains(resource) {
            resources.push(resource.clone());
        }
    }
    Named {
        id,
        service: call.service,
        operation: call.operation,
        actions: call
            .actions
            .iter()
            .map(|used| used.action.clone())
            .collect(),
        resources,
        region: call.region.map(str::to_owned),
        access_key_id: call.access_key_id.map(str::to_owned),
        key_kind: call.key_kind.name(),
        account: call.account.map(|account| account.to_string()),
        uses: call
            .actions
            .into_iter()
            .map(|used| Use {
                action: used.action,
                resources: used.resources,
            })
            .collect(),
        complete: call.complete,
    }
}

/// Names and values, in the order of the line.
#[derive(Default)]
struct Headers<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Headers<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Vec<(Cow<'de, str>, Cow<'de, str>)>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object of headers")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::new();
                while let Some((Text(name), Text(value))) = map.next_entry()? {
                    if pairs.len() < MAX_HEADERS {
                        pairs.push((name, value));
                    }
                }
                Ok(pairs)
            }
        }
        reader.deserialize_map(Pairs).map(Headers)
    }
}

/// A string that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let told = match answer(line) {
            Ok(answer) => serde_json::to_string(&answer).expect("plain values are JSON"),
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected, "{line}");
    }

    #[test]
    fn a_request_is_named_as_the_issue_writes_it() {
        check(
            r#"{"id":"7","method":"GET","host":"b.s3.eu-west-1.amazonaws.com","path":"/k","headers":{"Authorization":"AWS4-HMAC-SHA256 Credential=ASIAQNZGKIQY56JQ7WML/20261122/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=5ec2e7"},"body_base64":""}"#,
            r#"{"id":"7","service":"s3","operation":"GetObject","actions":["s3:GetObject"],"resources":["arn:aws:s3:::b/k"],"region":"eu-west-1","access_key_id":"ASIAQNZGKIQY56JQ7WML","key_kind":"temporary","account":"029608264753","uses":[{"action":"s3:GetObject","resources":["arn:aws:s3:::b/k"]}]}"#,
        );
    }

    #[test]
    fn an_id_of_any_kind_comes_back_as_it_was() {
        check(
            r#"{"id":{"n":1.50},"method":"GET","host":"example.com","path":"/"}"#,
            r#"{"id":{"n":1.50},"unmapped":"not a request to AWS: neither a signature nor a host of it"}"#,
        );
    }

    #[test]
    fn a_line_that_is_no_request_is_one_sentence_without_its_content() {
        let rest = "write one JSON object with id, method, host, path, headers and body_base64";
        check("hunter2", &format!("not JSON at column 1: {rest}"));
        check(
            r#"{"id":1"#,
            &format!("ends within a JSON value at column 7: {rest}"),
        );
        check(
            r#"{"id":1,"method":"GET"}"#,
            &format!("has no `host`: {rest}"),
        );
        check(
            r#"{"id":1,"method":5}"#,
            &format!("has a value of the wrong type at column 18: {rest}"),
        );
        check(
            r#"{"id":1,"method":"GET","host":"h","path":"/","body_base64":"!"}"#,
            "body_base64 is not base64: encode the body's bytes with the standard alphabet",
        );
    }
}
