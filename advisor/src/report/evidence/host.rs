//! What the kernel grants a program, on a terminal.

use std::collections::{BTreeMap, BTreeSet};

use whittle_schemas::document::report::Status;

use super::{
    super::page::{Page, Paint},
    text::{counts, fitted, observation, paragraph},
};
use crate::{
    evidence::{Evidence, Subject},
    report::words::counted,
};

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

/// Programs that are shown whole; of the others one line each, and those past that are counted.
const WHOLE: usize = 6;
const NAMED: usize = 12;

/// All programs, those first of which most is known besides system calls.
pub(super) fn subjects(page: &mut Page, subjects: &[Subject]) {
    let known = |subject: &&Subject| {
        let entries = subject.evidence.iter();
        let told = entries.filter(|entry| {
            &*entry.permission != "call"
                && !matches!(entry.status, Status::Unused | Status::Unknown)
        });
        std::cmp::Reverse(told.count())
    };
    let mut ordered: Vec<&Subject> = subjects.iter().collect();
    ordered.sort_by_key(known);
    let whole = if page.style.all {
        ordered.len()
    } else {
        WHOLE.min(ordered.len())
    };
    let (shown, rest) = ordered.split_at(whole);
    for one in shown {
        subject(page, one);
    }
    if rest.is_empty() {
        return;
    }
    let words = format!(
        "{} (whole with --subject or --all)",
        counted(rest.len(), "more program")
    );
    page.heading(0, Paint::Bold, &words);
    for one in rest.iter().take(NAMED) {
        let used = one.tally().get(&Status::Used).copied().unwrap_or(0);
        let words = format!("granted {:>4}, used {used:>4}  ", one.granted);
        page.entry_of(1, &words, &one.name);
    }
    if rest.len() > NAMED {
        page.line(1, &format!("and {} more", rest.len() - NAMED));
    }
}

fn subject(page: &mut Page, subject: &Subject) {
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
    let mut said = BTreeSet::new();
    for (permission, heading) in KINDS {
        let entries = subject.evidence.iter();
        let of_kind: Vec<_> = entries
            .filter(|entry| &*entry.permission == permission)
            .collect();
        if !of_kind.is_empty() {
            kind(page, heading, &of_kind, &mut said);
        }
    }
}

/// One kind of grant. What was said of another kind is not said again.
fn kind<'a>(
    page: &mut Page,
    heading: &str,
    entries: &[&'a Evidence],
    said: &mut BTreeSet<&'a str>,
) {
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
            if status != Status::Used && said.insert(reason) {
                paragraph(page, Paint::Dim, 2 + WORD / 2, reason);
            }
        }
    }
}
