//! Seccomp profiles, as container engines and Kubernetes read them: the calls that were made, and those that the runtime makes
//! itself between setting the filter and starting the program.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use whittle_schemas::{
    document::recommendation::{LeftOut, Part, Proposed},
    table::Surface,
};

use super::Draft;
use crate::{
    evidence::watch::Sight,
    history::{History, WindowId},
};

/// What runc calls itself after it has set the filter: it closes what must not leak, takes on the user, the groups, the folder
/// and the capabilities, and executes. With `no_new_privs` the filter comes last, and ten of these are seen (strace, runc 1.1.5);
/// without it the filter comes before all of them, and 25 are seen. The others are what its language's threads may call
/// meanwhile, and what newer versions close files with.
const RUNTIME: [&str; 41] = [
    "capget",
    "capset",
    "chdir",
    "clone",
    "close",
    "close_range",
    "epoll_ctl",
    "epoll_pwait",
    "execve",
    "exit",
    "exit_group",
    "faccessat2",
    "fchown",
    "fcntl",
    "fstat",
    "fstatfs",
    "futex",
    "getcwd",
    "getdents64",
    "getpid",
    "getppid",
    "gettid",
    "madvise",
    "mmap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "openat",
    "openat2",
    "prctl",
    "read",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_yield",
    "setgid",
    "setgroups",
    "setuid",
    "sigaltstack",
    "tgkill",
    "write",
];

/// Where a call is refused: EPERM, as the engines' own profiles say it.
const EPERM: u32 = 1;
/// Longest name of a call.
const LONGEST_NAME: usize = 64;

pub(super) fn draft(history: &History) -> Draft {
    let mut calls: BTreeMap<String, BTreeSet<WindowId>> = BTreeMap::new();
    let mut left_out = Vec::new();
    for access in history
        .on(Surface::Syscall)
        .filter(|access| access.is_use())
    {
        let name = access.shown();
        if is_name(&name) {
            let windows = calls.entry(name).or_default();
            windows.extend(access.windows.iter().cloned());
        } else {
            left_out.push(LeftOut {
                what: name,
                why: "it is no call of x86-64, and the profile is for that alone".to_owned(),
            });
        }
    }
    let mut holds: Vec<String> = left_out
        .iter()
        .map(|left: &LeftOut| format!("{} was called, and is no call of x86-64", left.what))
        .collect();
    let mut documents = Vec::new();
    let mut parts = Vec::new();
    if calls.is_empty() {
        holds.push("system calls were not recorded: record with --syscalls".to_owned());
    } else {
        documents.push(document(&calls));
        parts = self::parts(&calls, &documents[0].name);
    }
    Draft {
        documents,
        parts,
        left_out,
        holds,
        needs: calls.into_values().collect(),
        sights: &[Sight::Syscall],
    }
}

fn document(calls: &BTreeMap<String, BTreeSet<WindowId>>) -> Proposed {
    let names: BTreeSet<&str> = calls.keys().map(String::as_str).chain(RUNTIME).collect();
    let profile = Profile {
        default_action: "SCMP_ACT_ERRNO",
        default_errno_ret: EPERM,
        // 32-bit calls are not recorded, and so not allowed.
        architectures: ["SCMP_ARCH_X86_64"],
        syscalls: [Rule {
            names: names.into_iter().collect(),
            action: "SCMP_ACT_ALLOW",
        }],
    };
    let mut text =
        serde_json::to_string_pretty(&profile).expect("strings and lists are always JSON");
    text.push('\n');
    Proposed {
        name: "seccomp.json".to_owned(),
        characters: text.len() as u64,
        text,
        limit: None,
    }
}

fn parts(calls: &BTreeMap<String, BTreeSet<WindowId>>, document: &str) -> Vec<Part> {
    let added: Vec<&str> = RUNTIME
        .into_iter()
        .filter(|name| !calls.contains_key(*name))
        .collect();
    let mut parts = vec![Part {
        document: document.to_owned(),
        name: "calls that were made".to_owned(),
        stands_for: calls.len() as u64,
        over_grants: Vec::new(),
        notes: vec!["with any arguments: these are not recorded".to_owned()],
    }];
    if !added.is_empty() {
        parts.push(Part {
            document: document.to_owned(),
            name: "calls of the container runtime".to_owned(),
            stands_for: added.len() as u64,
            over_grants: Vec::new(),
            notes: vec![format!(
                "runc needs them between setting the filter and starting the program, which did not make them: {}",
                added.join(", ")
            )],
        });
    }
    parts
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile<'a> {
    default_action: &'static str,
    default_errno_ret: u32,
    architectures: [&'static str; 1],
    syscalls: [Rule<'a>; 1],
}

#[derive(Serialize)]
struct Rule<'a> {
    names: Vec<&'a str>,
    action: &'static str,
}
