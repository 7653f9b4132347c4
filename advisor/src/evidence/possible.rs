//! Calls that may have used a permission, though nobody can say so: requests that are not known, and requests with keys of
//! unknown principals. What they may have used is never unused.

use std::collections::{BTreeMap, HashMap};

use super::{granted::GrantedOn, usage::Actor};

/// What may have been used, each with words on how.
#[derive(Debug, Default)]
pub(super) struct Possible {
    /// Any action of a service; None: any action at all.
    services: BTreeMap<Option<String>, String>,
    /// By action in lower case, then by resource.
    actions: HashMap<String, Vec<(Vec<u8>, String)>>,
}

impl Possible {
    /// Adds requests that ask for something that is not known. `words` say by whom.
    pub(super) fn add_unmapped(&mut self, actor: &Actor<'_>, words: &str) {
        let used = actor.unmapped.iter().filter(|(_, used)| used.is_use());
        for (service, used) in used {
            let count = used.allowed.saturating_add(used.failed);
            let what = service.map_or("any service", |service| service);
            let service = service.map(str::to_lowercase);
            self.services.entry(service).or_insert_with(|| {
                format!("may be what {count} requests to {what} asked for{words}: whittle does not know their operation")
            });
        }
    }

    /// Adds what a key did that may be the principal's own.
    pub(super) fn add_uses(&mut self, actor: &Actor<'_>, words: &str) {
        for (action, resources) in &actor.uses {
            let of_action = self.actions.entry(action.to_lowercase()).or_default();
            for (resource, _) in resources.iter().filter(|(_, used)| used.is_use()) {
                of_action.push((resource.to_vec(), format!("it was used{words}")));
            }
        }
    }

    /// Words on how an action, in lower case, may have been used there.
    pub(super) fn of(&self, action: &str, on: &GrantedOn) -> Option<String> {
        let mut uses = self.actions.get(action).into_iter().flatten();
        if let Some((_, words)) = uses.find(|(resource, _)| on.matches(resource)) {
            return Some(words.clone());
        }
        let service = action.split(':').next().map(str::to_owned);
        let words = self
            .services
            .get(&service)
            .or_else(|| self.services.get(&None));
        words.cloned()
    }
}
