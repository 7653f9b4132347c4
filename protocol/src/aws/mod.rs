//! HTTP requests to AWS: which operation of which service one asks for, the actions and resources that it needs, and
//! with which access key. `scope` reads the signature's scope, `endpoint` the host; `find` (with `said`, `route` and
//! `pick`) names the operation from the `table`, `actions` gives what it needs. Signatures, session tokens and bodies stay
//! in here: nothing of them is in a [`Call`] or an [`Unmapped`].

mod actions;
mod body;
mod data_plane;
mod endpoint;
mod find;
mod partiql;
mod pick;
mod plan;
mod route;
mod s3;
mod said;
mod scope;
mod table;
mod template;
mod transform;
mod uri;

#[cfg(test)]
mod tests;

pub use endpoint::{Endpoint, Style};
pub use scope::{Account, KeyKind};
pub use table::{Origin, origin, possible_actions};

use self::actions::Context;
use self::find::Found;
use self::scope::Scope;

/// A request, or as much of it as is known.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `GET`, `POST` …
    pub method: &'a str,
    /// The `Host` header, with or without a port.
    pub host: &'a str,
    /// The request target: path and query, as sent.
    pub path: &'a str,
    /// Names and values; the letters' case of a name does not matter.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body, or its beginning.
    pub body: &'a [u8],
    /// Whether `body` is all of it.
    pub body_complete: bool,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// The service as the AWS command line calls it, such as `s3` or `elbv2`.
    pub service: &'static str,
    /// The operation, such as `ListObjectsV2`.
    pub operation: &'static str,
    /// The actions that it needs, the main one first.
    pub actions: Vec<ActionUse>,
    /// The region of the signature, or of the host where the signature has none.
    pub region: Option<&'a str>,
    /// The access key id; None where the request is not signed.
    pub access_key_id: Option<&'a str>,
    /// What kind of key it is.
    pub key_kind: KeyKind,
    /// The account that the key id holds.
    pub account: Option<Account>,
    /// What the host says.
    pub endpoint: Endpoint<'a>,
    /// False where a part of the body that names resources or passed roles was not there: then those are `*` or missing.
    pub complete: bool,
}

/// An action and what it is used on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionUse {
    /// Such as `s3:ListBucket`.
    pub action: String,
    /// ARNs as narrow as the request says; `*` stands for what it does not say.
    pub resources: Vec<String>,
}

/// A request that is not named, with what is known of it all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmapped<'a> {
    /// Why.
    pub reason: Reason,
    /// The prefix of the service's actions; None where not even the service is known.
    pub service: Option<&'static str>,
    /// As in [`Call`].
    pub region: Option<&'a str>,
    /// As in [`Call`].
    pub access_key_id: Option<&'a str>,
    /// As in [`Call`].
    pub key_kind: KeyKind,
    /// As in [`Call`].
    pub account: Option<Account>,
}

/// Why a request is not named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing in it says that it goes to AWS.
    #[error("not a request to AWS: neither a signature nor a host of it")]
    NotAws,
    /// The signature is for a service that the table does not have.
    #[error("the table has no service that signs as `{0}`")]
    UnknownService(String),
    /// The host belongs to AWS, the request is not signed, and the host is of no service that the table has.
    #[error("the table has no service at this host, and the request is not signed")]
    UnknownHost,
    /// An operation's name that the table does not have.
    #[error("the table has no operation `{operation}` of `{service}`")]
    UnknownOperation {
        /// The signing name, or what stands for it.
        service: String,
        /// The name in the request, cut where it is long.
        operation: String,
    },
    /// No operation has this method, path and query.
    #[error("no operation of `{service}` has this method, path and query")]
    UnknownPath {
        /// The signing name.
        service: String,
    },
    /// Several operations look alike on the wire.
    #[error("`{first}` and `{second}` of `{service}` look alike in this request")]
    Ambiguous {
        /// The signing name.
        service: String,
        /// One of them.
        first: &'static str,
        /// Another.
        second: &'static str,
    },
    /// The operation stands in a part of the body that is not there.
    #[error("the part of the body that is known does not say which operation of `{0}` it is")]
    BodyCut(String),
}

/// Names a request.
///
/// ```
/// use whittle_protocol::aws::{Request, decode};
///
/// let request = Request {
///     method: "GET",
///     host: "b.s3.eu-west-1.amazonaws.com",
///     path: "/k",
///     headers: &[("authorization", b"AWS4-HMAC-SHA256 Credential=ASIAQNZGKIQY56JQ7WML/20261122/eu-west-1/s3/aws4_request")],
///     body: &[],
///     body_complete: true,
/// };
/// let call = decode(&request).expect("S3 is in the table");
/// assert_eq!((call.service, call.operation), ("s3", "GetObject"));
/// assert_eq!(call.actions[0].action, "s3:GetObject");
/// assert_eq!(call.actions[0].resources, ["arn:aws:s3:::b/k"]);
/// ```
///
/// # Errors
/// The request is not one to AWS, or the table does not know what it asks for. Nothing is guessed.
pub fn decode<'a>(request: &Request<'a>) -> Result<Call<'a>, Unmapped<'a>> {
    let scope = Scope::of(request);
    let endpoint = endpoint::parse(request.host);
    let region = scope
        .as_ref()
        .and_then(|scope| scope.region)
        .or(endpoint.region);
    let access_key_id = scope.as_ref().map(|scope| scope.access_key_id);
    let account = access_key_id.and_then(Account::of_key);
    let key_kind = KeyKind::of(access_key_id);
    let found = find::find(request, scope.as_ref(), &endpoint).map_err(|miss| Unmapped {
        reason: miss.reason,
        service: miss.prefix,
        region,
        access_key_id,
        key_kind,
        account,
    })?;
    let (service, operation, actions, complete) = match &found {
        Found::Operation(matched) => {
            let context = Context::new(request, matched, region, account, &endpoint);
            let (actions, complete) = context.actions();
            (
                matched.service().name,
                matched.operation.name,
                actions,
                complete,
            )
        }
        Found::DataPlane(use_) => {
            let actions = vec![use_.action_use(request, &endpoint, region, account)];
            (use_.service, use_.operation, actions, true)
        }
    };
    Ok(Call {
        service,
        operation,
        actions,
        region,
        access_key_id,
        key_kind,
        account,
        endpoint,
        complete,
    })
}
