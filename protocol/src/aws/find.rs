//! Names the operation. The signing name says which services it may be; then, in this order: the path of rpc-v2-cbor,
//! `X-Amz-Target`, `Action` and `Version`, and method, path and query. Unsigned requests are found by their host, or by
//! the name of an operation that says its service too.

use super::body::Format;
use super::data_plane::DataPlane;
use super::endpoint::{Endpoint, Style};
use super::route::Candidates;
use super::said::{Form, cbor, target};
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

pub(super) struct Finder<'r, 'a> {
    pub(super) request: &'r Request<'a>,
    pub(super) endpoint: &'r Endpoint<'a>,
    pub(super) signing: &'static Signing,
    pub(super) name: &'a str,
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
            _ if !self.name.starts_with("s3") => None,
            // These have an account or a route in front of the host.
            _ if path.starts_with("/v20180820/") || path == "/WriteGetObjectResponse" => None,
            Style::Path => None,
            Style::VirtualHost(bucket) => Some(bucket),
            // The name is only there to hold the place of the bucket.
            Style::AccessPoint(name, _) | Style::OutpostAccessPoint(name, _, _) => Some(name),
            Style::MultiRegionAccessPoint(alias) => Some(alias),
        };
        let segments = uri::segments(bucket, path);
        let best = self.best(&segments);
        let asked = Query::of(self.request.path).raw("x-id");
        let suits = |best: &Result<u32, Miss>| {
            let found = best.as_ref().map(|number| table().operation(*number).name);
            found.is_ok_and(|name| asked == Some(name))
        };
        // A host that is not AWS's may begin with a bucket all the same; newer SDKs say the operation, which tells.
        if self.name == "s3"
            && asked.is_some()
            && bucket.is_none()
            && !self.endpoint.is_aws
            && !suits(&best)
            && let Some((bucket, _)) = self.request.host.split_once('.')
        {
            let segments = uri::segments(Some(bucket), path);
            let second = self.best(&segments);
            if suits(&second) {
                return Ok(self.matched(second?, Format::Rest, segments));
            }
        }
        Ok(self.matched(best?, Format::Rest, segments))
    }

    pub(super) fn is_allowed(&self, operation: &Operation) -> bool {
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

    pub(super) fn is_at_host(&self, number: u32) -> bool {
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

    pub(super) fn miss(&self, reason: Reason) -> Miss {
        Miss {
            reason,
            prefix: Some(self.signing.prefix).filter(|prefix| !prefix.is_empty()),
        }
    }

    pub(super) fn ambiguous(&self, first: u32, second: u32) -> Miss {
        self.miss(Reason::Ambiguous {
            service: cut(self.name),
            first: table().operation(first).name,
            second: table().operation(second).name,
        })
    }
}

pub(super) fn main_action(operation: &Operation) -> &str {
    operation
        .actions
        .split([' ', ';', '?', '+'])
        .next()
        .unwrap_or_default()
}

/// A name out of a request, for an error.
pub(super) fn cut(name: &str) -> String {
    let clean = |letter: char| if letter.is_control() { '.' } else { letter };
    name.chars().take(MAX_NAME).map(clean).collect()
}
