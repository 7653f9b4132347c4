//! What is asked: who, which action, on which resource, in which context.

use std::collections::HashMap;

/// A request to be decided.
///
/// ```
/// use whittle_grants::aws::{Context, Request};
/// let mut context = Context::default();
/// context.set("aws:SourceIp", ["203.0.113.7"]);
/// let request = Request::new("arn:aws:iam::123456789012:role/etl", "s3:GetObject", "arn:aws:s3:::bucket/key")
///     .with_context(context);
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) principal: String,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) resource_account: Option<String>,
    pub(super) context: Context,
}

impl Request {
    /// `principal` is an ARN (of a role, a session, a user), an account id, a service such as `s3.amazonaws.com`, or `*` for
    /// nobody in particular; `resource` is an ARN or `*`. Nothing of the context is observed yet.
    #[must_use]
    pub fn new(principal: &str, action: &str, resource: &str) -> Self {
        Self {
            principal: principal.to_owned(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            resource_account: None,
            context: Context::default(),
        }
    }

    /// The account that owns the resource. Without it the ARN's account is taken, and where that has none the principal's.
    #[must_use]
    pub fn in_account(mut self, account: &str) -> Self {
        self.resource_account = Some(account.to_owned());
        self
    }

    /// What was observed of the request's context.
    #[must_use]
    pub fn with_context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }
}

/// The request's context, as far as it was observed. Keys are taken without regard to case.
#[derive(Clone, Debug, Default)]
pub struct Context {
    pub(super) values: HashMap<String, Option<Vec<String>>>,
}

impl Context {
    /// The request has this key, with these values.
    pub fn set<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        let values = values.into_iter().map(Into::into).collect();
        self.values.insert(key.to_lowercase(), Some(values));
    }

    /// The request is known not to have this key, which is not the same as not to know whether it has.
    pub fn set_absent(&mut self, key: &str) {
        self.values.insert(key.to_lowercase(), None);
    }
}
