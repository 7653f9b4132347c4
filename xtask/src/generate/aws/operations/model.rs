//! botocore's models of services: one per service and version of its API, the newest version first.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde::Deserialize;

/// One version of one service's API.
pub(super) struct Model {
    /// botocore's name of the service, which is also that of the AWS command line.
    pub(super) service: String,
    pub(super) metadata: Metadata,
    pub(super) operations: Vec<Operation>,
    pub(super) shapes: BTreeMap<String, Shape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) api_version: String,
    pub(super) endpoint_prefix: String,
    pub(super) global_endpoint: Option<String>,
    pub(super) signing_name: Option<String>,
    pub(super) protocol: String,
    #[serde(default)]
    pub(super) protocols: Vec<String>,
    pub(super) target_prefix: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Operation {
    #[serde(default)]
    pub(super) name: String,
    pub(super) http: Http,
    pub(super) input: Option<Reference>,
    #[serde(default)]
    deprecated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Http {
    pub(super) method: String,
    pub(super) request_uri: String,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    pub(super) shape: String,
    pub(super) location: Option<String>,
    pub(super) location_name: Option<String>,
    pub(super) query_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shape {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) required: Vec<String>,
    #[serde(default)]
    pub(super) members: BTreeMap<String, Reference>,
    pub(super) member: Option<Reference>,
    pub(super) value: Option<Reference>,
    pub(super) payload: Option<String>,
    pub(super) flattened: Option<bool>,
}

#[derive(Deserialize)]
struct Document {
    metadata: Metadata,
    operations: BTreeMap<String, Operation>,
    shapes: BTreeMap<String, Shape>,
}

impl Model {
    /// The name in the scope of a signature.
    pub(super) fn signing_name(&self) -> &str {
        self.metadata
            .signing_name
            .as_deref()
            .unwrap_or(&self.metadata.endpoint_prefix)
    }

    /// Every protocol that the service lists; its only one where it lists none.
    pub(super) fn protocols(&self) -> &[String] {
        if self.metadata.protocols.is_empty() {
            std::slice::from_ref(&self.metadata.protocol)
        } else {
            &self.metadata.protocols
        }
    }

    /// Whether requests are told apart by method and path.
    pub(super) fn is_rest(&self) -> bool {
        self.protocols()
            .iter()
            .any(|protocol| protocol.starts_with("rest-"))
    }

    pub(super) fn is(&self, protocol: &str) -> bool {
        self.protocols().iter().any(|listed| listed == protocol)
    }

    pub(super) fn input(&self, operation: &Operation) -> Option<&Shape> {
        self.shapes.get(&operation.input.as_ref()?.shape)
    }

    pub(super) fn shape(&self, reference: &Reference) -> Option<&Shape> {
        self.shapes.get(&reference.shape)
    }
}

/// All models of the package.
///
/// # Errors
/// The package does not look as it did.
pub(super) fn read(package: &Path) -> Result<Vec<Model>> {
    let data = package.join("botocore/data");
    let mut models = Vec::new();
    for service in folders(&data)? {
        let folder = data.join(&service);
        let mut versions = folders(&folder)?;
        versions.reverse();
        for version in versions {
            let path = folder.join(version).join("service-2.json.gz");
            if path.is_file() {
                models.push(model(&service, &path)?);
            }
        }
    }
    ensure!(
        models.len() > 400,
        "botocore has {} models, and has had more than 400",
        models.len()
    );
    Ok(models)
}

fn model(service: &str, path: &Path) -> Result<Model> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let document: Document = serde_json::from_reader(GzDecoder::new(file))
        .with_context(|| format!("{} is no model as known here", path.display()))?;
    // The key is what clients send; the name inside may differ from it in letters.
    let mut operations: Vec<Operation> = document
        .operations
        .into_iter()
        .map(|(name, operation)| Operation { name, ..operation })
        .collect();
    // Of two that look alike the one that is still to be used comes first.
    operations.sort_by_key(|operation| operation.deprecated);
    Ok(Model {
        service: service.to_owned(),
        metadata: document.metadata,
        operations,
        shapes: document.shapes,
    })
}

fn folders(of: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(of).with_context(|| format!("cannot read {}", of.display()))? {
        let entry = entry.with_context(|| format!("cannot read {}", of.display()))?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
