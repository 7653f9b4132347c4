//! What the kernel grants a program, on a terminal.

use std::collections::BTreeMap;

use whittle_schemas::document::report::Status;

use super::{
    super::page::{Page, Paint},
    text::{counts, fitted, observation, paragraph},
    words::counted,
};
use crate::evidence::{Evidence, Subject};

/// Permissions, with the heading that each is shown under.
const KINDS: [(&str, &str); 6] = [
    ("use", "Capabilities"),
    ("write", "Mounts that may be written"),
    ("read", "Secrets mounted"),
    ("run as", "User"),
    ("gain privileges", "Privileges (no_new_privs is off)"),
    ("call", "System calls (seccomp is off)"),
];
const STATUSES: [(Status, &str, Paint); 6] = [
    (Status::Ungranted, "ungranted", Paint::Red),
    (Status::Used, "used", Paint::Bold),
    (Status::Attempted, "attempted", Paint::Red),
    (Status::Implied, "implied", Paint::Bold),
    (Status::Unused, "unused", Paint::Green),
    (Status::Unknown, "unknown", Paint::Yellow),
];

/// Columns of a status.
const WORD: usize = 12;

pub(super) fn subject(page: &mut Page, subject: &Subject) {
    page.heading(0, Paint::Bold, &subject.name);
    let granted = format!(
        "granted {} by the kernel",
        counted(subject.granted, "thing")
    );
    counts(page, granted, &subject.tally());
    if subject.evidence.is_empty() {
        let words = format!(
            "id {} · nothing is known of what it is granted",
            subject.subject
        );
        page.line(0, &page.paint(Paint::Dim, &words));
        return;
    }
    page.line(
        0,
        &page.paint(Paint::Dim, &format!("id {}", subject.subject)),
    );
    observation(page, &subject.observation, &[]);
    for (permission, heading) in KINDS {
        let entries = subject.evidence.iter();
        let of_kind: Vec<_> = entries
            .filter(|entry| &*entry.permission == permission)
            .collect();
        if !of_kind.is_empty() {
            kind(page, heading, &of_kind);
        }
    }
}

fn kind(page: &mut Page, heading: &str, entries: &[&Evidence]) {
    page.line(1, &page.paint(Paint::Bold, heading));
    for (status, word, paint) in STATUSES {
        let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| entry.status == status) {
            by_reason
                .entry(&entry.reason)
                .or_default()
                .push(&entry.resource);
        }
        for (reason, resources) in by_reason {
            let mut word = word;
            for line in fitted(page, 4 + WORD, &resources) {
                let before = page.paint(paint, &format!("{word:WORD$}"));
                page.line(2, &format!("{before}{line}"));
                word = "";
            }
            if status != Status::Used {
                paragraph(page, Paint::Dim, 2 + WORD / 2, reason);
            }
        }
    }
}
