//! Pieces of a request: headers, query, path segments. Values are handed out as they were sent; who needs them decoded
//! says so.

use std::borrow::Cow;

use memchr::memchr;
use percent_encoding::percent_decode_str;
use smallvec::SmallVec;

use super::Request;

/// Longer paths are S3 keys, whose rest is taken as a whole.
const MAX_SEGMENTS: usize = 32;

/// Before and after the first `byte`, which is an ASCII letter; faster than what strings have for it.
pub(super) fn cut(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = memchr(byte, text.as_bytes())?;
    Some((&text[..at], &text[at + 1..]))
}

/// The first value of a header, whatever the case of its name.
pub(super) fn header<'a>(request: &Request<'a>, name: &str) -> Option<&'a [u8]> {
    request
        .headers
        .iter()
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| *value)
}

/// A header, or the query key that stands for it in a presigned request.
pub(super) fn header_or_key<'a>(request: &Request<'a>, name: &str) -> Option<Cow<'a, str>> {
    if let Some(value) = header(request, name) {
        return std::str::from_utf8(value).ok().map(Cow::Borrowed);
    }
    let query = Query::of(request.path);
    let mut pairs = query.pairs();
    let found = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| decoded_form(value))
}

/// Percent-decoded; bytes that are no UTF-8 are replaced.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// The part of a request target after the question mark.
#[derive(Clone, Copy)]
pub(super) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(super) fn of(target: &'a str) -> Self {
        Self(cut(target, b'?').map_or("", |(_, query)| query))
    }

    pub(super) fn pairs(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.0;
        let parts = std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (part, after) = cut(rest, b'&').unwrap_or((rest, ""));
            rest = after;
            Some(part)
        });
        let parts = parts.filter(|part| !part.is_empty());
        parts.map(|part| cut(part, b'=').unwrap_or((part, "")))
    }

    /// The first value of a key, as sent.
    pub(super) fn raw(self, key: &str) -> Option<&'a str> {
        self.pairs()
            .find(|(found, _)| same_key(found, key))
            .map(|(_, value)| value)
    }

    /// The first value of a key, decoded.
    pub(super) fn value(self, key: &str) -> Option<Cow<'a, str>> {
        self.raw(key).map(decoded_form)
    }
}

/// A plus is a space in a query.
pub(super) fn decoded_form(text: &str) -> Cow<'_, str> {
    if memchr(b'+', text.as_bytes()).is_some() {
        Cow::Owned(decoded(&text.replace('+', " ")).into_owned())
    } else {
        decoded(text)
    }
}

/// Keys are seldom encoded, but some clients do it.
pub(super) fn same_key(found: &str, key: &str) -> bool {
    found == key || memchr(b'%', found.as_bytes()).is_some() && decoded(found) == key
}

/// One segment of a path, and the path from there on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) text: &'a str,
    pub(super) rest: &'a str,
}

pub(super) type Segments<'a> = SmallVec<[Segment<'a>; 12]>;

/// The path of a request target, without its query.
pub(super) fn path(target: &str) -> &str {
    let path = cut(target, b'?').map_or(target, |(path, _)| path);
    if path.starts_with('/') {
        return path;
    }
    // The absolute form, as proxies are sent it.
    match path.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => {
            rest.find('/').map_or("/", |at| &rest[at..])
        }
        _ => path,
    }
}

/// The segments of a path, after those of `first`; an empty last one is left out.
pub(super) fn segments<'a>(first: Option<&'a str>, path: &'a str) -> Segments<'a> {
    let mut segments = Segments::new();
    segments.extend(first.map(|text| Segment { text, rest: text }));
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    while !rest.is_empty() && segments.len() < MAX_SEGMENTS {
        let (text, after) = cut(rest, b'/').unwrap_or((rest, ""));
        segments.push(Segment { text, rest });
        rest = after;
    }
    segments
}
