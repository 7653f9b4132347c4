//! What a Kubernetes container may do: its `securityContext`, and the volumes that a read-only root makes necessary.
//! `user` decides as whom it runs, `writable` which folders stay writable, `yaml` writes.

mod user;
mod writable;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use whittle_schemas::{
    document::recommendation::{OverGrant, Part, Proposed},
    table::Surface,
};

pub(crate) use self::{
    user::{escalations, reads_token},
    writable::{is_inside, own_mounts, written},
};
use self::{writable::Writable, yaml::Yaml};
use super::{Draft, Options};
use crate::{
    evidence::watch::Sight,
    history::{History, Who, WindowId},
};

const DOCUMENT: &str = "security-context.yaml";
/// Longest name of a volume: a label of DNS.
const LONGEST_NAME: usize = 63;

pub(super) fn draft(history: &History, options: &Options) -> Draft {
    let capabilities = capabilities(history, options.include_attempted);
    let writable = Writable::of(history, options.generalise);
    let user = user::of(history, &capabilities);
    let name = container_name(history);
    let mut needs: Vec<BTreeSet<WindowId>> = capabilities.values().cloned().collect();
    needs.extend(
        writable
            .folders
            .values()
            .map(|written| written.windows.clone()),
    );
    needs.extend(writable.mounts.values().cloned());
    // A history that needs nothing is one too: it has been used in these windows.
    needs.push(history.windows.clone());

    let mut notes = user.notes.clone();
    notes.extend(
        writable
            .obstacles
            .iter()
            .map(|obstacle| format!("the root stays writable: {obstacle}")),
    );
    let mut parts = parts(&capabilities, &writable);
    parts.insert(
        0,
        Part {
            document: DOCUMENT.to_owned(),
            name: "container".to_owned(),
            stands_for: history.subject_ids().len() as u64,
            over_grants: Vec::new(),
            notes,
        },
    );
    let pod = pod(history, &capabilities, &writable, &user, &name);
    let text = pod.document(&comments(&name));
    Draft {
        documents: vec![Proposed {
            name: DOCUMENT.to_owned(),
            characters: text.len() as u64,
            text,
            limit: None,
        }],
        parts,
        left_out: Vec::new(),
        holds: several_containers(history).into_iter().collect(),
        needs,
        sights: &[Sight::File, Sight::Capability],
    }
}

/// The capabilities that were used, without their prefix.
fn capabilities(
    history: &History,
    include_attempted: bool,
) -> BTreeMap<String, BTreeSet<WindowId>> {
    let mut capabilities: BTreeMap<String, BTreeSet<WindowId>> = BTreeMap::new();
    let used = history
        .on(Surface::Capability)
        .filter(|access| access.is_use() || include_attempted);
    for access in used {
        let name = access.shown();
        let name = name.strip_prefix("CAP_").unwrap_or(&name).to_owned();
        let windows = capabilities.entry(name).or_default();
        windows.extend(access.windows.iter().cloned());
    }
    capabilities
}

fn pod(
    history: &History,
    capabilities: &BTreeMap<String, BTreeSet<WindowId>>,
    writable: &Writable,
    user: &user::User,
    name: &str,
) -> Yaml {
    let mut set_of_capabilities = vec![("drop", Yaml::List(vec![Yaml::text("ALL")]))];
    if !capabilities.is_empty() {
        let names = capabilities.keys().map(|name| Yaml::text(name)).collect();
        set_of_capabilities.insert(0, ("add", Yaml::List(names)));
    }
    let mut context = Vec::new();
    if user.may_forbid_escalation {
        context.push(("allowPrivilegeEscalation", Yaml::Bool(false)));
    }
    context.push(("capabilities", Yaml::Map(set_of_capabilities)));
    let is_read_only = writable.obstacles.is_empty();
    context.push(("readOnlyRootFilesystem", Yaml::Bool(is_read_only)));
    if user.is_not_root {
        context.push(("runAsNonRoot", Yaml::Bool(true)));
    }
    if let Some(uid) = user.uid {
        context.push(("runAsUser", Yaml::Number(uid.into())));
    }
    context.push(("seccompProfile", seccomp_profile(history, name)));
    let mut container = vec![
        ("name", Yaml::text(name)),
        ("securityContext", Yaml::Map(context)),
    ];
    let volumes = if is_read_only {
        volume_names(writable)
    } else {
        Vec::new()
    };
    let mut spec = Vec::new();
    if !user.reads_token {
        spec.push(("automountServiceAccountToken", Yaml::Bool(false)));
    }
    if volumes.is_empty() {
        spec.push(("containers", Yaml::List(vec![Yaml::Map(container)])));
        return Yaml::Map(vec![("spec", Yaml::Map(spec))]);
    }
    let mounts = volumes.iter().map(|(name, folder)| {
        Yaml::Map(vec![
            ("mountPath", Yaml::text(folder)),
            ("name", Yaml::text(name)),
        ])
    });
    container.push(("volumeMounts", Yaml::List(mounts.collect())));
    spec.push(("containers", Yaml::List(vec![Yaml::Map(container)])));
    let volumes = volumes.iter().map(|(name, _)| {
        Yaml::Map(vec![
            ("emptyDir", Yaml::Map(Vec::new())),
            ("name", Yaml::text(name)),
        ])
    });
    spec.push(("volumes", Yaml::List(volumes.collect())));
    Yaml::Map(vec![("spec", Yaml::Map(spec))])
}

/// The profile of `--as seccomp` where calls were recorded, else the runtime's own.
fn seccomp_profile(history: &History, name: &str) -> Yaml {
    if history.on(Surface::Syscall).next().is_some() {
        return Yaml::Map(vec![
            (
                "localhostProfile",
                Yaml::Text(format!("profiles/{name}.json")),
            ),
            ("type", Yaml::text("Localhost")),
        ]);
    }
    Yaml::Map(vec![("type", Yaml::text("RuntimeDefault"))])
}

fn parts(capabilities: &BTreeMap<String, BTreeSet<WindowId>>, writable: &Writable) -> Vec<Part> {
    let part = |name: String, stands_for: usize| Part {
        document: DOCUMENT.to_owned(),
        name,
        stands_for: stands_for as u64,
        over_grants: Vec::new(),
        notes: Vec::new(),
    };
    let mut parts: Vec<Part> = capabilities
        .keys()
        .map(|name| part(format!("capability {name}"), 1))
        .collect();
    if writable.obstacles.is_empty() {
        parts.extend(writable.folders.iter().map(|(folder, written)| Part {
            over_grants: vec![OverGrant {
                pattern: folder.clone(),
                stands_for: written.files as u64,
                also_allows: format!("writing any other file in {folder}"),
            }],
            notes: vec!["an empty volume: folders that the image has in it are hidden".to_owned()],
            ..part(format!("writable {folder}"), written.files)
        }));
    }
    parts.extend(writable.mounts.keys().map(|mount| Part {
        notes: vec!["it is a volume already, and has to stay".to_owned()],
        ..part(format!("writable {mount}"), 1)
    }));
    parts
}

/// Names for the volumes, all different.
fn volume_names(writable: &Writable) -> Vec<(String, String)> {
    let mut taken = BTreeSet::new();
    let folders = writable.folders.keys().map(|folder| {
        let name = format!("writable{}", label(folder));
        let name: String = name.chars().take(LONGEST_NAME - 4).collect();
        let name = name.trim_end_matches('-').to_owned();
        let mut unique = name.clone();
        let mut number = 1;
        while !taken.insert(unique.clone()) {
            number += 1;
            unique = format!("{name}-{number}");
        }
        (unique, folder.clone())
    });
    folders.collect()
}

/// The container's name where it has one, else the program's.
fn container_name(history: &History) -> String {
    let named = history
        .subjects
        .iter()
        .find_map(|row| row.workload_container.clone());
    let program = || {
        let asked = match &history.who {
            Who::Subject(id) => history.subjects.iter().find(|row| row.subject_id == *id),
            _ => None,
        };
        let row = asked.or(history.subjects.first())?;
        let path = row.script.as_ref().unwrap_or(&row.executable);
        let path = String::from_utf8_lossy(path);
        let file = path.rsplit('/').next()?;
        Some(label(file.split('.').next()?))
    };
    let name = named.or_else(program).unwrap_or_default();
    let name: String = name.trim_matches('-').chars().take(LONGEST_NAME).collect();
    if name.is_empty() {
        "app".to_owned()
    } else {
        name
    }
}

/// Lower-case letters, digits and dashes alone.
fn label(text: &str) -> String {
    let label = text.chars().map(|character| match character {
        'a'..='z' | '0'..='9' => character,
        'A'..='Z' => character.to_ascii_lowercase(),
        _ => '-',
    });
    label.collect()
}

fn comments(name: &str) -> Vec<String> {
    vec![
        "The part of a pod that whittle recommends. For a Deployment it goes under spec.template:"
            .to_owned(),
        format!(
            "check that the container is called {name} there, then use it as a strategic merge patch."
        ),
    ]
}

/// This is for one container.
fn several_containers(history: &History) -> Vec<String> {
    let containers: BTreeSet<&String> = history
        .subjects
        .iter()
        .filter_map(|row| row.workload_container.as_ref())
        .collect();
    if containers.len() > 1 {
        let names: Vec<&str> = containers.into_iter().map(String::as_str).collect();
        return vec![format!(
            "they ran in several containers ({}), and each has a security context of its own",
            names.join(", ")
        )];
    }
    Vec::new()
}
