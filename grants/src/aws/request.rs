//! What is asked: who, which action, on which resource, in which context. Taken apart once, for it may be asked of many
//! policy sets.

use std::collections::{HashMap, HashSet};

use super::caller::{Caller, is_account};
use super::observed::{Key, Observed};

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
    pub(super) caller: Caller,
    /// In lower case.
    pub(super) service: String,
    /// `service:name`, in lower case.
    pub(super) action: String,
    pub(super) resource: String,
    resource_account: Option<String>,
    context: Context,
    /// Keys that follow from who asks and from the resource; the context goes before them.
    derived: Vec<(&'static str, [String; 1])>,
}

impl Request {
    /// `principal` is an ARN (of a role, a session, a user), an account id, a service such as `s3.amazonaws.com`, or `*` for
    /// nobody in particular; `resource` is an ARN or `*`. Nothing of the context is observed yet but what follows from these:
    /// `aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:PrincipalType`, `aws:username`, `aws:ResourceAccount`.
    #[must_use]
    pub fn new(principal: &str, action: &str, resource: &str) -> Self {
        let action = action.to_ascii_lowercase();
        let service = action.split(':').next().unwrap_or_default().to_owned();
        let caller = Caller::new(principal);
        let account = resource
            .split(':')
            .nth(4)
            .filter(|account| is_account(account));
        let account = account.map(str::to_owned);
        let mut request = Self {
            derived: caller.context(),
            caller,
            service,
            action,
            resource: resource.to_owned(),
            resource_account: None,
            context: Context::default(),
        };
        if let Some(account) = account {
            request = request.in_account(&account);
        }
        request
    }

    /// The account that owns the resource. Without it the ARN's account is taken, and where that has none the principal's. An
    /// account other than the principal's needs a resource policy that allows; to ask what the principal's own policies say,
    /// name the principal's account.
    #[must_use]
    pub fn in_account(mut self, account: &str) -> Self {
        const KEY: &str = "aws:resourceaccount";
        self.derived.retain(|(key, _)| *key != KEY);
        self.derived.push((KEY, [account.to_owned()]));
        self.resource_account = Some(account.to_owned());
        self
    }

    /// What was observed of the request's context.
    #[must_use]
    pub fn with_context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// Whether the resource is known to be another account's.
    pub(super) fn is_cross_account(&self) -> bool {
        match (&self.resource_account, self.caller.account()) {
            (Some(resource), Some(caller)) => resource != caller,
            _ => false,
        }
    }

    pub(super) fn observe(&self, key: &Key) -> Observed<'_> {
        match self.context.values.get(&*key.lower) {
            Some(Some(values)) => return Observed::Values(values),
            Some(None) => return Observed::Absent,
            None => {}
        }
        if self.context.unobserved.contains(&*key.lower) {
            return Observed::Unlisted { is_absent: false };
        }
        let derived = self
            .derived
            .iter()
            .find(|(derived, _)| **derived == *key.lower);
        match derived {
            Some((_, values)) => Observed::Values(values),
            None => Observed::Unlisted {
                is_absent: self.context.is_stated,
            },
        }
    }
}

/// The request's context, as far as it was observed. Keys are taken without regard to case.
///
/// A key that is not named here was not observed, and may have been in the request: a condition on it makes the answer depend,
/// whatever its form. That fits what a recorder saw of a call. Where somebody states a whole request instead, see
/// [`Context::stated`].
#[derive(Clone, Debug, Default)]
pub struct Context {
    values: HashMap<String, Option<Vec<String>>>,
    unobserved: HashSet<String>,
    is_stated: bool,
}

impl Context {
    /// A context for a request that somebody states. Conditions that say themselves what they make of a request without the key are
    /// answered by that where the key is not named: `…IfExists` (true), `ForAllValues:` (true), `Null`, and a variable with a
    /// default. All others depend, as in any context.
    #[must_use]
    pub fn stated() -> Self {
        Self {
            is_stated: true,
            ..Self::default()
        }
    }

    /// The request has this key, with these values.
    pub fn set<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        let values = values.into_iter().map(Into::into).collect();
        self.values.insert(key.to_lowercase(), Some(values));
    }

    /// The request is known not to have this key, which is not the same as not to know whether it has.
    pub fn set_absent(&mut self, key: &str) {
        self.values.insert(key.to_lowercase(), None);
    }

    /// It is not known whether the request has this key, nor its value, whatever the form of a condition on it.
    pub fn set_unobserved(&mut self, key: &str) {
        let key = key.to_lowercase();
        self.values.remove(&key);
        self.unobserved.insert(key);
    }
}
