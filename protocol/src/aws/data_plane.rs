//! Requests to what users made with AWS, which no model of AWS has operations of: APIs of API Gateway, function URLs,
//! `OpenSearch` domains, GraphQL APIs, and sign-in to databases. The host and the path name the resource.

use super::ActionUse;
use super::Request;
use super::endpoint::{Endpoint, partition};
use super::scope::Account;
use super::uri;

/// A request to the data plane of a service.
#[derive(Clone, Copy)]
pub(super) struct DataPlane {
    pub(super) service: &'static str,
    pub(super) operation: &'static str,
    action: &'static str,
}

const fn plane(service: &'static str, operation: &'static str, action: &'static str) -> DataPlane {
    DataPlane {
        service,
        operation,
        action,
    }
}

impl DataPlane {
    /// None where the request is not one.
    pub(super) fn of(
        request: &Request<'_>,
        signing: &str,
        endpoint: &Endpoint<'_>,
    ) -> Option<Self> {
        let path = uri::path(request.path);
        let prefix = endpoint.prefix;
        match signing {
            "execute-api" if prefix.ends_with(".execute-api") => Some(
                if path
                    .split('/')
                    .nth(2)
                    .is_some_and(|part| uri::decoded(part) == "@connections")
                {
                    plane(
                        "execute-api",
                        "ManageConnections",
                        "execute-api:ManageConnections",
                    )
                } else {
                    plane("execute-api", "Invoke", "execute-api:Invoke")
                },
            ),
            "lambda" if prefix.ends_with(".lambda-url") => Some(plane(
                "lambda",
                "InvokeFunctionUrl",
                "lambda:InvokeFunctionUrl",
            )),
            "appsync" if prefix.contains(".appsync-api") => {
                Some(plane("appsync", "GraphQL", "appsync:GraphQL"))
            }
            "es" if prefix.contains('.')
                || prefix.starts_with("search-")
                || prefix.starts_with("vpc-") =>
            {
                domain(prefix)?;
                Some(plane("es", "ESHttp", "es:ESHttp"))
            }
            "aoss" if prefix.rsplit('.').next() == Some("aoss") && prefix != "aoss" => {
                Some(plane("aoss", "APIAccessAll", "aoss:APIAccessAll"))
            }
            "rds-db" => Some(plane("rds-db", "connect", "rds-db:connect")),
            _ => None,
        }
    }

    pub(super) fn action_use(
        self,
        request: &Request<'_>,
        endpoint: &Endpoint<'_>,
        region: Option<&str>,
        account: Option<Account>,
    ) -> ActionUse {
        let partition = partition(region);
        let region = region.unwrap_or("*");
        let account = account.as_ref().map_or("*", Account::as_str);
        let path = uri::decoded(uri::path(request.path));
        let first = endpoint.prefix.split('.').next().unwrap_or_default();
        let mut action = self.action.to_owned();
        let resource = match self.service {
            "execute-api" => {
                let (stage, rest) = path
                    .trim_start_matches('/')
                    .split_once('/')
                    .unwrap_or((path.trim_matches('/'), ""));
                let method = request.method;
                format!(
                    "arn:{partition}:execute-api:{region}:{account}:{first}/{stage}/{method}/{rest}"
                )
            }
            "appsync" => format!("arn:{partition}:appsync:{region}:{account}:apis/*"),
            "es" => {
                action.push_str(verb(request.method));
                let name = domain(endpoint.prefix).unwrap_or("*");
                format!("arn:{partition}:es:{region}:{account}:domain/{name}{path}")
            }
            "aoss" => format!("arn:{partition}:aoss:{region}:{account}:collection/{first}"),
            "rds-db" => {
                let user = uri::Query::of(request.path).value("DBUser");
                let user = user.as_deref().unwrap_or("*");
                format!("arn:{partition}:rds-db:{region}:{account}:dbuser:*/{user}")
            }
            _ => format!("arn:{partition}:lambda:{region}:{account}:function:*"),
        };
        ActionUse {
            action,
            resources: vec![resource],
        }
    }
}

/// The domain in `search-NAME-ID.REGION.es`.
fn domain(prefix: &str) -> Option<&str> {
    let label = prefix.split('.').next()?;
    let rest = label
        .strip_prefix("search-")
        .or_else(|| label.strip_prefix("vpc-"))?;
    rest.rsplit_once('-').map(|(name, _)| name)
}

fn verb(method: &str) -> &'static str {
    match method {
        "GET" => "Get",
        "PUT" => "Put",
        "POST" => "Post",
        "DELETE" => "Delete",
        "HEAD" => "Head",
        "PATCH" => "Patch",
        _ => "*",
    }
}
