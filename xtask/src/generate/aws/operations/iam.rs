//! The published list of actions, as far as operations are concerned: names, access levels, resource types.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The actions of all services.
pub(super) struct Iam {
    services: HashMap<String, Service>,
}

struct Service {
    /// By name in lower case.
    actions: HashMap<String, Action>,
    /// By name in lower case.
    types: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Action {
    pub(super) name: String,
    pub(super) access_level: String,
    pub(super) resource_types: Vec<TypeUse>,
    #[serde(default)]
    dependent_actions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TypeUse {
    pub(super) name: String,
    pub(super) required: bool,
    #[serde(default)]
    dependent_actions: Vec<String>,
}

#[derive(Deserialize)]
struct ResourceType {
    arn: String,
}

impl Iam {
    /// # Errors
    /// The package does not look as it did.
    pub(super) fn read(package: &Path) -> Result<Self> {
        let mut services = HashMap::new();
        let folder = package.join("data/actions");
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = entry
                .with_context(|| format!("cannot read {}", folder.display()))?
                .path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let actions: BTreeMap<String, Action> = json(&path)?;
            let types_path = package.join(format!("data/resourceTypes/{name}.json"));
            let types: BTreeMap<String, ResourceType> = if types_path.is_file() {
                json(&types_path)?
            } else {
                BTreeMap::new()
            };
            let service = Service {
                actions: actions
                    .into_values()
                    .map(|action| (action.name.to_lowercase(), action))
                    .collect(),
                types: types
                    .into_iter()
                    .map(|(name, found)| (name.to_lowercase(), found.arn))
                    .collect(),
            };
            services.insert(name.into_owned(), service);
        }
        ensure!(
            services.len() > 300,
            "the list of actions has {} services, and has had more than 300",
            services.len()
        );
        Ok(Self { services })
    }

    pub(super) fn action(&self, prefix: &str, name: &str) -> Option<&Action> {
        self.services.get(prefix)?.actions.get(&name.to_lowercase())
    }

    /// The format of the ARNs of a service's resource type.
    pub(super) fn arn(&self, prefix: &str, resource_type: &str) -> Option<&str> {
        let types = &self.services.get(prefix)?.types;
        types.get(&resource_type.to_lowercase()).map(String::as_str)
    }
}

impl Action {
    /// Whether the list says that the action passes a role.
    pub(super) fn passes_role(&self) -> bool {
        let of_types = self
            .resource_types
            .iter()
            .flat_map(|of| &of.dependent_actions);
        self.dependent_actions
            .iter()
            .chain(of_types)
            .any(|action| action.eq_ignore_ascii_case("iam:PassRole"))
    }

    pub(super) fn changes_something(&self) -> bool {
        !matches!(self.access_level.as_str(), "Read" | "List")
    }
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not as known here", path.display()))
}
