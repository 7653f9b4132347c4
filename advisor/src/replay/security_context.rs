//! Replaying accesses against a container's security context and its volumes.

use std::collections::BTreeSet;

use serde_json::Value;
use whittle_schemas::table::Surface;

use super::Answer;
use crate::{
    history::{Access, History},
    recommend::security_context::{escalations, is_inside, own_mounts, reads_token, written},
};

/// What container engines leave a container that says nothing of capabilities.
const DEFAULT_CAPABILITIES: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Members by which a security context by itself is known.
const MEMBERS: [&str; 7] = [
    "capabilities",
    "readOnlyRootFilesystem",
    "allowPrivilegeEscalation",
    "runAsNonRoot",
    "runAsUser",
    "seccompProfile",
    "privileged",
];

/// A container's part of a pod.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the switches that the format has"
)]
pub(super) struct Context {
    /// None: privileged, which allows all.
    capabilities: Option<BTreeSet<String>>,
    is_root_read_only: bool,
    writable: Vec<String>,
    read_only: Vec<String>,
    must_not_be_root: bool,
    uid: Option<u64>,
    has_token: bool,
    may_escalate: bool,
}

impl Context {
    /// Reads a pod, a workload with a pod template, or a security context by itself; None where it is none of them. An
    /// error says what is wrong, and what to do.
    pub(super) fn of(value: &Value) -> Option<Result<Self, String>> {
        if MEMBERS.iter().any(|member| value.get(member).is_some()) {
            return Some(Self::read(&Value::Null, value, &Value::Null));
        }
        let paths = [
            "/spec/jobTemplate/spec/template/spec",
            "/spec/template/spec",
            "/spec",
            "",
        ];
        let found = paths.iter().find_map(|path| {
            let spec = value.pointer(path)?;
            Some((spec, spec.get("containers")?))
        });
        let Some((spec, containers)) = found else {
            let context = value.get("securityContext")?;
            return Some(Self::read(&Value::Null, context, value));
        };
        let containers = match containers.as_array().map(Vec::as_slice) {
            Some([container]) => container,
            Some(list) => {
                return Some(Err(format!(
                    "it has {} containers, and a replay is about one: leave that one in the file",
                    list.len()
                )));
            }
            None => return Some(Err("containers is no list: give a pod's YAML".to_owned())),
        };
        let context = containers.get("securityContext").unwrap_or(&Value::Null);
        Some(Self::read(spec, context, containers))
    }

    fn read(spec: &Value, context: &Value, container: &Value) -> Result<Self, String> {
        let pod = spec.get("securityContext").unwrap_or(&Value::Null);
        let either = |name: &str| context.get(name).or_else(|| pod.get(name));
        let is_set = |value: Option<&Value>, name: &str, default: bool| match value {
            None | Some(Value::Null) => Ok(default),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(format!("{name} is {other}: write true or false")),
        };
        let mut read = Self {
            capabilities: Some(capabilities(context.get("capabilities"))?),
            is_root_read_only: is_set(
                context.get("readOnlyRootFilesystem"),
                "readOnlyRootFilesystem",
                false,
            )?,
            must_not_be_root: is_set(either("runAsNonRoot"), "runAsNonRoot", false)?,
            uid: either("runAsUser").and_then(Value::as_u64),
            has_token: is_set(
                spec.get("automountServiceAccountToken"),
                "automountServiceAccountToken",
                true,
            )?,
            may_escalate: is_set(
                context.get("allowPrivilegeEscalation"),
                "allowPrivilegeEscalation",
                true,
            )?,
            ..Self::default()
        };
        if is_set(context.get("privileged"), "privileged", false)? {
            read.capabilities = None;
        }
        let mounts = container.get("volumeMounts").and_then(Value::as_array);
        for mount in mounts.into_iter().flatten() {
            let path = mount.get("mountPath").and_then(Value::as_str);
            let path = path.ok_or("a volume mount has no mountPath: write where it is mounted")?;
            if is_set(mount.get("readOnly"), "readOnly", false)? {
                read.read_only.push(path.to_owned());
            } else {
                read.writable.push(path.to_owned());
            }
        }
        Ok(read)
    }

    pub(super) fn answer(&self, file: &str, access: &Access, history: &History) -> Answer {
        let denied = |why: &str| Answer::Denied(format!("{file}: {why}"));
        if access.surface == Surface::Capability {
            let name = access.shown();
            let name = name.strip_prefix("CAP_").unwrap_or(&name);
            return match &self.capabilities {
                Some(capabilities)
                    if !capabilities.contains(name) && !capabilities.contains("ALL") =>
                {
                    denied("capabilities leave it out")
                }
                _ => Answer::Allowed(format!("{file}: capabilities")),
            };
        }
        if ![Surface::File, Surface::Network].contains(&access.surface) {
            return Answer::NotAsked;
        }
        if let Some(path) = written(access)
            && !self.may_write(&String::from_utf8_lossy(&path), history)
        {
            return denied("readOnlyRootFilesystem, and no writable volume is there");
        }
        if reads_token(access) && !self.has_token {
            return denied("automountServiceAccountToken is false");
        }
        if access.action == "execute" {
            if let Some(user) = self.wrong_user(access, history) {
                return denied(&user);
            }
            if !self.may_escalate
                && let Some(program) = escalations(history)
                    .into_iter()
                    .find(|program| program.split(' ').next() == Some(&access.shown()))
            {
                return denied(&format!(
                    "allowPrivilegeEscalation is false, and {program} gains privileges by exec"
                ));
            }
        }
        Answer::Allowed(file.to_owned())
    }

    /// The deepest mount decides.
    fn may_write(&self, path: &str, history: &History) -> bool {
        if !self.is_root_read_only {
            return true;
        }
        let deepest = |mounts: &[String]| {
            let inside = mounts.iter().filter(|mount| is_inside(path, mount));
            inside.map(String::len).max()
        };
        let writable = deepest(&self.writable).max(deepest(&own_mounts(history)));
        writable.is_some() && writable >= deepest(&self.read_only)
    }

    /// Whether somebody who executed this ran as a user that the context does not let them be.
    fn wrong_user(&self, access: &Access, history: &History) -> Option<String> {
        let rows = history
            .subjects
            .iter()
            .filter(|row| access.subjects.contains(&row.subject_id));
        rows.into_iter().find_map(|row| {
            if row.uid == 0 && self.must_not_be_root {
                return Some("runAsNonRoot, and it ran as root".to_owned());
            }
            self.uid
                .filter(|uid| *uid != u64::from(row.uid))
                .map(|uid| format!("runAsUser is {uid}, and it ran as {}", row.uid))
        })
    }
}

fn capabilities(value: Option<&Value>) -> Result<BTreeSet<String>, String> {
    let list = |name: &str| -> Result<BTreeSet<String>, String> {
        let Some(list) = value.and_then(|value| value.get(name)) else {
            return Ok(BTreeSet::new());
        };
        let wrong = || format!("capabilities.{name} is {list}: write a list of names");
        let names = list.as_array().ok_or_else(wrong)?.iter();
        names
            .map(|name| {
                let name = name.as_str().ok_or_else(wrong)?.to_ascii_uppercase();
                Ok(name.strip_prefix("CAP_").unwrap_or(&name).to_owned())
            })
            .collect()
    };
    let (add, drop) = (list("add")?, list("drop")?);
    let mut granted: BTreeSet<String> = if drop.contains("ALL") {
        BTreeSet::new()
    } else {
        let kept = DEFAULT_CAPABILITIES.iter().map(|name| (*name).to_owned());
        kept.filter(|name| !drop.contains(name)).collect()
    };
    granted.extend(add);
    Ok(granted)
}
