//! Which actions an operation needs: the action of the same name where one is published, else what `overrides.txt` says.
//! Where neither knows, the action is named after the operation and listed as undocumented.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::{Context, Result, ensure};

use super::iam::Iam;
use super::model::{Model, Operation};
use super::{pass_role, resource, tagging, wire};

/// Facts that follow from no rule, from the Service Authorization Reference and the services' own pages.
const OVERRIDES: &str = include_str!("overrides.txt");

/// Signing names that are not the prefix of their actions.
const PREFIXES: [(&str, &str); 16] = [
    ("monitoring", "cloudwatch"),
    ("cloudcontrolapi", "cloudformation"),
    ("iotdata", "iot"),
    ("iot-jobs-data", "iotjobsdata"),
    ("IoTSecuredTunneling", "iot"),
    ("mturk-requester", "mechanicalturk"),
    ("tagging", "tag"),
    ("awsssoportal", "sso"),
    ("sso-oauth", "sso-oauth"),
    ("partnercentral-account", "partnercentral"),
    ("partnercentral-benefits", "partnercentral"),
    ("partnercentral-channel", "partnercentral"),
    ("partnercentral-selling", "partnercentral"),
    ("IngestionService", "importexport"),
    ("sagemaker-geospatial", "sagemaker-geospatial"),
    ("cloudsearchdomain", "cloudsearch"),
];

pub(super) struct Actions<'i> {
    iam: &'i Iam,
    /// By `service.operation`; an operation `*` stands for all of a service.
    overrides: HashMap<&'static str, &'static str>,
    used: RefCell<HashSet<&'static str>>,
}

impl<'i> Actions<'i> {
    /// # Errors
    /// A line of the overrides cannot be read, or names an action that is not published.
    pub(super) fn new(iam: &'i Iam) -> Result<Self> {
        let mut overrides = HashMap::new();
        for line in OVERRIDES.lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (operation, column) = line
                .split_once(" = ")
                .with_context(|| format!("overrides.txt: no ` = ` in {line}"))?;
            for action in column.split("; ") {
                let name = action.split([' ', '?', '+']).next().unwrap_or_default();
                let (prefix, name) = name
                    .split_once(':')
                    .with_context(|| format!("overrides.txt: no action in {line}"))?;
                ensure!(
                    name.starts_with('@') || iam.action(prefix, name).is_some(),
                    "overrides.txt: {prefix}:{name} is no published action, in {line}"
                );
            }
            ensure!(
                overrides.insert(operation, column).is_none(),
                "overrides.txt: {operation} is there twice"
            );
        }
        Ok(Self {
            iam,
            overrides,
            used: RefCell::default(),
        })
    }

    /// The column of the operation's actions.
    pub(super) fn of(
        &self,
        model: &Model,
        operation: &Operation,
        undocumented: &mut BTreeSet<String>,
    ) -> String {
        let prefix = prefix(model);
        let published = self.iam.action(prefix, &operation.name);
        let mut columns = Vec::new();
        let override_ = self.override_of(&model.service, &operation.name);
        if let Some(column) = override_ {
            for action in column.split("; ") {
                columns.push(self.with_resources(model, operation, action));
            }
        } else if let Some(action) = published {
            let full = format!("{prefix}:{}", action.name);
            columns.push(self.with_resources(model, operation, &full));
        } else {
            let full = format!("{prefix}:{}", operation.name);
            undocumented.insert(full.clone());
            columns.push(full);
        }
        if !columns
            .iter()
            .any(|column| column.starts_with("iam:PassRole"))
        {
            columns.extend(pass_role::column(model, operation, published));
        }
        let main = columns.first().cloned().unwrap_or_default();
        columns.extend(tagging::column(model, operation, &main));
        columns.join(";")
    }

    fn override_of(&self, service: &str, operation: &str) -> Option<&'static str> {
        let all = format!("{service}.*");
        let one = format!("{service}.{operation}");
        let (key, column) = self
            .overrides
            .get_key_value(one.as_str())
            .or_else(|| self.overrides.get_key_value(all.as_str()))?;
        self.used.borrow_mut().insert(*key);
        Some(column)
    }

    /// An action of an override says its resources itself, or leaves them to the rules.
    fn with_resources(&self, model: &Model, operation: &Operation, action: &str) -> String {
        if action.contains(' ') {
            return action.replace(" *", "");
        }
        let name = action.split(['?', '+']).next().unwrap_or_default();
        let (prefix, name) = name.split_once(':').unwrap_or((name, ""));
        let Some(published) = self.iam.action(prefix, name) else {
            return action.to_owned();
        };
        let members = wire::members(model, operation);
        let templates = resource::templates(
            self.iam,
            prefix,
            published,
            &model.service,
            operation,
            &members,
        );
        std::iter::once(action.to_owned())
            .chain(templates)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// # Errors
    /// An override is for an operation that no model has.
    pub(super) fn all_overrides_were_used(&self) -> Result<()> {
        let used = self.used.borrow();
        let unused: Vec<_> = self
            .overrides
            .keys()
            .filter(|key| !used.contains(*key))
            .copied()
            .collect();
        ensure!(
            unused.is_empty(),
            "overrides.txt: botocore has no {}",
            unused.join(", ")
        );
        Ok(())
    }
}

fn prefix(model: &Model) -> &str {
    let signing = model.signing_name();
    PREFIXES
        .iter()
        .find(|(name, _)| *name == signing)
        .map_or(signing, |(_, prefix)| prefix)
}
