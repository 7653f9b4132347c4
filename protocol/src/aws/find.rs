//! Names the operation. The signing name says which services it may be; then, in this order: the path of rpc-v2-cbor,
//! `X-Amz-Target`, `Action` and `Version`, and method, path and query. Unsigned requests are found by their host, or by
//! the name of an operation that says its service too.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::body::Format;
use super::data_plane::DataPlane;
use super::endpoint::{Endpoint, Style};
use super::route::Candidates;
use super::scope::Scope;
use super::table::{Ids, Operation, Service, Signing, table};
use super::uri::{self, Query, Segments};
use super::{Reason, Request};

/// Names in errors are cut here.
const MAX_NAME: usize = 100;

#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one call of `decode`, and nearly always is the large one"
)]
pub(super) enum Found<'a> {
    Operation(Matched<'a>),
    DataPlane(DataPlane),
}

/// An operation, and how the request says it.
pub(super) struct Matched<'a> {
    pub(super) operation: &'static Operation,
    pub(super) format: Format,
    pub(super) segments: Segments<'a>,
    pub(super) signing: &'a str,
}

pub(super) struct Miss {
    pub(super) reason: Reason,
    pub(super) prefix: Option<&'static str>,
}

impl Matched<'_> {
    pub(super) fn service(&self) -> &'static Service {
        table().service_of(self.operation)
    }
}

/// What a request asks for.
pub(super) fn find<'a>(
    request: &Request<'a>,
    scope: Option<&Scope<'a>>,
    endpoint: &Endpoint<'a>,
) -> Result<Found<'a>, Miss> {
    if let Some(scope) = scope {
        if let Some(use_) = DataPlane::of(request, scope.service, endpoint) {
            return Ok(Found::DataPlane(use_));
        }
        let Some(signing) = table().signing.get(scope.service) else {
            return Err(Miss {
                reason: Reason::UnknownService(cut(scope.service)),
                prefix: None,
            });
        };
        let finder = Finder {
            request,
            endpoint,
            signing,
            name: scope.service,
            only: None,
        };
        return finder.find().map(Found::Operation);
    }
    find_unsigned(request, endpoint).map(Found::Operation)
}

fn find_unsigned<'a>(request: &Request<'a>, endpoint: &Endpoint<'a>) -> Result<Matched<'a>, Miss> {
    let services: Ids = if endpoint.is_aws {
        by_host(endpoint.prefix).ok_or(Miss {
            reason: Reason::UnknownHost,
            prefix: None,
        })?
    } else {
        let by_name = target(request)
            .map(|(prefix, _)| prefix)
            .or_else(|| cbor(request).map(|(prefix, _)| prefix))
            .and_then(|prefix| table().targets.get(prefix));
        match by_name {
            Some(services) => services.clone(),
            None => by_action(request).ok_or(Miss {
                reason: Reason::NotAws,
                prefix: None,
            })?,
        }
    };
    let mut last = None;
    for number in &services {
        let name = table().services[*number as usize].signing;
        let Some(signing) = table().signing.get(name) else {
            continue;
        };
        let finder = Finder {
            request,
            endpoint,
            signing,
            name,
            only: Some(&services),
        };
        match finder.find() {
            Ok(matched) => return Ok(matched),
            Err(miss) => last = Some(miss),
        }
    }
    Err(last.unwrap_or(Miss {
        reason: Reason::UnknownHost,
        prefix: None,
    }))
}

/// The services of an endpoint's name. Labels in front of it belong to accounts, domains and the like.
fn by_host(prefix: &str) -> Option<Ids> {
    let mut rest = prefix;
    loop {
        if let Some(services) = table().endpoints.get(rest) {
            return Some(services.clone());
        }
        rest = rest.split_once('.')?.1;
    }
}

/// The services that have this action in this version: the pair names them.
fn by_action(request: &Request<'_>) -> Option<Ids> {
    let form = Form::of(request)?;
    let (action, version) = (form.action?, form.version?);
    let mut services = Ids::new();
    for signing in table().signing.values() {
        let named = signing.named.get(action.as_ref()).into_iter().flatten();
        services.extend(
            named
                .map(|number| table().operation(*number).service)
                .filter(|service| {
                    let service = &table().services[*service as usize];
                    service.has_form() && service.version == version
                }),
        );
    }
    services.sort_unstable();
    services.dedup();
    (!services.is_empty()).then_some(services)
}

struct Finder<'r, 'a> {
    request: &'r Request<'a>,
    endpoint: &'r Endpoint<'a>,
    signing: &'static Signing,
    name: &'a str,
    /// Other services of the signing name are left out.
    only: Option<&'r Ids>,
}

impl<'a> Finder<'_, 'a> {
    fn find(&self) -> Result<Matched<'a>, Miss> {
        if let Some((prefix, operation)) = cbor(self.request) {
            return self.named(operation, Format::Cbor, true, |service| {
                service.has_cbor() && service.target_prefix == prefix
            });
        }
        if let Some((prefix, operation)) = target(self.request) {
            return self.named(operation, Format::Json, true, |service| {
                service.has_json() && service.target_prefix == prefix
            });
        }
        if self.signing.has_form
            && let Some(found) = self.by_form()
        {
            return found;
        }
        self.by_path()
    }

    fn by_form(&self) -> Option<Result<Matched<'a>, Miss>> {
        let form = Form::of(self.request)?;
        let Some(action) = form.action else {
            if form.in_body && !self.request.body_complete {
                return Some(Err(self.miss(Reason::BodyCut(cut(self.name)))));
            }
            return None;
        };
        // Versions that the table does not have are those of older or newer SDKs: an action that only one service has
        // is that service's all the same.
        let exact = form.version.as_deref().map(|version| {
            self.named(&action, Format::Form, true, |service| {
                service.has_form() && service.version == version
            })
        });
        match exact {
            Some(Ok(matched)) => Some(Ok(matched)),
            None if form.in_body && !self.request.body_complete => {
                let cut = self.miss(Reason::BodyCut(cut(self.name)));
                let named = self.named(&action, Format::Form, false, Service::has_form);
                Some(named.map_err(|_| cut))
            }
            _ => Some(self.named(&action, Format::Form, false, Service::has_form)),
        }
    }

    /// The operation of this name in the services that `is` holds for. Services may share a signing name and operations
    /// that look alike: their action must be the same, and where the request does not say the service, that too.
    fn named(
        &self,
        operation: &str,
        format: Format,
        says_service: bool,
        is: impl Fn(&Service) -> bool,
    ) -> Result<Matched<'a>, Miss> {
        let ids = self.signing.named.get(operation).into_iter().flatten();
        let found: Candidates = ids
            .copied()
            .filter(|number| {
                let operation = table().operation(*number);
                self.is_allowed(operation) && is(table().service_of(operation))
            })
            .collect();
        let first = found.first().ok_or_else(|| {
            self.miss(Reason::UnknownOperation {
                service: cut(self.name),
                operation: cut(operation),
            })
        })?;
        let best = self.preferred(&found).unwrap_or(*first);
        let chosen = table().operation(best);
        let other = found.iter().find(|number| {
            let operation = table().operation(**number);
            let service = table().service_of(operation).name;
            main_action(operation) != main_action(chosen)
                || !says_service && service != table().service_of(chosen).name
        });
        if let Some(other) = other {
            return Err(self.ambiguous(best, *other));
        }
        Ok(self.matched(best, format, Segments::new()))
    }

    fn by_path(&self) -> Result<Matched<'a>, Miss> {
        let path = uri::path(self.request.path);
        let bucket = match self.endpoint.style {
            _ if !self.name.starts_with("s3") || path.starts_with("/v20180820/") => None,
            Style::Path => None,
            Style::VirtualHost(bucket) => Some(bucket),
            // The name is only there to hold the place of the bucket.
            Style::AccessPoint(name, _) | Style::OutpostAccessPoint(name, _, _) => Some(name),
            Style::MultiRegionAccessPoint(alias) => Some(alias),
        };
        let segments = uri::segments(bucket, path);
        // What a host begins with need not be a bucket, and a bucket may be in a host that is not AWS's: newer SDKs say
        // the operation, which tells.
        let asked = Query::of(self.request.path).raw("x-id");
        let best = self.best(&segments);
        let suits = |best: &Result<u32, Miss>| {
            let found = best.as_ref().map(|number| table().operation(*number).name);
            found.is_ok_and(|name| asked.is_none_or(|asked| asked == name))
        };
        if suits(&best) || !self.name.starts_with("s3") {
            return Ok(self.matched(best?, Format::Rest, segments));
        }
        let other = match bucket {
            Some(_) => None,
            None if self.endpoint.is_aws => None,
            None => self.request.host.split_once('.').map(|(bucket, _)| bucket),
        };
        if bucket.is_some() || other.is_some() {
            let segments = uri::segments(other, path);
            let second = self.best(&segments);
            if suits(&second) && (asked.is_some() || bucket.is_some()) {
                return Ok(self.matched(second?, Format::Rest, segments));
            }
        }
        Ok(self.matched(best?, Format::Rest, segments))
    }

    fn best(&self, segments: &Segments<'a>) -> Result<u32, Miss> {
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
                    // An operation and the older one that it replaces need the same action: the newer one is first.
                    if main_action(one) != main_action(other) {
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
        let unknown = if operation.optional.contains('*') {
            0
        } else {
            keys.iter()
                .filter(|(key, _)| {
                    *key != "x-id" && !is_of_signature(key) && !is_known(operation, key)
                })
                .count()
        };
        let (mut literal, mut labels) = (0, 0);
        for part in operation.path.split('/') {
            if part.starts_with('{') {
                labels += if part.ends_with("+}") { 2 } else { 1 };
            } else {
                literal += part.len();
            }
        }
        Some(Score {
            asked,
            known: usize::MAX - unknown,
            matched,
            literal,
            exact: usize::MAX - labels,
            at_host: self.is_at_host(number),
            own_name: table().service_of(operation).name == self.name,
        })
    }

    fn is_allowed(&self, operation: &Operation) -> bool {
        // The two lists of buckets differ in the name that signs, and in one key of the query.
        let other_list = match operation.name {
            "ListDirectoryBuckets" if self.name == "s3" => {
                let query = Query::of(self.request.path);
                self.endpoint.prefix != "s3-control" && query.raw("max-directory-buckets").is_none()
            }
            "ListBuckets" => self.name == "s3express",
            _ => false,
        };
        !other_list
            && self
                .only
                .is_none_or(|services| services.contains(&operation.service))
    }

    /// Of several, the one whose service's endpoint the host is, else the one whose service has the signing name.
    fn preferred(&self, found: &[u32]) -> Option<u32> {
        let service = |number: &u32| table().service_of(table().operation(*number));
        let at_host = || found.iter().filter(|number| self.is_at_host(**number));
        at_host()
            .find(|number| service(number).name == self.name)
            .or_else(|| at_host().next())
            .or_else(|| {
                found
                    .iter()
                    .find(|number| service(number).name == self.name)
            })
            .copied()
    }

    fn is_at_host(&self, number: u32) -> bool {
        let service = table().service_of(table().operation(number));
        let prefix = self.endpoint.prefix;
        self.endpoint.is_aws
            && (service.endpoint_prefix == prefix
                || prefix
                    .strip_suffix(service.endpoint_prefix)
                    .is_some_and(|before| before.ends_with('.')))
    }

    fn matched(&self, number: u32, format: Format, segments: Segments<'a>) -> Matched<'a> {
        let operation = table().operation(number);
        let format = match format {
            Format::Rest if table().service_of(operation).is_xml() => Format::Xml,
            Format::Rest => Format::Json,
            other => other,
        };
        Matched {
            operation,
            format,
            segments,
            signing: self.name,
        }
    }

    fn miss(&self, reason: Reason) -> Miss {
        Miss {
            reason,
            prefix: Some(self.signing.prefix).filter(|prefix| !prefix.is_empty()),
        }
    }

    fn ambiguous(&self, first: u32, second: u32) -> Miss {
        self.miss(Reason::Ambiguous {
            service: cut(self.name),
            first: table().operation(first).name,
            second: table().operation(second).name,
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

fn main_action(operation: &Operation) -> &str {
    operation
        .actions
        .split([' ', ';', '?', '+'])
        .next()
        .unwrap_or_default()
}

fn list(text: &'static str, separator: char) -> impl Iterator<Item = &'static str> {
    text.split(separator).filter(|part| !part.is_empty())
}

/// Service and operation of `POST /service/X/operation/Y`.
fn cbor<'a>(request: &Request<'a>) -> Option<(&'a str, &'a str)> {
    let rest = uri::path(request.path).strip_prefix("/service/")?;
    let protocol = uri::header(request, "smithy-protocol")?;
    if protocol != b"rpc-v2-cbor" {
        return None;
    }
    rest.split_once("/operation/")
}

/// Prefix and operation of `X-Amz-Target: X.Y`.
fn target<'a>(request: &Request<'a>) -> Option<(&'a str, &'a str)> {
    let target = std::str::from_utf8(uri::header(request, "x-amz-target")?).ok()?;
    target.trim().rsplit_once('.')
}

/// `Action` and `Version`, in the query or in the body.
struct Form<'a> {
    action: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    in_body: bool,
}

impl<'a> Form<'a> {
    /// None where the request is of no form.
    fn of(request: &Request<'a>) -> Option<Self> {
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
            let end = rest.iter().position(|byte| *byte == b'&');
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

/// A name out of a request, for an error.
fn cut(name: &str) -> String {
    let clean = |letter: char| if letter.is_control() { '.' } else { letter };
    name.chars().take(MAX_NAME).map(clean).collect()
}
