//! The table, and its section of docs/benchmarks.md, which a later run replaces.

use std::fs;

use anyhow::{Context, Result};
use indicatif::HumanCount;

use super::figure::Figure;
use super::observer::{NOBODY, Observer};
use super::workload::Workload;
use crate::places;

const PAGE: &str = "docs/benchmarks.md";

/// Rows are observers, columns operations: instructions of nobody, and what the others add.
pub(super) fn table(
    figures: &[Figure],
    observers: &[&Observer],
    workloads: &[&Workload],
) -> String {
    let each = |observer: &str, workload: &Workload| {
        figures
            .iter()
            .find(|figure| figure.observer == observer && figure.workload == workload.name)
            .map(Figure::each)
    };
    let cell = |observer: &Observer, workload: &Workload| {
        let nobody = each(NOBODY.name, workload);
        match (each(observer.name, workload), nobody) {
            (Some(each), _) if observer.name == NOBODY.name => {
                HumanCount(each.unsigned_abs()).to_string()
            }
            (Some(each), Some(nobody)) => over(each, nobody),
            _ if !workload.is_for(observer) => String::new(),
            _ => "not measured".to_owned(),
        }
    };
    let titles: Vec<String> = workloads
        .iter()
        .map(|column| column.title.to_owned())
        .collect();
    let mut rows = vec![
        row("who is watching", &titles),
        format!("|---|{}", "---:|".repeat(workloads.len())),
    ];
    for observer in observers {
        let cells: Vec<String> = workloads
            .iter()
            .map(|column| cell(observer, column))
            .collect();
        rows.push(row(observer.title, &cells));
    }
    rows.join("\n") + "\n"
}

fn row(first: &str, cells: &[String]) -> String {
    format!("| {first} | {} |", cells.join(" | "))
}

/// `+350 (+3.7 %)`.
fn over(each: i64, nobody: i64) -> String {
    let more = each - nobody;
    let sign = if more < 0 { '-' } else { '+' };
    // In tenths of a percent, rounded: an operation takes thousands of instructions.
    let nobody = nobody.unsigned_abs().max(1);
    let tenths = (more.unsigned_abs() * 2000 + nobody) / (2 * nobody);
    format!(
        "{sign}{} ({sign}{}.{} %)",
        HumanCount(more.unsigned_abs()),
        HumanCount(tenths / 10),
        tenths % 10
    )
}

/// Puts the table between the page's markers of this command, or at its end. `options` of the command are shown with it: what was
/// measured less takes the place of what was measured whole.
pub(super) fn write(command: &str, options: &str, table: &str) -> Result<()> {
    let path = places::repository().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let page = replaced(&page, command, options, table);
    fs::write(&path, page).with_context(|| format!("cannot write {PAGE}"))
}

fn replaced(page: &str, command: &str, options: &str, table: &str) -> String {
    let begin = format!("<!-- {command}: begin -->\n");
    let end = format!("<!-- {command}: end -->\n");
    let section = format!("{begin}`{command}{options} --write`. {table}{end}");
    let place = page.find(&begin).zip(page.find(&end));
    match place.filter(|(first, last)| first < last) {
        Some((first, last)) => format!("{}{section}{}", &page[..first], &page[last + end.len()..]),
        None => format!("{page}\n{section}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_observer_adds_is_shown_beside_its_share() {
        assert_eq!(over(9_900, 9_550), "+350 (+3.7 %)");
        assert_eq!(over(343_800, 9_550), "+334,250 (+3,500.0 %)");
        assert_eq!(over(9_549, 9_550), "-1 (-0.0 %)");
        assert_eq!(over(9_350, 9_550), "-200 (-2.1 %)");
        assert_eq!(over(9_550, 9_550), "+0 (+0.0 %)");
    }

    #[test]
    fn a_later_run_replaces_its_own_section_alone() {
        let page = replaced(
            "# Figures\n",
            "cargo xtask bench --kernel 6.1",
            "",
            "| one |\n",
        );
        let page = replaced(
            &page,
            "cargo xtask bench --native",
            " --seconds 9",
            "| other |\n",
        );
        let page = replaced(&page, "cargo xtask bench --kernel 6.1", "", "| two |\n");
        assert_eq!(page.matches("begin -->").count(), 2);
        assert!(!page.contains("| one |"), "{page}");
        assert!(
            page.contains("| two |") && page.contains("| other |"),
            "{page}"
        );
        assert!(page.starts_with("# Figures\n"), "{page}");
    }
}
