//! All policies that bear on a principal, compiled once, and asked many times. How statements are compiled and found is in
//! `compile` and `index`, how their answers are put together in `evaluate`, and what is granted at all in `granted`.

mod compile;
mod evaluate;
mod index;

use std::sync::Arc;

use super::{Decision, Document, Layer, Request};

use compile::{Compiled, Source};
use index::Index;

/// A policy and the name to call it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Such as `AmazonS3ReadOnlyAccess`.
    pub name: String,
    /// What it says.
    pub document: Arc<Document>,
}

/// The policies that bear on a request, by where they stand. An empty list means that there are none of that kind, and that
/// nothing is limited by it; only `identity` has to allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// Attached to the principal or its groups.
    pub identity: Vec<Policy>,
    /// The permissions boundary.
    pub boundary: Vec<Policy>,
    /// Session policies.
    pub session: Vec<Policy>,
    /// Service control policies: by level, from the root to the account. Each level has to allow.
    pub scp: Vec<Vec<Policy>>,
    /// Resource control policies, by level. They only deny: AWS attaches one that allows everything itself.
    pub rcp: Vec<Vec<Policy>>,
    /// The resource's policy, or the trust policy of a role.
    pub resource: Option<Policy>,
}

/// Policies, compiled.
#[derive(Clone, Debug)]
pub struct PolicySet {
    /// The layers that there are, without those that are empty.
    layers: Vec<Layer>,
    statements: Vec<Compiled>,
    /// Where each statement is from, by its number.
    sources: Vec<Source>,
    index: Index,
}

impl PolicySet {
    /// Compiles policies. Costs as much as some thousand evaluations.
    #[must_use]
    pub fn new(policies: &Policies) -> Self {
        let mut set = Self {
            layers: Vec::new(),
            statements: Vec::new(),
            sources: Vec::new(),
            index: Index::default(),
        };
        set.add(Layer::Identity, &policies.identity);
        set.add(Layer::Boundary, &policies.boundary);
        set.add(Layer::Session, &policies.session);
        for (level, policies) in policies.scp.iter().enumerate() {
            set.add(Layer::Scp(level), policies);
        }
        for (level, policies) in policies.rcp.iter().enumerate() {
            set.add(Layer::Rcp(level), policies);
        }
        set.add(Layer::Resource, policies.resource.as_slice());
        set
    }

    /// What the policies answer.
    #[must_use]
    pub fn evaluate(&self, request: &Request) -> Decision {
        evaluate::decide(self, request)
    }

    fn add(&mut self, layer: Layer, policies: &[Policy]) {
        if policies.is_empty() {
            return;
        }
        let number = self.layers.len();
        self.layers.push(layer);
        for policy in policies {
            let document = &policy.document;
            for (place, statement) in document.statements.iter().enumerate() {
                self.index.add(self.statements.len(), &statement.action);
                let compiled = Compiled::new(number, layer, document, statement);
                self.statements.push(compiled);
                self.sources.push(Source {
                    layer,
                    policy: policy.name.clone(),
                    index: place,
                    sid: statement.sid.clone(),
                });
            }
        }
    }
}
