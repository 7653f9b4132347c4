//! Values out of a body: the strings at the paths that a template names, whatever the body's format, and as far as the
//! body is known. Nothing else of a body is kept.
//!
//! A path is names separated by `/`: `TableName`, `Tags/[]/Key` (of each element), `RequestItems/<key>` (the keys of a
//! map), `**/RoleArn` (at any depth).

mod active;
mod cbor;
mod form;
mod json;
mod xml;

use std::borrow::Cow;

use smallvec::SmallVec;

/// More of a body is not read; names of resources come early, and what is not found is `*`.
pub(super) const MAX_BODY: usize = 1 << 20;
/// More values are not kept. The largest batch that AWS takes is of a thousand.
const MAX_VALUES: usize = 1000;
/// More paths are not looked for; no operation has as many.
const MAX_PATHS: usize = 64;
/// Longer values are in no ARN.
const MAX_VALUE: usize = 2048;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Cbor,
    Form,
    Xml,
    /// JSON or XML, as the service has it.
    Rest,
}

/// What a body says at the paths that were asked for.
#[derive(Default)]
pub(super) struct Values<'a> {
    paths: &'static [&'static str],
    found: SmallVec<[(u8, Cow<'a, str>); 4]>,
    /// Whether the body was read to its end, or as far as was needed.
    pub(super) whole: bool,
}

impl<'a> Values<'a> {
    /// Reads `body`; `query` is that of the request, where forms may be as well.
    pub(super) fn read(
        paths: &'static [&'static str],
        format: Format,
        query: &'a str,
        body: &'a [u8],
        complete: bool,
    ) -> Self {
        let mut values = Self {
            paths: paths.get(..MAX_PATHS).unwrap_or(paths),
            found: SmallVec::new(),
            whole: true,
        };
        if values.paths.is_empty() {
            return values;
        }
        let (body, complete) = match body.get(..MAX_BODY) {
            Some(beginning) => (beginning, false),
            None => (body, complete),
        };
        let read_to_end = match format {
            Format::Form => {
                form::read(query.as_bytes(), true, &mut values);
                form::read(body, complete, &mut values)
            }
            // No body says nothing, and says it whole.
            _ if body.is_empty() => true,
            Format::Json => json::read(body, &mut values),
            Format::Cbor => cbor::read(body, &mut values),
            Format::Xml | Format::Rest => xml::read(body, &mut values),
        };
        values.whole = read_to_end && complete || values.all_found();
        values
    }

    /// The values at a path, by its number among those that were asked for, in the order of the body.
    pub(super) fn at<'v>(
        &'v self,
        path: usize,
    ) -> impl Iterator<Item = &'v Cow<'a, str>> + use<'v, 'a> {
        self.found
            .iter()
            .filter(move |(of, _)| usize::from(*of) == path)
            .map(|(_, value)| value)
    }

    fn keep(&mut self, path: usize, value: Cow<'a, str>) {
        if value.len() <= MAX_VALUE && self.found.len() < MAX_VALUES {
            let path = u8::try_from(path).expect("there are at most MAX_PATHS paths");
            self.found.push((path, value));
        }
    }

    /// Whether nothing that could come would change the answer: every path is of one value, and has it.
    fn all_found(&self) -> bool {
        let single = |path: &&str| !path.contains(['[', '<', '*']);
        self.found.len() >= self.paths.len()
            && self.paths.iter().all(single)
            && (0..self.paths.len())
                .all(|number| self.found.iter().any(|(of, _)| usize::from(*of) == number))
    }
}
