//! Operations that a request says by name: in the path of rpc-v2-cbor, in `X-Amz-Target`, or as `Action` of a form.

use std::borrow::Cow;

use super::Request;
use super::uri::{self, Query};

/// Service and operation of `POST /service/X/operation/Y`.
pub(super) fn cbor<'a>(request: &Request<'a>) -> Option<(&'a str, &'a str)> {
    let rest = uri::path(request.path).strip_prefix("/service/")?;
    let protocol = uri::header(request, "smithy-protocol")?;
    if protocol != b"rpc-v2-cbor" {
        return None;
    }
    rest.split_once("/operation/")
}

/// Prefix and operation of `X-Amz-Target: X.Y`.
pub(super) fn target<'a>(request: &Request<'a>) -> Option<(&'a str, &'a str)> {
    let target = std::str::from_utf8(uri::header(request, "x-amz-target")?).ok()?;
    target.trim().rsplit_once('.')
}

/// `Action` and `Version`, in the query or in the body.
pub(super) struct Form<'a> {
    pub(super) action: Option<Cow<'a, str>>,
    pub(super) version: Option<Cow<'a, str>>,
    pub(super) in_body: bool,
}

impl<'a> Form<'a> {
    /// None where the request is of no form.
    pub(super) fn of(request: &Request<'a>) -> Option<Self> {
        let query = Query::of(request.path);
        if let Some(action) = query.value("Action") {
            return Some(Self {
                action: Some(action),
                version: query.value("Version"),
                in_body: false,
            });
        }
        if request.method != "POST" {
            return None;
        }
        let mut form = Self {
            action: None,
            version: None,
            in_body: true,
        };
        let mut rest = request.body;
        while !rest.is_empty() && (form.action.is_none() || form.version.is_none()) {
            let end = memchr::memchr(b'&', rest);
            // What the cut may have shortened does not count.
            if end.is_none() && !request.body_complete {
                break;
            }
            let (pair, after) =
                end.map_or((rest, &rest[..0]), |end| (&rest[..end], &rest[end + 1..]));
            rest = after;
            let value_of = |key: &[u8]| {
                let value = pair.strip_prefix(key)?;
                std::str::from_utf8(value)
                    .ok()
                    .map(|value| uri::decoded_form(value.trim_end()))
            };
            form.action = form.action.or_else(|| value_of(b"Action="));
            form.version = form.version.or_else(|| value_of(b"Version="));
        }
        Some(form)
    }
}
