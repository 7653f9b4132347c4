//! Finds the statements whose action patterns match an action, without a look at the others: by service, then by exact name,
//! then by the patterns of that service. What begins with a wildcard, and `NotAction`, is tried for each action.

use std::collections::HashMap;

use crate::aws::Match;
use crate::aws::glob::Glob;

/// From actions to numbers of statements.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    services: HashMap<Box<str>, Service>,
    /// Patterns over `service:name` whose service has a wildcard.
    general: Vec<(Glob, usize)>,
    /// `NotAction`: the patterns that exclude, over `service:name`.
    negated: Vec<(Vec<Glob>, usize)>,
}

#[derive(Clone, Debug, Default)]
struct Service {
    exact: HashMap<Box<str>, Vec<usize>>,
    /// Patterns over `service:name`.
    patterns: Vec<(Glob, usize)>,
}

impl Index {
    pub(super) fn add(&mut self, statement: usize, action: &Match) {
        let patterns = action
            .patterns()
            .iter()
            .map(|pattern| pattern.to_ascii_lowercase());
        if action.is_not() {
            let globs = patterns.map(|pattern| Glob::new(&pattern)).collect();
            self.negated.push((globs, statement));
            return;
        }
        for pattern in patterns {
            let glob = Glob::new(&pattern);
            let service = pattern.split_once(':').map_or("*", |(service, _)| service);
            if service.contains(['*', '?']) {
                self.general.push((glob, statement));
                continue;
            }
            let service = self.services.entry(service.into()).or_default();
            match glob.exact() {
                Some(exact) => service
                    .exact
                    .entry(exact.into())
                    .or_default()
                    .push(statement),
                None => service.patterns.push((glob, statement)),
            }
        }
    }

    /// Calls `found` with each statement that matches an action given in lower case; with some more than once.
    pub(super) fn find(&self, service: &str, action: &str, mut found: impl FnMut(usize)) {
        if let Some(service) = self.services.get(service) {
            service
                .exact
                .get(action)
                .into_iter()
                .flatten()
                .for_each(|number| found(*number));
            let matching = service
                .patterns
                .iter()
                .filter(|(glob, _)| glob.matches(action));
            matching.for_each(|(_, number)| found(*number));
        }
        let matching = self.general.iter().filter(|(glob, _)| glob.matches(action));
        matching.for_each(|(_, number)| found(*number));
        let excluded = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(action));
        let matching = self.negated.iter().filter(|(globs, _)| !excluded(globs));
        matching.for_each(|(_, number)| found(*number));
    }
}
