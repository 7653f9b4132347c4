//! The actions of an operation, from its column in the table: `;` between actions, spaces between an action and its
//! resources. An action is `prefix:Name`, and after it `?SOURCE` where it is needed only if the request has that source,
//! `?!SOURCE` where only if it has not, `+` where only if one of its resources was found. A resource is a template with
//! `!` (always a resource of the action; what is not known of it is `*`), `?` (only if all of it is known), or `^!` (only
//! if none was found before it).

use smallvec::SmallVec;

use super::body::Values;
use super::endpoint::{self, Endpoint};
use super::find::Matched;
use super::s3::Place;
use super::scope::Account;
use super::template::{self, Resources};
use super::uri::{self, Query};
use super::{ActionUse, Request, partiql};

/// More resources of one action are not told apart.
const MAX_RESOURCES: usize = 1000;

/// All that actions and resources are made of.
pub(super) struct Context<'r, 'a> {
    pub(super) request: &'r Request<'a>,
    pub(super) matched: &'r Matched<'a>,
    pub(super) region: &'r str,
    pub(super) account: Option<Account>,
    pub(super) partition: &'static str,
    pub(super) query: Query<'a>,
    pub(super) values: Values<'a>,
    /// Bucket and key; None for other services than S3.
    pub(super) s3: Option<Place<'a>>,
}

impl<'r, 'a> Context<'r, 'a> {
    pub(super) fn new(
        request: &'r Request<'a>,
        matched: &'r Matched<'a>,
        region: Option<&'r str>,
        account: Option<Account>,
        endpoint: &Endpoint<'a>,
    ) -> Self {
        let query = Query::of(request.path);
        let form = request.path.split_once('?').map_or("", |(_, query)| query);
        let partition = endpoint::partition(region);
        let s3 = (matched.service().name == "s3").then(|| Place::of(matched, endpoint));
        Self {
            request,
            matched,
            region: region.unwrap_or("*"),
            account,
            partition,
            query,
            values: Values::read(
                template::body_paths(matched.operation.actions),
                matched.format,
                form,
                request.body,
                request.body_complete,
            ),
            s3,
        }
    }

    pub(super) fn account(&self) -> &str {
        self.account.as_ref().map_or("*", Account::as_str)
    }

    /// The actions, and whether the body said all that they are made of.
    pub(super) fn actions(&self) -> (Vec<ActionUse>, bool) {
        let column = self.matched.operation.actions;
        let mut uses: Vec<ActionUse> = Vec::with_capacity(1);
        for column in column.split(';') {
            let mut tokens = column.split(' ');
            let head = tokens.next().unwrap_or_default();
            let (head, only_with_resources) = match head.strip_suffix('+') {
                Some(head) => (head, true),
                None => (head, false),
            };
            let (name, condition) = head.split_once('?').unwrap_or((head, ""));
            if !self.holds(condition) {
                continue;
            }
            if name == "dynamodb:@partiql" {
                partiql::add(self, tokens.next().unwrap_or_default(), &mut uses);
                continue;
            }
            let mut resources = Resources::default();
            for token in tokens {
                template::expand(self, token, &mut resources);
            }
            let resources = resources.finish();
            if resources.is_empty() && only_with_resources {
                continue;
            }
            add(&mut uses, self.name(name), resources);
        }
        (uses, self.values.whole)
    }

    fn holds(&self, condition: &'static str) -> bool {
        match condition.strip_prefix('!') {
            _ if condition.is_empty() => true,
            Some(source) => !template::has(self, source),
            None => template::has(self, condition),
        }
    }

    /// The action's name, where the request has a say in it.
    fn name(&self, name: &'static str) -> String {
        if name == "apigateway:@verb" {
            return format!("apigateway:{}", self.request.method);
        }
        match (&self.s3, name.strip_prefix("s3:")) {
            (Some(s3), Some(own)) => s3.action(own),
            _ => name.to_owned(),
        }
    }

    /// The path of the request, decoded, without the version that API Gateway's second API begins with.
    pub(super) fn path(&self) -> String {
        let path = uri::decoded(uri::path(self.request.path));
        let path = path
            .strip_prefix("/v2/")
            .map_or(path.as_ref(), |_| &path[3..]);
        path.trim_end_matches('/').to_owned()
    }
}

/// Adds resources to an action; one without any is used on `*`.
pub(super) fn add(uses: &mut Vec<ActionUse>, action: String, mut resources: Vec<String>) {
    if resources.is_empty() || resources.len() > MAX_RESOURCES {
        resources = vec!["*".to_owned()];
    }
    match uses.iter_mut().find(|found| found.action == action) {
        None => uses.push(ActionUse { action, resources }),
        Some(found) => {
            let new: SmallVec<[String; 4]> = resources
                .into_iter()
                .filter(|resource| !found.resources.contains(resource))
                .collect();
            found.resources.extend(new);
        }
    }
}
