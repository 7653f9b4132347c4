//! What is asked: who, which action, on which resource, in which context. Taken apart once, for it may be asked of many
//! policy sets.

use super::caller::{Caller, is_account};
use super::observed::{Key, Observed};

/// A request to be decided.
///
/// ```
/// use whittle_grants::aws::{Caller, Context, Request};
/// let mut context = Context::default();
/// context.set("aws:SourceIp", ["203.0.113.7"]);
/// let caller = Caller::new("arn:aws:iam::123456789012:role/etl");
/// let request = Request::new(&caller, "s3:GetObject", "arn:aws:s3:::bucket/key").with_context(context);
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) caller: Caller,
    /// `service:name`, in lower case.
    pub(super) action: String,
    pub(super) resource: String,
    /// One, as a condition's list of values.
    resource_account: Option<[String; 1]>,
    context: Context,
}

impl Request {
    /// `resource` is an ARN or `*`. Nothing of the context is observed yet but what follows from the caller and the resource:
    /// `aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:PrincipalType`, `aws:username`, `aws:ResourceAccount`.
    #[must_use]
    pub fn new(caller: &Caller, action: &str, resource: &str) -> Self {
        let account = resource
            .split(':')
            .nth(4)
            .filter(|account| is_account(account));
        Self {
            caller: caller.clone(),
            action: action.to_ascii_lowercase(),
            resource: resource.to_owned(),
            resource_account: account.map(|account| [account.to_owned()]),
            context: Context::default(),
        }
    }

    /// The account that owns the resource. Without it the ARN's account is taken, and where that has none the principal's. An
    /// account other than the principal's needs a resource policy that allows; to ask what the principal's own policies say,
    /// name the principal's account.
    #[must_use]
    pub fn in_account(mut self, account: &str) -> Self {
        self.resource_account = Some([account.to_owned()]);
        self
    }

    /// What was observed of the request's context.
    #[must_use]
    pub fn with_context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// In lower case.
    pub(super) fn service(&self) -> &str {
        self.action.split(':').next().unwrap_or_default()
    }

    /// Whether the resource is known to be another account's.
    pub(super) fn is_cross_account(&self) -> bool {
        match (&self.resource_account, self.caller.account()) {
            (Some([resource]), Some(caller)) => resource != caller,
            _ => false,
        }
    }

    pub(super) fn observe(&self, key: &Key) -> Observed<'_> {
        match self.context.get(&key.lower) {
            Some(Said::Values(values)) => return Observed::Values(values),
            Some(Said::Absent) => return Observed::Absent,
            Some(Said::Unobserved) => return Observed::Unlisted { is_absent: false },
            None => {}
        }
        let derived = match &self.resource_account {
            Some(account) if *key.lower == *"aws:resourceaccount" => Some(account),
            _ => self.caller.context(&key.lower),
        };
        match derived {
            Some(values) => Observed::Values(values),
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
    /// A request has some ten keys, which are found sooner in a row than by a hash. In lower case.
    keys: Vec<(String, Said)>,
    is_stated: bool,
}

/// What was said of a key.
#[derive(Clone, Debug)]
enum Said {
    Values(Vec<String>),
    Absent,
    Unobserved,
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
        self.say(
            key,
            Said::Values(values.into_iter().map(Into::into).collect()),
        );
    }

    /// The request is known not to have this key, which is not the same as not to know whether it has.
    pub fn set_absent(&mut self, key: &str) {
        self.say(key, Said::Absent);
    }

    /// It is not known whether the request has this key, nor its value, whatever the form of a condition on it.
    pub fn set_unobserved(&mut self, key: &str) {
        self.say(key, Said::Unobserved);
    }

    /// The last word counts.
    fn say(&mut self, key: &str, said: Said) {
        let key = if key.is_ascii() {
            key.to_ascii_lowercase()
        } else {
            key.to_lowercase()
        };
        match self.keys.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = said,
            None => self.keys.push((key, said)),
        }
    }

    fn get(&self, lower: &str) -> Option<&Said> {
        let found = self.keys.iter().find(|(key, _)| key == lower);
        found.map(|(_, said)| said)
    }
}
