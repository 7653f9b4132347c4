//! Replaying system calls against a seccomp profile.

use std::collections::BTreeMap;

use serde_json::Value;
use whittle_schemas::table::Surface;

use super::Answer;
use crate::history::Access;

/// A profile.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    default: Verdict,
    by_name: BTreeMap<String, Verdict>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Allowed,
    Denied(String),
    /// On what.
    Depends(String),
}

impl Profile {
    /// Reads a profile; an error says what is wrong, and what to do.
    pub(super) fn of(value: &Value) -> Result<Self, String> {
        let default = action(value.get("defaultAction"))?;
        let mut by_name = BTreeMap::new();
        let rules = match value.get("syscalls") {
            None => &Vec::new(),
            Some(Value::Array(rules)) => rules,
            Some(_) => return Err("syscalls is no list: write a list of rules".to_owned()),
        };
        for (index, rule) in rules.iter().enumerate() {
            let wrong = |what: &str| format!("rule {} of syscalls {what}", index + 1);
            let names: Vec<&str> = match (rule.get("names"), rule.get("name")) {
                (Some(Value::Array(names)), _) => names
                    .iter()
                    .map(|name| {
                        name.as_str().ok_or_else(|| {
                            wrong("has a name that is no string: write names of system calls")
                        })
                    })
                    .collect::<Result<_, _>>()?,
                (None, Some(Value::String(name))) => vec![name],
                _ => return Err(wrong("has no names: write a list of system calls")),
            };
            let verdict = match condition(rule) {
                Some(on) => Verdict::Depends(on),
                None => action(rule.get("action")).map_err(|problem| wrong(&problem))?,
            };
            for name in names {
                // What is said without a condition goes before what is said with one.
                let known = by_name
                    .entry(name.to_owned())
                    .or_insert_with(|| verdict.clone());
                if matches!(known, Verdict::Depends(_)) {
                    known.clone_from(&verdict);
                }
            }
        }
        Ok(Self { default, by_name })
    }

    pub(super) fn answer(&self, file: &str, access: &Access) -> Answer {
        if access.surface != Surface::Syscall {
            return Answer::NotAsked;
        }
        let found = self.by_name.get(&access.shown());
        let by = if found.is_some() {
            format!("{file} names it")
        } else {
            format!("{file} does not name it")
        };
        match found.unwrap_or(&self.default) {
            Verdict::Allowed => Answer::Allowed(by),
            Verdict::Denied(action) => Answer::Denied(format!("{by}: {action}")),
            Verdict::Depends(on) => Answer::Depends(by, vec![on.clone()]),
        }
    }
}

/// What a rule hangs on that is not recorded.
fn condition(rule: &Value) -> Option<String> {
    let is_there = |name: &str| match rule.get(name) {
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        _ => false,
    };
    ["args", "includes", "excludes"]
        .into_iter()
        .find(|name| is_there(name))
        .map(str::to_owned)
}

fn action(value: Option<&Value>) -> Result<Verdict, String> {
    const ADVICE: &str = "write one such as SCMP_ACT_ALLOW or SCMP_ACT_ERRNO";
    let Some(action) = value.and_then(Value::as_str) else {
        return Err(format!("has no action: {ADVICE}"));
    };
    match action {
        "SCMP_ACT_ALLOW" | "SCMP_ACT_LOG" => Ok(Verdict::Allowed),
        "SCMP_ACT_ERRNO"
        | "SCMP_ACT_KILL"
        | "SCMP_ACT_KILL_THREAD"
        | "SCMP_ACT_KILL_PROCESS"
        | "SCMP_ACT_TRAP" => Ok(Verdict::Denied(action.to_owned())),
        "SCMP_ACT_TRACE" | "SCMP_ACT_NOTIFY" => Ok(Verdict::Depends(action.to_owned())),
        other => Err(format!("has the unknown action {other:?}: {ADVICE}")),
    }
}
