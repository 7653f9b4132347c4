//! The actions of an operation, with their resources: what its plan (`plan.rs`) comes to in a request.

use smallvec::SmallVec;

use super::body::Values;
use super::endpoint::{self, Endpoint};
use super::find::Matched;
use super::plan::{Name, Plan};
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
    plan: &'static Plan,
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
        let plan = matched.operation.plan();
        let form = request.path.split_once('?').map_or("", |(_, query)| query);
        let partition = endpoint::partition(region);
        let s3 = (matched.service().name == "s3").then(|| Place::of(matched, endpoint));
        Self {
            request,
            matched,
            plan,
            region: region.unwrap_or("*"),
            account,
            partition,
            query,
            values: Values::read(
                &plan.paths,
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
        let mut uses: Vec<ActionUse> = Vec::with_capacity(1);
        for planned in &self.plan.uses {
            let holds = planned.condition.as_ref().is_none_or(|condition| {
                template::has(self, &condition.source) != condition.is_absent
            });
            if !holds {
                continue;
            }
            let name = match &planned.name {
                Name::Is(name) => self.name(name),
                Name::Verb => format!("apigateway:{}", self.request.method),
                Name::PartiQl(source) => {
                    partiql::add(self, source.path, &mut uses);
                    continue;
                }
            };
            let mut resources = Resources::default();
            for template in &planned.templates {
                template::expand(self, template, &mut resources);
            }
            let resources = resources.finish();
            if !resources.is_empty() || !planned.only_with_resources {
                add(&mut uses, name, resources);
            }
        }
        (uses, self.values.whole)
    }

    /// S3's other kinds have actions of their own.
    fn name(&self, name: &'static str) -> String {
        match (&self.s3, name.strip_prefix("s3:")) {
            (Some(s3), Some(own)) => s3.action(own),
            _ => name.to_owned(),
        }
    }

    /// The number of a path in the body.
    pub(super) fn path_of(&self, path: &str) -> usize {
        let mut paths = self.plan.paths.iter();
        paths.position(|known| *known == path).unwrap_or(usize::MAX)
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
