//! What is granted and was not seen in use, on a terminal: why, the sensitive first, then by service and access level.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{CellAlignment, Table, presets};
use whittle_grants::aws::actions::{self, AccessLevel, Action};

use super::{
    super::page::{Page, Paint},
    text::{lines, paragraph},
};
use crate::{
    evidence::Evidence,
    report::words::{counted, grouped},
};

/// Services of one table, and reasons.
const SERVICES: usize = 12;
const REASONS: usize = 4;

/// What is granted and was not seen in use: why, the sensitive first, then by service and access level.
pub(super) fn silent(page: &mut Page, paint: Paint, heading: &str, entries: &[&Evidence]) {
    if entries.is_empty() {
        return;
    }
    let permissions: BTreeSet<&str> = entries.iter().map(|entry| &*entry.permission).collect();
    let words = format!("{heading}: {}", counted(permissions.len(), "action"));
    page.line(1, &page.paint(paint, &words));
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        *reasons.entry(&entry.reason).or_default() += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let shown = if page.style.all {
        reasons.len()
    } else {
        REASONS
    };
    for (reason, count) in reasons.iter().take(shown) {
        let before = if reasons.len() > 1 {
            format!("{}: ", grouped(*count))
        } else {
            String::new()
        };
        paragraph(page, Paint::Dim, 2, &format!("{before}{reason}"));
    }
    if reasons.len() > shown {
        page.line(2, &format!("and {} more reasons", reasons.len() - shown));
    }
    if page.style.all {
        for entry in entries {
            page.entry_of(2, &format!("{}  ", entry.permission), &entry.resource);
        }
        return;
    }
    let known: Vec<&'static Action> = permissions
        .iter()
        .filter_map(|permission| permission.split_once(':'))
        .filter_map(|(service, name)| actions::get(service, name))
        .collect();
    sensitive(page, &known);
    by_service(page, &known);
}

fn sensitive(page: &mut Page, known: &[&'static Action]) {
    let mut kinds: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for action in known {
        if let Some(kind) = action.sensitivity {
            let name = format!("{}:{}", action.service, action.name);
            kinds.entry(kind).or_default().push(name);
        }
    }
    for (kind, names) in kinds {
        let words = format!("{}: {}", kind.name(), grouped(names.len()));
        page.line(2, &page.paint(Paint::Red, &words));
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        lines(page, 3, &names);
    }
}

const LEVELS: [AccessLevel; 5] = [
    AccessLevel::List,
    AccessLevel::Read,
    AccessLevel::Write,
    AccessLevel::Tagging,
    AccessLevel::PermissionsManagement,
];

fn by_service(page: &mut Page, known: &[&'static Action]) {
    let mut services: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    for action in known {
        let counts = services.entry(action.service).or_default();
        let level = LEVELS
            .iter()
            .position(|level| *level == action.access_level);
        counts[level.expect("all levels are listed")] += 1;
    }
    let mut services: Vec<_> = services.into_iter().collect();
    services.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.iter().sum::<usize>()));
    let shown = if services.len() == SERVICES + 1 {
        SERVICES + 1
    } else {
        SERVICES
    };
    let rest = services.split_off(services.len().min(shown));
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let heads = ["List", "Read", "Write", "Tagging", "Permissions"];
    table.set_header(["by service"].into_iter().chain(heads).chain(["all"]));
    let mut add = |name: &str, counts: [usize; 5]| {
        let cell = |count: usize| match count {
            0 => "·".to_owned(),
            count => grouped(count),
        };
        let all = counts.iter().sum();
        let cells = counts.into_iter().chain([all]).map(cell);
        table.add_row([name.to_owned()].into_iter().chain(cells));
    };
    for (service, counts) in &services {
        add(service, *counts);
    }
    if !rest.is_empty() {
        let mut sums = [0; 5];
        for (_, counts) in &rest {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        add(&format!("{} other services", grouped(rest.len())), sums);
    }
    let columns = table.column_iter_mut().enumerate();
    for (index, column) in columns {
        if index == 0 {
            column.set_padding((4, 1));
        } else {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for (index, line) in table.lines().enumerate() {
        let line = line.trim_end();
        let line = if index == 0 {
            page.paint(Paint::Dim, line)
        } else {
            line.to_owned()
        };
        page.line(0, &line);
    }
}
