//! Evidence on a terminal: coverage first, then a screen for each principal, then the programs. Pure.

use std::collections::{BTreeMap, BTreeSet};

use whittle_schemas::document::report::Status;

use super::{
    super::{
        Summary,
        page::{Page, Paint, Style},
        text::{coverage, title},
    },
    host,
    silence::silent,
};
use crate::{
    evidence::{Endpoint, Evidence, Observation, Principal, Report, Subject, Tally, rounded},
    report::words::{counted, grouped, wrapped},
};

/// Resources shown of one action, lines of one list, and sentences on what was not seen.
const RESOURCES: usize = 5;
const LINES: usize = 4;
const HOLES: usize = 5;

pub(super) fn render(report: &Report, summary: &Summary, style: Style) -> String {
    let mut page = Page::new(style);
    title(&mut page, summary);
    coverage(&mut page, summary);
    endpoints(&mut page, &report.endpoints);
    for note in &report.notes {
        paragraph(&mut page, Paint::Yellow, 1, note);
    }
    let (seen, unseen): (Vec<_>, Vec<_>) = report
        .principals
        .iter()
        .partition(|principal| principal.observation.observed || report.principals.len() == 1);
    for one in seen {
        principal(&mut page, one, &report.subjects);
    }
    if report.principals.is_empty() {
        page.heading(
            0,
            Paint::Bold,
            "No principal: the grants hold none, and nobody was seen.",
        );
    }
    if !unseen.is_empty() {
        let words = format!(
            "{} of the grants not seen: everything unknown",
            counted(unseen.len(), "principal")
        );
        page.heading(0, Paint::Bold, &words);
        let names: Vec<_> = unseen.iter().map(|one| one.principal.as_str()).collect();
        lines(&mut page, 1, &names);
    }
    host::subjects(&mut page, &report.subjects);
    page.text
}

/// What was talked to and could not be read.
fn endpoints(page: &mut Page, endpoints: &[Endpoint]) {
    if endpoints.is_empty() {
        return;
    }
    let unread: Vec<_> = endpoints
        .iter()
        .filter(|endpoint| !endpoint.complete)
        .collect();
    let connections: u64 = endpoints.iter().map(|endpoint| endpoint.connections).sum();
    let decoded: u64 = endpoints.iter().map(|endpoint| endpoint.decoded).sum();
    let words = format!(
        "{}: {decoded} of {connections} connections were read to their end.",
        counted(endpoints.len(), "endpoint")
    );
    let paint = if unread.is_empty() {
        Paint::Green
    } else {
        Paint::Yellow
    };
    page.line(1, &page.paint(paint, &words));
    let shown = if page.style.all { unread.len() } else { LINES };
    for endpoint in unread.iter().take(shown) {
        let reasons: Vec<_> = endpoint.reasons.iter().map(String::as_str).collect();
        let missing = endpoint.connections.saturating_sub(endpoint.decoded);
        page.entry(missing, "not read  ", &endpoint.endpoint);
        if !reasons.is_empty() {
            page.note(&reasons.join("; "));
        }
    }
    if unread.len() > shown {
        page.line(2, &format!("and {} more endpoints", unread.len() - shown));
    }
}

fn principal(page: &mut Page, principal: &Principal, subjects: &[Subject]) {
    page.heading(0, Paint::Bold, &principal.principal);
    let granted = format!("granted {}", counted(principal.granted, "action"));
    counts(page, granted, &principal.tally());
    observation(page, &principal.observation, subjects);
    let of = |status| {
        let entries = principal.evidence.iter();
        entries
            .filter(|entry| entry.status == status)
            .collect::<Vec<_>>()
    };
    touched(
        page,
        Paint::Red,
        "Ungranted: used, and no known grant allows it",
        &of(Status::Ungranted),
    );
    touched(page, Paint::Bold, "Used", &of(Status::Used));
    touched(
        page,
        Paint::Red,
        "Attempted, and denied each time",
        &of(Status::Attempted),
    );
    implied(page, &of(Status::Implied));
    silent(page, Paint::Bold, "Unused", &of(Status::Unused));
    silent(page, Paint::Yellow, "Unknown", &of(Status::Unknown));
}

/// `granted 22,091 actions, used 6, attempted 1, unused 22,084, unknown 0`.
pub(super) fn counts(page: &mut Page, granted: String, tally: &Tally) {
    let count = |status| tally.get(&status).copied().unwrap_or(0);
    let mut items = vec![granted];
    for (word, status, always) in [
        ("used", Status::Used, true),
        ("attempted", Status::Attempted, true),
        ("implied", Status::Implied, false),
        ("unused", Status::Unused, true),
        ("unknown", Status::Unknown, true),
        ("ungranted", Status::Ungranted, false),
    ] {
        if always || count(status) > 0 {
            items.push(format!("{word} {}", grouped(count(status))));
        }
    }
    let items: Vec<_> = items.iter().map(String::as_str).collect();
    lines(page, 0, &items);
}

/// How long it was watched, by whom it was acted, and what keeps silence from being evidence.
pub(super) fn observation(page: &mut Page, observation: &Observation, subjects: &[Subject]) {
    let verdict = if observation.is_complete() {
        "complete"
    } else {
        "not complete"
    };
    let words = if observation.observed {
        format!(
            "observed in {}, {} covered: {verdict}",
            counted(observation.windows, "window"),
            hours(observation),
        )
    } else {
        "not observed".to_owned()
    };
    page.line(0, &page.paint(Paint::Dim, &words));
    let names = subjects
        .iter()
        .filter(|subject| observation.subjects.contains(&subject.subject))
        .map(|subject| subject.name.as_str());
    let names: BTreeSet<_> = names.collect();
    for name in names.iter().take(HOLES).filter(|_| subjects.len() > 1) {
        page.entry_of(1, "acting as it: ", name);
    }
    let shown = if page.style.all {
        observation.holes.len()
    } else {
        HOLES
    };
    for hole in observation.holes.iter().take(shown) {
        paragraph(page, Paint::Yellow, 1, hole);
    }
    if observation.holes.len() > shown {
        let more = observation.holes.len() - shown;
        page.line(
            1,
            &page.paint(Paint::Yellow, &format!("and {more} more reasons")),
        );
    }
}

/// A length of time, and the hours that bounds are given in.
fn hours(observation: &Observation) -> String {
    let hours = observation.covered_hours();
    if hours >= 1.0 {
        return format!("{} h", rounded(hours));
    }
    let duration = super::super::time::duration(observation.covered_us);
    format!("{duration} ({} h)", rounded(hours))
}

/// What was asked for, with the resources.
fn touched(page: &mut Page, paint: Paint, heading: &str, entries: &[&Evidence]) {
    if entries.is_empty() {
        return;
    }
    page.line(1, &page.paint(paint, heading));
    let mut by_permission: BTreeMap<&str, Vec<&Evidence>> = BTreeMap::new();
    for entry in entries {
        by_permission
            .entry(&entry.permission)
            .or_default()
            .push(entry);
    }
    let longest = by_permission.keys().map(|name| name.chars().count()).max();
    let longest = longest.unwrap_or(0).min(44);
    for (permission, mut entries) in by_permission {
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.count));
        let most = if page.style.all {
            entries.len()
        } else {
            RESOURCES
        };
        // Two lines fit where one would say that there is one more.
        let shown = if entries.len() == most + 1 {
            most + 1
        } else {
            most
        };
        let mut name = permission;
        for entry in entries.iter().take(shown) {
            page.entry(entry.count, &format!("{name:longest$}  "), &entry.resource);
            name = "";
        }
        if entries.len() > shown {
            let rest = &entries[shown..];
            let count = rest.iter().map(|entry| entry.count).sum();
            let words = format!("{} more resources", grouped(rest.len()));
            page.entry(count, &format!("{:longest$}  ", ""), &words);
        }
        let mut reasons: BTreeSet<&str> = entries.iter().map(|entry| &*entry.reason).collect();
        reasons.retain(|reason| !reason.starts_with("used, and allowed by"));
        for reason in reasons
            .iter()
            .take(if page.style.all { reasons.len() } else { 2 })
        {
            paragraph(page, Paint::Dim, 6, reason);
        }
    }
}

fn implied(page: &mut Page, entries: &[&Evidence]) {
    if entries.is_empty() {
        return;
    }
    page.line(
        1,
        &page.paint(Paint::Bold, "Implied: cannot be seen from here"),
    );
    let mut by_reason: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for entry in entries {
        by_reason
            .entry(&entry.reason)
            .or_default()
            .insert(&entry.permission);
    }
    for (reason, permissions) in by_reason {
        let permissions: Vec<_> = permissions.into_iter().collect();
        lines(page, 2, &permissions);
        paragraph(page, Paint::Dim, 3, reason);
    }
}

/// Items in lines that fit, at an indent.
pub(super) fn lines(page: &mut Page, indent: usize, items: &[&str]) {
    for line in fitted(page, 2 * indent, items) {
        page.line(indent, &line);
    }
}

/// Items in lines that fit after so many columns.
pub(super) fn fitted(page: &Page, columns: usize, items: &[&str]) -> Vec<String> {
    let most = if page.style.all { usize::MAX } else { LINES };
    let width = usize::from(page.style.width).saturating_sub(columns + 1);
    wrapped(items, width, most)
}

/// A sentence in lines that fit.
pub(super) fn paragraph(page: &mut Page, paint: Paint, indent: usize, text: &str) {
    let width = usize::from(page.style.width).saturating_sub(2 * indent);
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            page.line(indent, &page.paint(paint, &line));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    page.line(indent, &page.paint(paint, &line));
}
