//! What was used, as actions and the resources that each was used on.

use std::collections::{BTreeMap, BTreeSet};

use whittle_grants::aws::actions::{self, AccessLevel, Action};
use whittle_schemas::{document::recommendation::LeftOut, table::Surface};

use super::{
    Unmapped,
    arn::{self, Names},
};
use crate::{
    evidence::implied::implied,
    history::{Access, History, WindowId, is_unmapped},
    recommend::Options,
};

/// Everything that was used.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// Actions on named resources.
    pub(super) named: BTreeMap<String, Names>,
    /// Actions on everything, with when and why.
    pub(super) everywhere: BTreeMap<String, Everywhere>,
    /// Services that are allowed as a whole, for calls that are not known.
    pub(super) services: BTreeMap<String, Everywhere>,
    /// Actions that a host does not see, with those that they follow from.
    pub(super) implied: BTreeMap<String, BTreeSet<String>>,
    /// By action: what is to be said of it.
    pub(super) notes: BTreeMap<String, BTreeSet<String>>,
    /// What is in no statement.
    pub(super) left_out: Vec<LeftOut>,
    /// What keeps the policy from being whole.
    pub(super) holds: Vec<String>,
}

/// A need that names no resource.
#[derive(Clone, Debug, Default)]
pub(super) struct Everywhere {
    pub(super) windows: BTreeSet<WindowId>,
    /// The action can be granted on `*` alone, so that nothing is granted too much.
    pub(super) is_only_so: bool,
    pub(super) calls: u64,
}

impl Needs {
    pub(super) fn of(history: &History, options: &Options) -> Self {
        let mut needs = Self::default();
        let mut unsigned = 0;
        for access in history.on(Surface::Cloud) {
            if !access.is_use() && !options.include_attempted {
                continue;
            }
            if access.principal.is_none() {
                unsigned += access.count;
            } else if is_unmapped(access.operation.as_deref()) || is_whole_service(&access.action) {
                needs.add_unmapped(access, options.unmapped);
            } else {
                needs.add(access);
            }
        }
        if unsigned > 0 {
            needs.left_out.push(LeftOut {
                what: format!("{unsigned} calls that nobody signed"),
                why: "no policy of an identity decides them".to_owned(),
            });
        }
        let used: Vec<String> = needs
            .named
            .keys()
            .chain(needs.everywhere.keys())
            .cloned()
            .collect();
        let follows = implied(used.iter().map(String::as_str));
        needs.add_implied(&follows, options.include_implied);
        needs
    }

    fn add(&mut self, access: &Access) {
        let Some((service, name)) = parts(&access.action) else {
            self.leave_out(access, "it is no name of an action");
            return;
        };
        let known = actions::get(service, name);
        let action = known.map_or_else(|| access.action.clone(), full_name);
        let resource = String::from_utf8_lossy(&access.resource);
        let is_only_so = known.is_some_and(|known| known.is_wildcard_only);
        if is_only_so || !is_arn(&resource) {
            let everywhere = self.everywhere.entry(action).or_default();
            everywhere.windows.extend(access.windows.iter().cloned());
            everywhere.is_only_so = is_only_so;
            everywhere.calls += access.count;
            return;
        }
        if known.is_none() {
            self.note(&action, format!("{action} is not in the table of actions"));
        } else if known.is_some_and(|known| !takes(known, &resource)) {
            self.note(
                &action,
                format!("{action} is not known to work on resources such as {resource}"),
            );
        }
        let names = self.named.entry(action).or_default();
        let windows = names.entry(resource.into_owned()).or_default();
        windows.extend(access.windows.iter().cloned());
    }

    /// It counts as a use of all that it might have been.
    fn add_unmapped(&mut self, access: &Access, unmapped: Unmapped) {
        match access.action.split_once(':') {
            Some((service, _)) if is_name(service) && unmapped == Unmapped::Service => {
                let whole = self.services.entry(service.to_owned()).or_default();
                whole.windows.extend(access.windows.iter().cloned());
                whole.calls += access.count;
            }
            Some((service, _)) if is_name(service) => {
                self.leave_out(access, "which of its operations it was is not known");
            }
            _ => self.leave_out(access, "not even the service is known"),
        }
    }

    fn leave_out(&mut self, access: &Access, why: &str) {
        let what = format!("{} calls of {}", access.count, access.action);
        self.holds
            .push(format!("{what} are in no statement, for {why}"));
        self.left_out.push(LeftOut {
            what,
            why: why.to_owned(),
        });
    }

    fn note(&mut self, action: &str, note: String) {
        self.notes
            .entry(action.to_owned())
            .or_default()
            .insert(note);
    }

    /// What follows from what was used, and is not seen on a host. What the action itself needs and only reads about everything is
    /// granted; what AWS does on the caller's behalf, with keys or data that may or may not be there, only where that is asked for;
    /// what gives others power never.
    fn add_implied(&mut self, follows: &BTreeMap<String, &str>, include: bool) {
        let mut named: BTreeMap<(bool, &str), BTreeSet<String>> = BTreeMap::new();
        for (implied, used) in follows {
            let Some(action) =
                parts(implied).and_then(|(service, name)| actions::get(service, name))
            else {
                continue;
            };
            let name = full_name(action);
            let is_granted = self.named.contains_key(&name)
                || self.everywhere.contains_key(&name)
                || self.services.contains_key(action.service);
            if is_granted {
                continue;
            }
            if !is_sensitive(action) && (include || is_harmless(action) && is_needed(action, used))
            {
                self.implied
                    .entry(name)
                    .or_default()
                    .insert((*used).to_owned());
            } else {
                named
                    .entry((is_sensitive(action), used))
                    .or_default()
                    .insert(name);
            }
        }
        for ((is_sensitive, used), implied) in named {
            let implied: Vec<_> = implied.into_iter().collect();
            let why = if is_sensitive {
                format!(
                    "it may follow from {used}, was not seen, and is too sensitive to grant on a guess"
                )
            } else {
                format!(
                    "AWS may ask for it on behalf of {used}, as where data has a key of its own, and a host does not see it: --include-implied grants it"
                )
            };
            self.left_out.push(LeftOut {
                what: implied.join(", "),
                why,
            });
        }
    }
}

/// What is visible on a host where it is needed (a role that is passed is in the request), or gives others power.
fn is_sensitive(action: &Action) -> bool {
    action.sensitivity.is_some() || action.access_level == AccessLevel::PermissionsManagement
}

/// Can be granted on everything only, and reads about it: no data, and no change.
fn is_harmless(action: &Action) -> bool {
    action.is_wildcard_only && matches!(action.access_level, AccessLevel::List | AccessLevel::Read)
}

/// Whether AWS documents that whoever calls `used` needs `action` too.
fn is_needed(action: &Action, used: &str) -> bool {
    let name = full_name(action);
    parts(used)
        .and_then(|(service, name)| actions::get(service, name))
        .is_some_and(|used| {
            let mut dependents = used.dependent_actions.iter();
            dependents.any(|dependent| dependent.eq_ignore_ascii_case(&name))
        })
}

fn takes(action: &Action, resource: &str) -> bool {
    action.resource_types.is_empty()
        || action
            .resource_types
            .iter()
            .flat_map(|kind| &kind.arns)
            .any(|template| arn::fits(template, resource))
}

fn full_name(action: &Action) -> String {
    format!("{}:{}", action.service, action.name)
}

fn is_arn(resource: &str) -> bool {
    resource.starts_with("arn:") && resource.splitn(6, ':').count() == 6
}

fn is_whole_service(action: &str) -> bool {
    action == "*" || action.ends_with(":*")
}

fn parts(action: &str) -> Option<(&str, &str)> {
    let (service, name) = action.split_once(':')?;
    (is_name(service) && is_name(name)).then_some((service, name))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_action_needs_is_granted_where_it_only_reads_about_everything() {
        let used = "ec2:CreateFlowLogs";
        let mut needs = Needs::default();
        let follows = implied([used].into_iter());
        needs.add_implied(&follows, false);
        let granted: Vec<&str> = needs.implied.keys().map(String::as_str).collect();
        let listed = [
            "ecs:ListClusters",
            "ecs:ListServices",
            "ecs:ListTaskDefinitions",
        ];
        assert_eq!(granted, listed);
        let left: BTreeSet<&str> = needs
            .left_out
            .iter()
            .flat_map(|left| left.what.split(", "))
            .collect();
        let changes = ["ec2:CreateTags", "ecs:ListTasks", "iam:PassRole"];
        assert!(
            changes.iter().all(|action| left.contains(action)),
            "{left:?}"
        );
    }

    #[test]
    fn what_follows_is_granted_when_asked_for_and_what_gives_power_never() {
        let used = |actions: &[&str], include: bool| {
            let mut needs = Needs::default();
            for action in actions {
                needs
                    .everywhere
                    .insert((*action).to_owned(), Everywhere::default());
            }
            let follows = BTreeMap::from([
                ("kms:decrypt".to_owned(), "s3:GetObject"),
                ("iam:passrole".to_owned(), "s3:GetObject"),
                ("no:such".to_owned(), "s3:GetObject"),
            ]);
            needs.add_implied(&follows, include);
            let left: Vec<String> = needs.left_out.into_iter().map(|left| left.what).collect();
            (needs.implied.into_keys().collect::<Vec<_>>(), left)
        };
        let (granted, left) = used(&["s3:GetObject"], false);
        assert_eq!(
            (granted.len(), left),
            (0, vec!["kms:Decrypt".to_owned(), "iam:PassRole".to_owned()])
        );
        let (granted, left) = used(&["s3:GetObject"], true);
        assert_eq!((granted, left.len()), (vec!["kms:Decrypt".to_owned()], 1));
        let (granted, left) = used(&["s3:GetObject", "kms:Decrypt"], true);
        assert_eq!((granted.len(), left.len()), (0, 1));
    }
}
