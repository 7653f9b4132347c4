//! What policies grant, action by action: wildcards expanded, and what a deny, a boundary or a control policy takes away
//! for sure left out. What hangs on a condition counts as granted.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use whittle_grants::aws::{
    Document, Effect, Match, Policies, Policy, Statement,
    actions::{self, Action},
};

use super::glob::Glob;

/// An action that is granted, and on what.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The action.
    pub action: &'static Action,
    /// Resources as the statements have them, each once.
    pub on: Vec<GrantedOn>,
}

/// Resources of one grant.
#[derive(Clone, Debug)]
pub struct GrantedOn {
    /// As the statement has it; `everything but …` for a `NotResource`.
    pub resource: Arc<str>,
    set: Arc<ResourceSet>,
}

impl GrantedOn {
    /// Whether the grant speaks of this resource. `*` is any resource.
    #[must_use]
    pub fn matches(&self, resource: &[u8]) -> bool {
        resource == b"*" || self.set.matches(resource)
    }
}

/// Resources of a `Resource` pattern or a `NotResource`.
#[derive(Debug)]
enum ResourceSet {
    Like(Glob),
    AllBut(Vec<Glob>),
}

impl ResourceSet {
    fn matches(&self, resource: &[u8]) -> bool {
        match self {
            Self::Like(glob) => glob.matches(resource),
            Self::AllBut(globs) => !globs.iter().any(|glob| glob.matches(resource)),
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Like(a), Self::Like(b)) => a.overlaps(b),
            (Self::Like(like), Self::AllBut(but)) | (Self::AllBut(but), Self::Like(like)) => {
                !but.iter().any(|but| but.covers(like))
            }
            (Self::AllBut(_), Self::AllBut(_)) => true,
        }
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Like(outer), Self::Like(inner)) => outer.covers(inner),
            (Self::Like(outer), Self::AllBut(_)) => outer.is_all(),
            (Self::AllBut(but), Self::Like(inner)) => !but.iter().any(|but| but.overlaps(inner)),
            (Self::AllBut(outer), Self::AllBut(inner)) => {
                let excluded = |but| inner.iter().any(|inner: &Glob| inner.covers(but));
                outer.iter().all(excluded)
            }
        }
    }
}

type Key = (&'static str, &'static str);

/// A statement with its actions expanded.
struct Expanded {
    actions: BTreeMap<Key, &'static Action>,
    resources: Vec<(Arc<str>, Arc<ResourceSet>)>,
    is_conditional: bool,
}

/// Everything that the policies grant, by service and action.
#[must_use]
pub fn granted(policies: &Policies) -> Vec<Granted> {
    let denies: Vec<Expanded> = all_documents(policies)
        .flat_map(|document| statements(document, Effect::Deny))
        .filter(|deny| !deny.is_conditional)
        .collect();
    let levels = [&policies.boundary, &policies.session].into_iter();
    let limits: Vec<Vec<Expanded>> = levels
        .chain(&policies.scp)
        .filter(|level| !level.is_empty())
        .map(|level| {
            let documents = level.iter().map(|policy| &*policy.document);
            documents
                .flat_map(|document| statements(document, Effect::Allow))
                .collect()
        })
        .collect();
    let mut found: BTreeMap<Key, Granted> = BTreeMap::new();
    let identity = policies.identity.iter().map(|policy| &*policy.document);
    for allow in identity.flat_map(|document| statements(document, Effect::Allow)) {
        for (resource, set) in &allow.resources {
            let mut kinds = Kinds::default();
            for (key, action) in &allow.actions {
                let is_denied = denies
                    .iter()
                    .any(|deny| deny.has(*key, |denied| denied.covers(set)));
                let within = |level: &Vec<Expanded>| {
                    level
                        .iter()
                        .any(|allow| allow.has(*key, |allowed| allowed.overlaps(set)))
                };
                if is_denied || !limits.iter().all(within) || !kinds.fit(action, set) {
                    continue;
                }
                let granted = found.entry(*key).or_insert_with(|| Granted {
                    action,
                    on: Vec::new(),
                });
                if !granted.on.iter().any(|on| on.resource == *resource) {
                    granted.on.push(GrantedOn {
                        resource: resource.clone(),
                        set: set.clone(),
                    });
                }
            }
        }
    }
    found.into_values().collect()
}

/// Action patterns of the identity policies that match no action that exists.
#[must_use]
pub fn unmatched(policies: &Policies) -> BTreeSet<&str> {
    let documents = policies.identity.iter().map(|policy| &*policy.document);
    let unmatched = documents.flat_map(actions::unmatched);
    unmatched.map(|unmatched| unmatched.pattern).collect()
}

/// What the identity policies allow as they are written: pattern by pattern.
pub(super) fn patterns(policies: &Policies) -> BTreeSet<(String, Arc<str>)> {
    let documents = policies.identity.iter().map(|policy| &policy.document);
    let allows = documents
        .flat_map(|document| &document.statements)
        .filter(|statement| statement.effect == Effect::Allow);
    let of_statement = |statement: &Statement| {
        let actions = match &statement.action {
            Match::Any(patterns) => patterns.clone(),
            Match::Not(patterns) => vec![format!("everything but {}", patterns.join(", "))],
        };
        let resources = resources(statement);
        let pairs = actions.into_iter().flat_map(move |action| {
            let resources = resources.clone();
            resources
                .into_iter()
                .map(move |(resource, _)| (action.clone(), resource))
        });
        pairs.collect::<Vec<_>>()
    };
    allows.flat_map(of_statement).collect()
}

fn all_documents(policies: &Policies) -> impl Iterator<Item = &Document> {
    let levels = [&policies.identity, &policies.boundary, &policies.session];
    let levels = levels.into_iter().chain(&policies.scp).chain(&policies.rcp);
    levels.flatten().map(|policy: &Policy| &*policy.document)
}

fn statements(document: &Document, effect: Effect) -> impl Iterator<Item = Expanded> {
    let wanted = document
        .statements
        .iter()
        .filter(move |statement| statement.effect == effect);
    wanted.map(|statement| Expanded {
        actions: expand(&statement.action),
        resources: resources(statement),
        is_conditional: !statement.conditions.is_empty(),
    })
}

fn expand(action: &Match) -> BTreeMap<Key, &'static Action> {
    let keyed = |action: &'static Action| ((action.service, action.name), action);
    let named = action
        .patterns()
        .iter()
        .flat_map(|pattern| actions::expand(pattern))
        .map(keyed);
    if action.is_not() {
        let but: BTreeSet<Key> = named.map(|(key, _)| key).collect();
        let all = actions::all().iter().map(keyed);
        all.filter(|(key, _)| !but.contains(key)).collect()
    } else {
        named.collect()
    }
}

fn resources(statement: &Statement) -> Vec<(Arc<str>, Arc<ResourceSet>)> {
    let like = |pattern: &str| {
        let set = ResourceSet::Like(Glob::new(pattern));
        (Arc::from(pattern), Arc::new(set))
    };
    match &statement.resource {
        None => vec![like("*")],
        Some(Match::Any(patterns)) => patterns.iter().map(|pattern| like(pattern)).collect(),
        Some(Match::Not(patterns)) => {
            let globs = patterns.iter().map(|pattern| Glob::new(pattern)).collect();
            let words = format!("everything but {}", patterns.join(", "));
            vec![(words.into(), Arc::new(ResourceSet::AllBut(globs)))]
        }
    }
}

impl Expanded {
    fn has(&self, key: Key, fits: impl Fn(&ResourceSet) -> bool) -> bool {
        self.actions.contains_key(&key) && self.resources.iter().any(|(_, set)| fits(set))
    }
}

/// Which kinds of resources a pattern may mean. Many actions share a kind.
#[derive(Default)]
struct Kinds {
    overlaps: HashMap<&'static str, bool>,
}

impl Kinds {
    /// Whether the action can be granted there: `s3:ListAllMyBuckets` on `arn:aws:s3:::b/*` is nothing.
    fn fit(&mut self, action: &'static Action, set: &ResourceSet) -> bool {
        if matches!(set, ResourceSet::Like(glob) if glob.is_all()) {
            return true;
        }
        if action.is_wildcard_only {
            return set.matches(b"*");
        }
        let mut of_kind = |arn: &'static str| {
            let overlaps = self.overlaps.entry(arn);
            *overlaps.or_insert_with(|| set.overlaps(&ResourceSet::Like(Glob::new(arn))))
        };
        action.resource_types.is_empty()
            || action
                .resource_types
                .iter()
                .any(|kind| kind.arns.iter().any(|arn| of_kind(arn)))
    }
}
