//! Needs as statements: each action is in one of them, with all that it is allowed on; those that are allowed on the same
//! are together.

use std::collections::{BTreeMap, BTreeSet};

use whittle_grants::aws::actions::{self, AccessLevel};

use super::{
    arn::{self, Pattern},
    need::{Everywhere, Needs},
};
use crate::{history::WindowId, recommend::Options};

/// One statement that allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) sid: String,
    pub(super) actions: Vec<String>,
    pub(super) resources: Vec<Pattern>,
    pub(super) notes: Vec<String>,
}

impl Statement {
    pub(super) fn windows(&self) -> impl Iterator<Item = &BTreeSet<WindowId>> {
        let windows = self.resources.iter().map(|pattern| &pattern.windows);
        windows.filter(|windows| !windows.is_empty())
    }
}

/// The statements, in the order in which they are written; the Sids are all different.
pub(super) fn statements(needs: &Needs, options: &Options) -> Vec<Statement> {
    let mut statements = named(needs, options);
    statements.extend(everywhere(needs));
    statements.extend(whole_services(needs));
    statements.extend(implied(needs));
    let mut taken = BTreeMap::new();
    for statement in &mut statements {
        let same: &mut usize = taken.entry(statement.sid.clone()).or_default();
        *same += 1;
        if *same > 1 {
            statement.sid = format!("{}{same}", statement.sid);
        }
    }
    statements
}

fn named(needs: &Needs, options: &Options) -> Vec<Statement> {
    let mut by_resources: BTreeMap<Vec<String>, (Vec<String>, Vec<Pattern>)> = BTreeMap::new();
    for (action, names) in &needs.named {
        if is_granted_whole(needs, action) || needs.everywhere.contains_key(action) {
            continue;
        }
        let patterns = arn::patterns(names, options.generalise);
        let texts = patterns
            .iter()
            .map(|pattern| pattern.text.clone())
            .collect();
        let (actions, merged) = by_resources
            .entry(texts)
            .or_insert_with(|| (Vec::new(), patterns.clone()));
        actions.push(action.clone());
        for (known, more) in merged.iter_mut().zip(patterns) {
            known.stands_for = known.stands_for.max(more.stands_for);
            // What the last of the actions brought is what is new.
            if more.windows.first() > known.windows.first() {
                known.windows = more.windows;
            }
        }
    }
    let mut statements: Vec<Statement> = by_resources
        .into_values()
        .map(|(actions, resources)| Statement {
            sid: sid(&actions),
            notes: notes(needs, &actions),
            actions,
            resources,
        })
        .collect();
    statements.sort_by(|one, other| one.actions.cmp(&other.actions));
    statements
}

/// Actions that can be allowed on everything alone, and those whose resource is not known.
fn everywhere(needs: &Needs) -> Vec<Statement> {
    let of = |is_only_so: bool| {
        let fitting = needs.everywhere.iter().filter(move |(action, everywhere)| {
            everywhere.is_only_so == is_only_so && !is_granted_whole(needs, action)
        });
        fitting.collect::<Vec<_>>()
    };
    let statement = |sid: &str, also_allows: Option<&str>, found: Vec<(&String, &Everywhere)>| {
        let actions: Vec<String> = found.iter().map(|(action, _)| (*action).clone()).collect();
        let newest = found
            .iter()
            .map(|(_, need)| &need.windows)
            .max_by_key(|windows| windows.first());
        (!actions.is_empty()).then(|| Statement {
            sid: sid.to_owned(),
            notes: notes(needs, &actions),
            resources: vec![Pattern {
                text: "*".to_owned(),
                stands_for: actions.len(),
                also_allows: also_allows.map(str::to_owned),
                windows: newest.cloned().unwrap_or_default(),
            }],
            actions,
        })
    };
    let unknown = "every other resource: which one the calls were about was not seen";
    let found = [
        statement("OnAnythingOnly", None, of(true)),
        statement("OnUnknownResources", Some(unknown), of(false)),
    ];
    found.into_iter().flatten().collect()
}

fn whole_services(needs: &Needs) -> Vec<Statement> {
    let statement = |(service, need): (&String, &Everywhere)| Statement {
        sid: format!("{}Whole", camel(service)),
        actions: vec![format!("{service}:*")],
        resources: vec![Pattern {
            text: "*".to_owned(),
            stands_for: 1,
            also_allows: Some(format!("every action of {service} on every resource")),
            windows: need.windows.clone(),
        }],
        notes: vec![format!(
            "{} calls to {service} ask for operations that are not known: narrow this by hand",
            need.calls
        )],
    };
    needs.services.iter().map(statement).collect()
}

fn implied(needs: &Needs) -> Option<Statement> {
    let actions: Vec<String> = needs.implied.keys().cloned().collect();
    let note = |(implied, by): (&String, &BTreeSet<String>)| {
        let by: Vec<_> = by.iter().map(String::as_str).collect();
        format!("{implied} follows from {}", by.join(", "))
    };
    (!actions.is_empty()).then(|| Statement {
        sid: IMPLIED.to_owned(),
        resources: vec![Pattern {
            text: "*".to_owned(),
            stands_for: 0,
            also_allows: Some(
                "every resource: a host does not see what these are done on".to_owned(),
            ),
            windows: BTreeSet::new(),
        }],
        notes: needs.implied.iter().map(note).collect(),
        actions,
    })
}

/// Sid of what was not seen and follows from something seen.
pub(super) const IMPLIED: &str = "Implied";

fn is_granted_whole(needs: &Needs, action: &str) -> bool {
    action
        .split_once(':')
        .is_some_and(|(service, _)| needs.services.contains_key(service))
}

fn notes(needs: &Needs, actions: &[String]) -> Vec<String> {
    let notes = actions.iter().filter_map(|action| needs.notes.get(action));
    notes.flatten().cloned().collect()
}

/// One action's name, or its service and what the actions do: letters and digits only, as AWS wants it.
fn sid(actions: &[String]) -> String {
    if let [action] = actions {
        return camel(action);
    }
    let parts = || actions.iter().filter_map(|action| action.split_once(':'));
    let services: BTreeSet<&str> = parts().map(|(service, _)| service).collect();
    let levels: BTreeSet<AccessLevel> = parts()
        .filter_map(|(service, name)| actions::get(service, name))
        .map(|action| action.access_level)
        .collect();
    let services: String = services.into_iter().map(camel).collect();
    let levels: String = levels.into_iter().map(word).collect();
    format!("{services}{levels}")
}

fn word(level: AccessLevel) -> &'static str {
    match level {
        AccessLevel::List => "List",
        AccessLevel::Read => "Read",
        AccessLevel::Write => "Write",
        AccessLevel::Tagging => "Tag",
        AccessLevel::PermissionsManagement => "Permit",
    }
}

fn camel(name: &str) -> String {
    let mut camel = String::new();
    for word in name.split(|character: char| !character.is_ascii_alphanumeric()) {
        let (first, rest) = word.split_at(word.len().min(1));
        camel.push_str(&first.to_ascii_uppercase());
        camel.push_str(rest);
    }
    camel
}
