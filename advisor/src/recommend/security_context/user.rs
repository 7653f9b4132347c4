//! As whom a container runs: whether root is needed, privileges are gained by exec, and the service account's token is read.

use std::collections::{BTreeMap, BTreeSet};

use whittle_schemas::table::{SubjectRow, Surface};

use super::is_inside;
use crate::history::{Access, History, WindowId};

/// Where Kubernetes mounts a service account's token.
const TOKENS: [&str; 2] = [
    "/run/secrets/kubernetes.io/serviceaccount",
    "/var/run/secrets/kubernetes.io/serviceaccount",
];

/// What is decided about the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct User {
    /// Everybody ran as somebody else than root.
    pub(super) is_not_root: bool,
    /// The one user that all ran as, other than root.
    pub(super) uid: Option<u32>,
    pub(super) may_forbid_escalation: bool,
    pub(super) reads_token: bool,
    /// Why something is not restricted further.
    pub(super) notes: Vec<String>,
}

pub(super) fn of(history: &History, capabilities: &BTreeMap<String, BTreeSet<WindowId>>) -> User {
    let uids: BTreeSet<u32> = history.subjects.iter().map(|row| row.uid).collect();
    let mut notes = Vec::new();
    if uids.contains(&0) {
        notes.push(if capabilities.is_empty() {
            "it ran as root: whether files that it opened are root's alone is not recorded, so that another user is not recommended"
                .to_owned()
        } else {
            "it ran as root and used capabilities: another user would not have them".to_owned()
        });
    }
    let escalations = escalations(history);
    if let Some(program) = escalations.first() {
        notes.push(format!(
            "{program} gained privileges by exec, which forbidding escalation would prevent"
        ));
    }
    // Kubernetes refuses the two together.
    let is_admin = capabilities.contains_key("SYS_ADMIN");
    if is_admin {
        notes.push("Kubernetes does not let escalation be forbidden beside SYS_ADMIN".to_owned());
    }
    let reads_token = history.accesses.iter().any(reads_token);
    if reads_token {
        notes.push("it reads the service account's token".to_owned());
    }
    User {
        is_not_root: !uids.is_empty() && !uids.contains(&0),
        uid: match uids.iter().copied().collect::<Vec<_>>()[..] {
            [uid] if uid != 0 => Some(uid),
            _ => None,
        },
        may_forbid_escalation: escalations.is_empty() && !is_admin,
        reads_token,
        notes,
    }
}

/// Programs that came to a user or to capabilities that the process which started them did not have.
pub(crate) fn escalations(history: &History) -> Vec<String> {
    let by_tgid: BTreeMap<(&str, &str, u32), &SubjectRow> = history
        .subjects
        .iter()
        .map(|row| ((row.cluster.as_str(), row.node.as_str(), row.tgid), row))
        .collect();
    let gained = history.subjects.iter().filter(|row| {
        let parent = row
            .parent_tgid
            .and_then(|tgid| by_tgid.get(&(row.cluster.as_str(), row.node.as_str(), tgid)));
        parent.is_some_and(|parent| {
            let more = match (row.cap_permitted, parent.cap_permitted) {
                (Some(own), Some(parents)) => own & !parents != 0,
                _ => false,
            };
            parent.uid != 0 && (row.uid != parent.uid || more)
        })
    });
    let programs: BTreeSet<String> = gained.map(crate::history::name).collect();
    programs.into_iter().collect()
}

/// Whether an access needs the service account's token.
pub(crate) fn reads_token(access: &Access) -> bool {
    let path = String::from_utf8_lossy(&access.resource);
    access.surface == Surface::File
        && access.is_use()
        && access.detail.as_deref() != Some("directory")
        && TOKENS.iter().any(|folder| is_inside(&path, folder))
}
