//! The tables as they are embedded, read once. One line each, fields divided by tabs: `version V`; per service, `service S`, its
//! resource types as `type NAME ARN…`, its condition keys as `keys K…`, and its actions as `LEVEL NAME TYPES KEYS DEPENDENT`,
//! where types and keys are numbers in the lines before, with `!` for a type that each call names.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::OnceLock;

use super::{AccessLevel, Action, ResourceType, Sensitivity};

const ACTIONS: &str = include_str!("actions.tsv");
const SENSITIVE: &str = include_str!("sensitive.tsv");
const RCP_SERVICES: &str = include_str!("rcp_services.txt");

/// All tables.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) version: &'static str,
    /// By service, then by name without regard to case.
    pub(super) actions: Vec<Action>,
    /// Where each service's actions are in `actions`.
    pub(super) services: HashMap<&'static str, Range<usize>>,
    pub(super) rcp_services: HashSet<&'static str>,
}

pub(super) fn get() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let sensitive = SENSITIVE.lines().filter_map(sensitive).collect();
        let mut reader = Reader {
            table: Table {
                rcp_services: RCP_SERVICES.lines().collect(),
                ..Table::default()
            },
            sensitive,
            service: "",
            types: Vec::new(),
            keys: Vec::new(),
        };
        for line in ACTIONS.lines() {
            reader.line(line);
        }
        reader.table
    })
}

fn sensitive(line: &'static str) -> Option<(&'static str, Sensitivity)> {
    let (kind, action) = line.split_once('\t')?;
    let sensitivity = match kind {
        "escalation" => Sensitivity::PrivilegeEscalation,
        "credentials" => Sensitivity::CredentialsExposure,
        _ => Sensitivity::ResourceExposure,
    };
    Some((action, sensitivity))
}

/// The table so far, and what the service's lines before an action said.
struct Reader {
    table: Table,
    sensitive: HashMap<&'static str, Sensitivity>,
    service: &'static str,
    types: Vec<(&'static str, Vec<&'static str>)>,
    keys: Vec<&'static str>,
}

impl Reader {
    fn line(&mut self, line: &'static str) {
        let mut fields = line.split('\t');
        let first = fields.next().unwrap_or_default();
        let level = match first {
            "version" => {
                self.table.version = fields.next().unwrap_or_default();
                return;
            }
            "service" => {
                self.service = fields.next().unwrap_or_default();
                self.types.clear();
                return;
            }
            "type" => {
                let name = fields.next().unwrap_or_default();
                self.types.push((name, fields.collect()));
                return;
            }
            "keys" => {
                self.keys = fields.collect();
                return;
            }
            "L" => AccessLevel::List,
            "R" => AccessLevel::Read,
            "T" => AccessLevel::Tagging,
            "P" => AccessLevel::PermissionsManagement,
            _ => AccessLevel::Write,
        };
        let name = fields.next().unwrap_or_default();
        let mut list = || {
            let field = fields.next().unwrap_or_default();
            field.split(',').filter(|item| !item.is_empty())
        };
        let resource_types: Vec<ResourceType> = list().filter_map(|at| self.kind(at)).collect();
        let condition_keys = list().filter_map(|at| self.keys.get(number(at)?).copied());
        let condition_keys = condition_keys.collect();
        let dependent_actions = list().collect();
        let place = self.table.actions.len();
        let range = self
            .table
            .services
            .entry(self.service)
            .or_insert(place..place);
        range.end = place + 1;
        let full = format!("{}:{name}", self.service);
        self.table.actions.push(Action {
            service: self.service,
            name,
            access_level: level,
            is_wildcard_only: resource_types.is_empty(),
            resource_types,
            condition_keys,
            dependent_actions,
            sensitivity: self.sensitive.get(full.as_str()).copied(),
        });
    }

    fn kind(&self, at: &str) -> Option<ResourceType> {
        let number = number(at.trim_end_matches('!'))?;
        let (name, arns) = self.types.get(number)?;
        Some(ResourceType {
            name,
            arns: arns.clone(),
            is_required: at.ends_with('!'),
        })
    }
}

fn number(text: &str) -> Option<usize> {
    text.parse().ok()
}
