//! Whom a name on the command line means: a role or user by its ARN, a key by its id, a subject by its id or a part of its
//! executable or script.

use std::collections::{BTreeMap, BTreeSet};

use whittle_schemas::table::{SubjectRow, Tables, UsageRow, text::escape};

use super::{
    Identities,
    cloud::{cloud_rows, is_principal},
};
use crate::evidence::identity::is_meant;

/// Most names that an error lists.
const MOST_LISTED: usize = 8;

/// Programs that set a container up from inside it. What they do is not what the container needs.
const RUNTIMES: [&str; 8] = [
    "runc",
    "crun",
    "youki",
    "runsc",
    "conmon",
    "docker-init",
    "containerd-shim-runc-v2",
    "containerd-shim",
];

/// Somebody whose history is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody in the tables.
    Everyone,
    /// A role or user, by ARN.
    Principal(String),
    /// A key, by its id.
    AccessKey(String),
    /// One subject, by its id.
    Subject(String),
}

/// Why a name means nobody, or too many.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody has this name.
    #[error(
        "nothing recorded belongs to {asked:?}: give the ARN of a role or user, an access key id, a subject's id or a part of its executable or script; {there}"
    )]
    Nobody {
        /// What was asked for.
        asked: String,
        /// Who is there instead.
        there: String,
    },
    /// Several subjects have it.
    #[error("{asked:?} is a part of the names of {} subjects: say which by its id, {}", subjects.len(), listed(subjects))]
    Several {
        /// What was asked for.
        asked: String,
        /// Ids and names of these.
        subjects: Vec<String>,
    },
}

impl Who {
    /// Finds whom `asked` means.
    ///
    /// # Errors
    /// It is nobody, or several subjects.
    pub fn find(asked: &str, tables: &Tables) -> Result<Self, Error> {
        let identities = Identities::of(tables);
        let acts = |who: &Self| {
            cloud_rows(tables).any(|row| who.made(row, identities.principal(row).as_deref()))
        };
        let cloud = if is_principal(asked) {
            Some(Self::Principal(asked.to_owned()))
        } else if is_key(asked) {
            Some(Self::AccessKey(asked.to_owned()))
        } else {
            None
        };
        if let Some(who) = cloud {
            return if acts(&who) {
                Ok(who)
            } else {
                Err(nobody(asked, tables))
            };
        }
        let names: BTreeMap<&str, String> = tables
            .subjects
            .iter()
            .map(|row| (row.subject_id.as_str(), name(row)))
            .collect();
        if names.contains_key(asked) || tables.usage.iter().any(|row| row.subject_id == asked) {
            return Ok(Self::Subject(asked.to_owned()));
        }
        // The program that a name is the whole of goes before all that it is a part of.
        let whole = |name: &str| {
            name.split(' ')
                .any(|part| part == asked || part.ends_with(&format!("/{asked}")))
        };
        let find = |test: &dyn Fn(&str) -> bool| -> Vec<(&str, &String)> {
            let found = names.iter().filter(|(_, name)| test(name));
            found.map(|(id, name)| (*id, name)).collect()
        };
        let exact = if asked.is_empty() {
            Vec::new()
        } else {
            find(&whole)
        };
        let found = match exact.len() {
            1 => exact,
            _ if asked.is_empty() => Vec::new(),
            _ => find(&|name| name.contains(asked)),
        };
        match found[..] {
            [] => Err(nobody(asked, tables)),
            [(id, _)] => Ok(Self::Subject(id.to_owned())),
            _ => Err(Error::Several {
                asked: asked.to_owned(),
                subjects: found
                    .iter()
                    .map(|(id, name)| format!("{id} ({name})"))
                    .collect(),
            }),
        }
    }

    /// Whether they made this cloud call, which was made as `principal`.
    #[must_use]
    pub fn made(&self, row: &UsageRow, principal: Option<&str>) -> bool {
        match self {
            Self::Everyone => true,
            Self::Principal(arn) => principal.is_some_and(|principal| is_meant(principal, arn)),
            Self::AccessKey(key) => {
                row.access_key_id.as_ref() == Some(key) || row.principal.as_ref() == Some(key)
            }
            Self::Subject(id) => row.subject_id == *id,
        }
    }

    /// All subjects of the workloads that they are in: of their containers, else of their control groups. What sets
    /// containers up is left out.
    #[must_use]
    pub fn workload(&self, tables: &Tables, identities: &Identities) -> BTreeSet<String> {
        let own: BTreeSet<&str> = match self {
            Self::Everyone => tables
                .subjects
                .iter()
                .map(|row| row.subject_id.as_str())
                .collect(),
            Self::Subject(id) => BTreeSet::from([id.as_str()]),
            Self::Principal(_) | Self::AccessKey(_) => cloud_rows(tables)
                .filter(|row| self.made(row, identities.principal(row).as_deref()))
                .map(|row| row.subject_id.as_str())
                .collect(),
        };
        let places: BTreeSet<_> = tables
            .subjects
            .iter()
            .filter(|row| own.contains(row.subject_id.as_str()))
            .map(place)
            .collect();
        let mut first: BTreeMap<_, i64> = BTreeMap::new();
        for row in &tables.subjects {
            let seen = first.entry(place(row)).or_insert(row.first_seen_us);
            *seen = row.first_seen_us.min(*seen);
        }
        let sets_up = |row: &SubjectRow| {
            is_runtime(&row.executable) || is_sealed_copy(row, first.get(&place(row)))
        };
        let runtime: BTreeSet<&str> = tables
            .subjects
            .iter()
            .filter(|row| sets_up(row))
            .map(|row| row.subject_id.as_str())
            .collect();
        let inside = tables.subjects.iter().filter(|row| {
            places.contains(&place(row)) && !runtime.contains(row.subject_id.as_str())
        });
        inside
            .map(|row| row.subject_id.clone())
            .chain(own.iter().map(|id| (*id).to_owned()))
            .collect()
    }
}

/// Executable, and script if there is one.
pub(crate) fn name(row: &SubjectRow) -> String {
    let executable = escape(&row.executable);
    match &row.script {
        Some(script) => format!("{executable} {}", escape(script)),
        None => executable,
    }
}

fn place(row: &SubjectRow) -> (&str, &str, Option<&str>, Option<&str>) {
    let cgroup = row.cgroup.as_deref().filter(|_| row.container_id.is_none());
    (&row.cluster, &row.node, row.container_id.as_deref(), cgroup)
}

fn is_runtime(executable: &[u8]) -> bool {
    let path = String::from_utf8_lossy(executable);
    let file = path.trim_end_matches(" (deleted)").rsplit('/').next();
    path.contains("runc_cloned") || file.is_some_and(|file| RUNTIMES.contains(&file))
}

/// Inside of a container runc runs a copy of itself that has no path any more. Whatever enters a container first is its runtime.
fn is_sealed_copy(row: &SubjectRow, first_seen_us: Option<&i64>) -> bool {
    row.executable.is_empty()
        && row.container_id.is_some()
        && first_seen_us.is_some_and(|first| row.first_seen_us <= *first)
}

/// Access key ids are 20 characters, of which the first four tell the kind.
fn is_key(asked: &str) -> bool {
    (16..=128).contains(&asked.len())
        && (asked.starts_with("AKIA") || asked.starts_with("ASIA"))
        && asked
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn nobody(asked: &str, tables: &Tables) -> Error {
    let identities = Identities::of(tables);
    let principals: BTreeSet<String> = cloud_rows(tables)
        .filter_map(|row| identities.principal(row))
        .collect();
    let subjects: BTreeSet<String> = tables.subjects.iter().map(name).collect();
    let there: Vec<String> = principals.into_iter().chain(subjects).collect();
    let there = if there.is_empty() {
        "nobody is in this data".to_owned()
    } else {
        format!("in this data are {}", listed(&there))
    };
    Error::Nobody {
        asked: asked.to_owned(),
        there,
    }
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(MOST_LISTED).cloned().collect::<Vec<_>>();
    let more = match names.len().saturating_sub(MOST_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}
