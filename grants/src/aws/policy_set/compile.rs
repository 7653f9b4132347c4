//! A statement, compiled: everything but its actions, which the index knows.

use crate::aws::caller::{Entry, Named};
use crate::aws::condition::Test;
use crate::aws::observed::Trace;
use crate::aws::template::{Style, Template};
use crate::aws::truth::{Truth, all, any};
use crate::aws::{Document, Effect, Layer, Match, MatchPrincipal, Request, Statement, StatementId};

/// Where a statement is from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) layer: Layer,
    pub(super) policy: String,
    pub(super) index: usize,
    pub(super) sid: Option<String>,
}

impl From<&Source> for StatementId {
    fn from(source: &Source) -> Self {
        Self {
            layer: source.layer,
            policy: source.policy.clone(),
            index: source.index,
            sid: source.sid.clone(),
        }
    }
}

/// A compiled statement.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    /// Number of its layer in the set.
    pub(super) layer: usize,
    pub(super) effect: Effect,
    principal: Principals,
    resource: Resources,
    tests: Box<[Test]>,
}

#[derive(Clone, Debug)]
enum Principals {
    /// The statement is the principal's own, or an organization's.
    Own,
    Any(Box<[Entry]>),
    Not(Box<[Entry]>),
}

#[derive(Clone, Debug)]
enum Resources {
    /// The statement names none, for it is attached to the resource.
    Own,
    Any(Box<[Template]>),
    Not(Box<[Template]>),
}

impl Compiled {
    pub(super) fn new(
        number: usize,
        layer: Layer,
        document: &Document,
        statement: &Statement,
    ) -> Self {
        let has_variables = document.has_variables();
        let entries = |entries: &[_]| entries.iter().map(Entry::from).collect();
        let principal = match (&statement.principal, layer) {
            (Some(MatchPrincipal::Any(these)), _) => Principals::Any(entries(these)),
            (Some(MatchPrincipal::Not(these)), _) => Principals::Not(entries(these)),
            // Attached to a resource, and of nobody: it applies to nobody.
            (None, Layer::Resource) => Principals::Any(Box::new([])),
            (None, _) => Principals::Own,
        };
        let template = |pattern: &String| resource(layer, pattern, has_variables);
        let resource = match (&statement.resource, layer) {
            (Some(Match::Any(these)), _) => Resources::Any(these.iter().map(template).collect()),
            (Some(Match::Not(these)), _) => Resources::Not(these.iter().map(template).collect()),
            (None, Layer::Resource) => Resources::Own,
            (None, _) => Resources::Any(Box::new([])),
        };
        let tests = statement.conditions.iter();
        Self {
            layer: number,
            effect: statement.effect,
            principal,
            resource,
            tests: tests
                .filter_map(|condition| Test::new(condition, has_variables))
                .collect(),
        }
    }

    /// How it speaks of who asks. None: of somebody else.
    pub(super) fn names(&self, request: &Request) -> Option<Named> {
        let most = |entries: &[Entry]| {
            let named = entries.iter().map(|entry| request.caller.named_by(entry));
            named.max().flatten()
        };
        match &self.principal {
            Principals::Own => Some(Named::Directly),
            Principals::Any(entries) => most(entries),
            Principals::Not(entries) => {
                // To except an account from a Deny does not except everyone in it; AWS asks for the account's ARN beside
                // the ARN of whom it should spare.
                let is_excepted = match self.effect {
                    Effect::Allow => most(entries).is_some(),
                    Effect::Deny => most(entries) > Some(Named::Account),
                };
                (!is_excepted).then_some(Named::Directly)
            }
        }
    }

    /// Whether it applies to the request's resource and context; who asks and the action were looked at before.
    pub(super) fn applies<'a>(&'a self, request: &Request, trace: &mut Trace<'a>) -> Truth {
        let mut matches =
            |template: &'a Template| template.matches(&request.resource, request, trace);
        let resource = match &self.resource {
            Resources::Own => Truth::Yes,
            Resources::Any(templates) => any(templates.iter().map(&mut matches)),
            Resources::Not(templates) => !any(templates.iter().map(&mut matches)),
        };
        if resource == Truth::No {
            return Truth::No;
        }
        resource.min(all(self
            .tests
            .iter()
            .map(|test| test.holds(request, trace))))
    }
}

/// A pattern of `Resource`. In a principal's own policies AWS completes an ARN that has too few parts.
fn resource(layer: Layer, pattern: &str, has_variables: bool) -> Template {
    if !pattern.starts_with("arn:") {
        return Template::new(pattern, Style::Wild, has_variables);
    }
    let missing = 5_usize.saturating_sub(pattern.matches(':').count());
    let is_own = matches!(layer, Layer::Identity | Layer::Boundary);
    if missing == 0 || !is_own {
        return Template::new(pattern, Style::Resource, has_variables);
    }
    let completed = format!("{pattern}{}", ":*".repeat(missing));
    Template::new(&completed, Style::Resource, has_variables)
}
