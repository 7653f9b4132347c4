//! What an exchange asked of a cloud, and how it ended. Of the request only names come out.

use std::collections::HashSet;

use whittle_protocol::{
    aws::{self, Unmapped},
    error_code,
    http1::{Exchange, Request, Response},
};
use whittle_schemas::table::Outcome;

use crate::model::{Medium, Requested};

/// Operation of a request that is not known.
const UNMAPPED: &str = "unmapped";

/// What one request asked.
#[derive(Default)]
pub(super) struct Asked {
    /// A row for each action and resource; none where no cloud was asked.
    pub(super) requests: Vec<Requested>,
    pub(super) is_aws: bool,
    pub(super) is_unmapped: bool,
    pub(super) access_key_id: Option<String>,
}

/// What an exchange with `endpoint` asked.
pub(super) fn of(exchange: &Exchange, endpoint: &str, medium: Medium) -> Asked {
    let Exchange { request, response } = exchange;
    if request.method == "CONNECT" {
        return Asked::default();
    }
    let target = std::str::from_utf8(request.target.expose()).unwrap_or_default();
    let (host, path) = host_and_path(request, target);
    let headers: Vec<(&str, &[u8])> = request
        .headers
        .iter()
        .map(|header| (header.name.as_str(), header.value.expose()))
        .collect();
    let decoded = aws::decode(&aws::Request {
        method: &request.method,
        host,
        path,
        headers: &headers,
        body: request.body.expose(),
        body_complete: request.body_is_whole,
    });
    let (outcome, error) = outcome(response.as_ref());
    let row = |action: String, resource: String, operation: &str| Requested {
        action,
        resource,
        outcome,
        error: error.clone(),
        operation: operation.to_owned(),
        endpoint: endpoint.to_owned(),
        region: None,
        account: None,
        access_key_id: None,
        medium,
    };
    match decoded {
        Err(Unmapped {
            reason: aws::Reason::NotAws,
            ..
        }) => Asked::default(),
        Err(unmapped) => {
            let action = unmapped
                .service
                .map_or_else(|| "*".to_owned(), |service| format!("{service}:*"));
            Asked {
                requests: vec![row(action, "*".to_owned(), UNMAPPED)],
                is_aws: true,
                is_unmapped: true,
                access_key_id: unmapped.access_key_id.map(str::to_owned),
            }
            .signed(unmapped.region, unmapped.account)
        }
        Ok(call) => {
            let operation = format!("{}.{}", call.service, call.operation);
            let mut seen = HashSet::new();
            let mut requests = Vec::new();
            for used in call.actions {
                let mut resources = used.resources;
                if resources.is_empty() {
                    resources.push("*".to_owned());
                }
                for resource in resources {
                    if seen.insert((used.action.clone(), resource.clone())) {
                        requests.push(row(used.action.clone(), resource, &operation));
                    }
                }
            }
            Asked {
                requests,
                is_aws: true,
                is_unmapped: false,
                access_key_id: call.access_key_id.map(str::to_owned),
            }
            .signed(call.region, call.account)
        }
    }
}

impl Asked {
    /// Says in every row how the request was signed.
    fn signed(mut self, region: Option<&str>, account: Option<aws::Account>) -> Self {
        for request in &mut self.requests {
            request.region = region.map(str::to_owned);
            request.account = account.map(|account| account.as_str().to_owned());
            request.access_key_id.clone_from(&self.access_key_id);
        }
        self
    }
}

/// Host and path of a request, also of one to a proxy: `GET http://host/path`.
fn host_and_path<'a>(request: &'a Request, target: &'a str) -> (&'a str, &'a str) {
    if let Some(rest) = target.strip_prefix("http://") {
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(at);
        return (host, if path.is_empty() { "/" } else { path });
    }
    let host = request.header("host");
    let host = host.and_then(|host| std::str::from_utf8(host).ok());
    (host.unwrap_or_default(), target)
}

/// How a request ended. One without a response counts as let through: it may have been.
fn outcome(response: Option<&Response>) -> (Outcome, Option<String>) {
    let Some(response) = response.filter(|response| response.status >= 400) else {
        return (Outcome::Allowed, None);
    };
    let code = error_code::read(response);
    let is_denied =
        matches!(response.status, 401 | 403) || code.as_deref().is_some_and(error_code::is_denial);
    let outcome = if is_denied {
        Outcome::Denied
    } else {
        Outcome::Failed
    };
    (
        outcome,
        Some(code.unwrap_or_else(|| response.status.to_string())),
    )
}
