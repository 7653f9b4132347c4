//! Of the operations whose path a request has, the one that it asks for.

use smallvec::SmallVec;

use super::Reason;
use super::find::{Finder, Miss, cut, main_action};
use super::table::{Operation, table};
use super::uri::{self, Query, Segments};

impl<'a> Finder<'_, 'a> {
    pub(super) fn best(&self, segments: &Segments<'a>) -> Result<u32, Miss> {
        let query = Query::of(self.request.path);
        let keys: SmallVec<[(&str, &str); 12]> = query.pairs().collect();
        let mut best: Option<(Score, u32)> = None;
        let mut tied: Option<u32> = None;
        for number in self.signing.routes.find(segments) {
            let operation = table().operation(number);
            if operation.method != self.request.method || !self.is_allowed(operation) {
                continue;
            }
            let Some(score) = self.score(number, operation, &keys) else {
                continue;
            };
            match &best {
                Some((than, _)) if score < *than => {}
                Some((than, first)) if score == *than => {
                    let (one, other) = (table().operation(*first), operation);
                    if main_action(one) != main_action(other) || !is_same_or_replaced(one, other) {
                        tied = Some(number);
                    }
                }
                _ => {
                    best = Some((score, number));
                    tied = None;
                }
            }
        }
        let (_, best) = best.ok_or_else(|| {
            self.miss(Reason::UnknownPath {
                service: cut(self.name),
            })
        })?;
        match tied {
            Some(other) => Err(self.ambiguous(best, other)),
            None => Ok(best),
        }
    }

    /// How well a request suits an operation whose path it has; None where something that must be there is missing.
    fn score(&self, number: u32, operation: &Operation, keys: &[(&str, &str)]) -> Option<Score> {
        let has = |key: &str| keys.iter().any(|(found, _)| uri::same_key(found, key));
        let mut matched = 0;
        for literal in list(operation.literals, '&') {
            let (key, value) = literal.split_once('=').unwrap_or((literal, ""));
            let found = keys.iter().any(|(found, with)| {
                uri::same_key(found, key) && (value.is_empty() || uri::decoded(with) == value)
            });
            if !found {
                return None;
            }
            matched += 1;
        }
        for key in list(operation.required, ',') {
            if !has(key) {
                return None;
            }
            matched += 1;
        }
        for name in list(operation.headers, ',') {
            uri::header_or_key(self.request, name)?;
            matched += 1;
        }
        let asked = keys
            .iter()
            .any(|(key, value)| *key == "x-id" && *value == operation.name);
        let unknown = if keys.is_empty() || operation.optional.contains('*') {
            0
        } else {
            keys.iter()
                .filter(|(key, _)| {
                    *key != "x-id" && !is_of_signature(key) && !is_known(operation, key)
                })
                .count()
        };
        Some(Score {
            asked,
            known: usize::MAX - unknown,
            matched,
            literal: operation.literal,
            exact: usize::MAX - operation.labels,
            at_host: self.is_at_host(number),
            own_name: table().service_of(operation).name == self.name,
        })
    }
}

/// What tells operations apart that a request may be of; the greatest is the best. The order of the fields counts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    /// `x-id` has its name.
    asked: bool,
    /// Query keys that it knows, counted down from all by those that it does not.
    known: usize,
    /// Literals, keys and headers that must be there, and are.
    matched: usize,
    /// Letters of the path that are no labels.
    literal: usize,
    /// Labels, counted down.
    exact: usize,
    at_host: bool,
    own_name: bool,
}

fn is_known(operation: &Operation, key: &str) -> bool {
    let literal = list(operation.literals, '&')
        .any(|literal| uri::same_key(key, literal.split('=').next().unwrap_or_default()));
    literal
        || list(operation.required, ',').any(|known| uri::same_key(key, known))
        || list(operation.optional, ',').any(|known| uri::same_key(key, known))
}

/// Query keys of presigned requests, into which headers go too.
fn is_of_signature(key: &str) -> bool {
    key.get(..6)
        .is_some_and(|start| start.eq_ignore_ascii_case("X-Amz-"))
        || ["AWSAccessKeyId", "Signature", "Expires"].contains(&key)
}

/// Whether `other` is the same operation of another service, or the older one that `one` replaces: the newer one is first
/// in the table, and nothing on the wire tells them apart.
fn is_same_or_replaced(one: &Operation, other: &Operation) -> bool {
    one.name.starts_with(other.name)
}

fn list(text: &'static str, separator: char) -> impl Iterator<Item = &'static str> {
    let parts = (!text.is_empty()).then(|| text.split(separator));
    parts.into_iter().flatten()
}
