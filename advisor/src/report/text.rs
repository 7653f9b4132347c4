//! The report on a terminal: coverage first, then each subject with what it used, was denied and failed at.
//! Pure: rows in, text out.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use whittle_schemas::table::{Outcome, Surface};

use super::{
    cloud,
    folder::{Counted, Line, folded, unfolded},
    page::{Page, Paint, Style},
    summary::{Access, Family, Subject, Summary},
    time::{duration, to_the_second},
};

/// The report as text, ended by a newline.
#[must_use]
pub fn render(summary: &Summary, style: Style) -> String {
    let mut page = Page::new(style);
    title(&mut page, summary);
    coverage(&mut page, summary);
    for subject in &summary.subjects {
        self::subject(&mut page, subject);
    }
    if summary.subjects.is_empty() {
        page.heading(0, Paint::Bold, "Nothing was recorded for any subject.");
    }
    page.text
}

/// What this is, and of when and where.
pub(super) fn title(page: &mut Page, summary: &Summary) {
    page.line(0, &page.paint(Paint::Bold, "whittle report"));
    if let (Some(from), Some(to)) = (&summary.from, &summary.to) {
        let nodes = summary.nodes.join(", ");
        page.line(
            0,
            &format!(
                "{} to {} UTC, recorded on {nodes}",
                to_the_second(from),
                to_the_second(to)
            ),
        );
    }
}

pub(super) fn coverage(page: &mut Page, summary: &Summary) {
    page.heading(0, Paint::Bold, "Coverage");
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(page.style.width);
    table.set_header(["family", "backend", "seen", "recorded", "lost", ""]);
    for family in &summary.coverage {
        let backends: Vec<_> = family.backends.iter().map(String::as_str).collect();
        table.add_row([
            family.family.clone(),
            backends.join(", "),
            family.seen.to_string(),
            family.recorded.to_string(),
            family.lost.to_string(),
            verdict(family, summary.unread),
        ]);
    }
    // The table's own padding of one, and one more, are the report's indent.
    table
        .column_mut(0)
        .expect("the header has six columns")
        .set_padding((2, 1));
    for column in 2..5 {
        let column = table
            .column_mut(column)
            .expect("the header has six columns");
        column.set_cell_alignment(CellAlignment::Right);
    }
    if !summary.coverage.is_empty() {
        for line in table.lines() {
            page.line(0, line.trim_end());
        }
    }
    let (paint, sentence) = if summary.complete {
        (
            Paint::Green,
            "Complete: every exec, open and connection was recorded.",
        )
    } else if summary.unread > 0 {
        (
            Paint::Yellow,
            "Not complete, files are missing: what is not listed below may have happened.",
        )
    } else if summary.coverage.is_empty() {
        (
            Paint::Yellow,
            "No coverage was recorded: what is not listed below may have happened all the same.",
        )
    } else {
        (
            Paint::Yellow,
            "Not complete: what is not listed below may have happened all the same.",
        )
    };
    page.line(1, &page.paint(paint, sentence));
}

/// What the coverage of a family comes to, in words.
fn verdict(family: &Family, unread: usize) -> String {
    let mut parts = Vec::new();
    if family.lost > 0 {
        let reasons: Vec<_> = family
            .lost_by_reason
            .iter()
            .map(|(reason, lost)| format!("{reason} {lost}"))
            .collect();
        parts.push(format!("lost: {}", reasons.join(", ")));
    }
    if family.gap_us > 0 {
        parts.push(format!("unwatched for {}", duration(family.gap_us)));
    }
    parts.extend(family.gap_reasons.iter().cloned());
    if unread > 0 {
        parts.push("files are missing".to_owned());
    }
    if !family.complete && parts.is_empty() {
        parts.extend(family.backend_reasons.iter().cloned());
    }
    let mut words = if family.complete {
        "complete".to_owned()
    } else {
        format!("not complete: {}", parts.join("; "))
    };
    if family.truncated > 0 {
        write!(words, "; paths cut short: {}", family.truncated)
            .expect("writing to a String does not fail");
    }
    words
}

fn subject(page: &mut Page, subject: &Subject) {
    let name = subject.executable.as_deref().unwrap_or("unknown subject");
    let script = subject
        .script
        .as_ref()
        .map_or_else(String::new, |script| format!(" {script}"));
    page.heading(0, Paint::Bold, &format!("{name}{script}"));
    page.line(0, &page.paint(Paint::Dim, &identity(subject)));

    if subject.accesses.is_empty() {
        page.line(1, "Nothing was recorded for it.");
    }
    let of = |outcome| {
        subject
            .accesses
            .iter()
            .filter(move |access| access.outcome == outcome)
    };
    let mut blocks: BTreeMap<Block, Vec<&Access>> = BTreeMap::new();
    for access in of(Outcome::Allowed) {
        blocks.entry(Block::of(access)).or_default().push(access);
    }
    for (block, accesses) in blocks {
        page.line(1, &page.paint(Paint::Bold, block.title()));
        if block.is_of_paths() {
            paths(page, "", &accesses);
        } else if block == Block::Other(Surface::Cloud) {
            cloud::calls(page, &accesses, |access| access.action.clone());
        } else {
            by_words(page, &accesses, |access| access.action.clone());
        }
    }
    let denied: Vec<_> = of(Outcome::Denied).collect();
    if !denied.is_empty() {
        page.line(1, &page.paint(Paint::Red, "Denied"));
        with_error(page, &denied);
    }
    let failed: Vec<_> = of(Outcome::Failed).collect();
    if !failed.is_empty() {
        page.line(1, &page.paint(Paint::Bold, "Failed"));
        if page.style.all {
            with_error(page, &failed);
        } else {
            failures(page, &failed);
        }
    }
}

/// Who the subject is, in a line.
fn identity(subject: &Subject) -> String {
    let mut parts = Vec::new();
    match (&subject.user, subject.uid) {
        (Some(user), _) => parts.push(format!("as {user}")),
        (None, Some(uid)) => parts.push(format!("as uid {uid}")),
        (None, None) => {}
    }
    parts.extend(subject.workload.clone());
    if subject.instances > 1 {
        parts.push(format!("{} instances", subject.instances));
    }
    parts.push(format!("id {}", subject.subject_id));
    parts.join(" · ")
}

/// The blocks of a subject, in the order in which they are shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Block {
    Created,
    Written,
    Changed,
    Read,
    Mapped,
    Located,
    Run,
    Other(Surface),
}

impl Block {
    fn of(access: &Access) -> Self {
        if access.surface != Surface::File {
            return Self::Other(access.surface);
        }
        let has = |words: &[&str]| access.action.split('+').any(|part| words.contains(&part));
        if has(&["execute"]) {
            Self::Run
        } else if has(&["map"]) {
            Self::Mapped
        } else if has(&["create"]) {
            Self::Created
        } else if has(&["write", "append"]) || access.action.contains("+truncate") {
            Self::Written
        } else if has(&["read"]) {
            Self::Read
        } else if has(&["path"]) {
            Self::Located
        } else {
            Self::Changed
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Created => "Files created",
            Self::Written => "Files written",
            Self::Changed => "Names and attributes changed",
            Self::Read => "Files read",
            Self::Mapped => "Files mapped as code",
            Self::Located => "Files opened as a path only",
            Self::Run => "Programs run",
            Self::Other(Surface::Network) => "Network",
            Self::Other(Surface::Cloud) => "Cloud",
            Self::Other(Surface::Kubernetes) => "Kubernetes",
            Self::Other(Surface::Capability) => "Capabilities",
            Self::Other(Surface::Privilege) => "Privileged acts",
            Self::Other(Surface::Syscall) => "System calls",
            Self::Other(Surface::Credential) => "Credentials",
            Self::Other(Surface::File) => "Files",
        }
    }

    fn is_of_paths(self) -> bool {
        !matches!(self, Self::Changed | Self::Other(_))
    }
}

/// Accesses in groups of the same words, with the words before each line.
fn by_words(page: &mut Page, accesses: &[&Access], words: impl Fn(&Access) -> String) {
    let mut groups: BTreeMap<String, Vec<&Access>> = BTreeMap::new();
    for access in accesses {
        groups.entry(words(access)).or_default().push(access);
    }
    for (words, accesses) in groups {
        paths(page, &format!("{words}  "), &accesses);
    }
}

/// Accesses with their errors before them, those to a cloud with their identities.
fn with_error(page: &mut Page, accesses: &[&Access]) {
    let words = |access: &Access| format!("{}  {}", error(access), access.action);
    let (cloud, other): (Vec<_>, Vec<_>) = accesses
        .iter()
        .partition(|access| access.surface == Surface::Cloud);
    by_words(page, &other, words);
    cloud::calls(page, &cloud, words);
}

/// One line for each error: how often, at how many things, and where most of them are.
fn failures(page: &mut Page, accesses: &[&Access]) {
    let mut groups: BTreeMap<&str, Vec<&Access>> = BTreeMap::new();
    for access in accesses {
        groups.entry(error(access)).or_default().push(access);
    }
    for (error, accesses) in groups {
        let lines = lines(&accesses, true);
        let [line] = &lines[..] else {
            let count = lines.iter().map(|line| line.count).sum();
            page.entry(count, &format!("{error}  "), &summarised(&lines));
            continue;
        };
        page.entry(
            line.count,
            &format!("{error}  {}  ", accesses[0].action),
            &line.path,
        );
        if let Some(note) = &line.note {
            page.note(note);
        }
    }
}

fn summarised(lines: &[Line]) -> String {
    let mut folders: BTreeMap<&str, u64> = BTreeMap::new();
    for line in lines {
        if let Some(end) = line.path.rfind('/').filter(|_| line.path.starts_with('/')) {
            *folders.entry(&line.path[..=end]).or_default() += line.count;
        }
    }
    let most = folders.into_iter().max_by_key(|(_, count)| *count);
    let most = most.map_or_else(String::new, |(folder, _)| format!(", most in {folder}"));
    format!("at {} names{most}", lines.len())
}

fn error(access: &Access) -> &str {
    access.error.as_deref().unwrap_or("no error")
}

fn lines(accesses: &[&Access], all: bool) -> Vec<Line> {
    let names: Vec<_> = accesses.iter().map(|access| name(access)).collect();
    let paths = accesses.iter().zip(&names).map(|(access, name)| Counted {
        path: name,
        note: not_whole(access),
        count: access.count,
    });
    if all { unfolded(paths) } else { folded(paths) }
}

/// The resource; of a connection that was accepted, with where it came from.
fn name(access: &Access) -> Cow<'_, str> {
    match &access.resource_detail {
        Some(from) if access.action == "accept" => {
            Cow::Owned(format!("{} {from}", access.resource))
        }
        _ => Cow::Borrowed(&access.resource),
    }
}

/// What the detail says of a path that is not whole, or not the one that the process saw. Other details are kinds.
fn not_whole(access: &Access) -> Option<&str> {
    let detail = access.resource_detail.as_deref()?;
    detail.starts_with("path ").then_some(detail)
}

/// A line for each path or folder, with words before it, and one for what is to be said about the path.
fn paths(page: &mut Page, words: &str, accesses: &[&Access]) {
    for line in lines(accesses, page.style.all) {
        let files = match line.files {
            1 => String::new(),
            files => format!(" ({files} files)"),
        };
        page.entry(line.count, words, &format!("{}{files}", line.path));
        if let Some(note) = &line.note {
            page.note(note);
        }
    }
}
