//! The matrix of kernels, backends and hook families: its cells, as the guests' tests print them, and the page that shows them.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::places;

const PAGE: &str = "docs/kernels.md";

/// What was found of a hook family with a backend, on one kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The hook family.
    pub family: String,
    /// The backend that was asked for.
    pub backend: String,
    /// Whether the kernel took the family's probes.
    pub loaded: bool,
    /// Whether they saw anything.
    pub fired: bool,
    /// Whether they saw what another observer saw.
    pub parity: bool,
    /// Why the family has this backend, or none.
    pub reason: String,
}

/// What a line with a cell begins with, if need be behind something that another program left on the line.
const MARK: &str = "whittle-matrix: ";

impl Cell {
    /// The line that tells of it.
    ///
    /// # Panics
    /// Never: a cell is strings and booleans.
    #[must_use]
    pub fn line(&self) -> String {
        let cell = serde_json::to_string(self).expect("strings and booleans are JSON");
        format!("{MARK}{cell}")
    }

    /// The cell that a line tells of.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        serde_json::from_str(line.split_once(MARK)?.1).ok()
    }

    fn row(&self, kernel: &str) -> String {
        let yes = |is: bool| if is { "yes" } else { "no" };
        let (family, backend) = (&self.family, &self.backend);
        if !self.loaded {
            return format!(
                "| {kernel} | {family} | {backend} | no: {} | | |",
                self.reason
            );
        }
        let (fired, parity) = (yes(self.fired), yes(self.parity));
        format!("| {kernel} | {family} | {backend} | yes | {fired} | {parity} |")
    }
}

/// One kernel's run.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    /// What the command line calls it.
    pub(super) kernel: String,
    /// As `uname -r` says it.
    pub(super) release: String,
    /// Seconds that it was up.
    pub(super) seconds: Option<String>,
    pub(super) cells: Vec<Cell>,
}

impl Guest {
    fn rows(&self) -> Vec<String> {
        let mut cells: Vec<&Cell> = self.cells.iter().collect();
        let backends = ["trampoline", "kprobe", "syscall"];
        cells.sort_by_key(|cell| backends.iter().position(|name| *name == cell.backend));
        cells.iter().map(|cell| cell.row(&self.kernel)).collect()
    }
}

/// Writes the page out of a run of every kernel.
pub(super) fn write(guests: &[Guest]) -> Result<()> {
    fs::write(places::repository().join(PAGE), page(guests))
        .with_context(|| format!("cannot write {PAGE}"))
}

/// Holds a run to the page: of each kernel that ran, the same cells with the same content.
pub(super) fn check(guests: &[Guest]) -> Result<()> {
    let page = fs::read_to_string(places::repository().join(PAGE))
        .with_context(|| format!("cannot read {PAGE}; `cargo xtask vm --write` makes it"))?;
    let differences: Vec<String> = guests
        .iter()
        .flat_map(|guest| differences(&page, guest))
        .collect();
    ensure!(
        differences.is_empty(),
        "{PAGE} says otherwise than this run; where the run is right, write it with `cargo xtask vm --write`:\n{}",
        differences.join("\n")
    );
    Ok(())
}

fn differences(page: &str, guest: &Guest) -> Vec<String> {
    let start = format!("| {} | ", guest.kernel);
    // The table of releases has as many columns as its own header, and no family in the second.
    let written: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with(&start) && line.matches('|').count() == COLUMNS + 1)
        .collect();
    let rows = guest.rows();
    let missing = rows.iter().filter(|row| !written.contains(&row.as_str()));
    let gone = written
        .iter()
        .filter(|line| !rows.iter().any(|row| row == *line));
    missing
        .map(|row| format!("seen:    {row}"))
        .chain(gone.map(|line| format!("written: {line}")))
        .collect()
}

/// Columns of the table of cells.
const COLUMNS: usize = 6;

const INTRODUCTION: &str = "# Kernels

Written by `cargo xtask vm --write`, which boots each kernel in an emulated machine with one processor and runs
`tests/tests/families` there with each backend; `cargo xtask test` runs it too, and fails where it sees something else.

- *loaded*: the kernel took every probe of the family; else why not, in the words of `whittle doctor`.
- *fired*: they saw something.
- *parity*: programs, files and addresses are those that strace saw in the same run, with the same outcomes, as often, and those that
  a program says it reached by `io_uring` (with `syscall`: that it made a ring is counted as lost); calls of
  `syscall` are those that strace logged; `payload` is the requests that a client made over plain HTTP and OpenSSL, by its source;
  `capability` is what the acts of a program need by the manual page capabilities(7). What is missing is counted as lost: Linux 7.3
  preempts probes, leaves the same one out meanwhile, and has stand-ins for it, of which it may leave all out.

The hooks of family `syscall` are the same with every backend, and those of `process`, `payload` and `privilege` with `kprobe` and
`syscall`.
";

fn page(guests: &[Guest]) -> String {
    let releases = guests.iter().map(|guest| {
        let seconds = guest.seconds.as_deref().unwrap_or("?");
        format!("| {} | {} | {seconds} |", guest.kernel, guest.release)
    });
    let head = [
        INTRODUCTION,
        "| kernel | Debian's release | seconds up |",
        "|---|---|---:|",
    ];
    let cells = [
        "",
        "| kernel | family | backend | loaded | fired | parity |",
        "|---|---|---|---|---|---|",
    ];
    let mut lines: Vec<String> = head.map(str::to_owned).to_vec();
    lines.extend(releases);
    lines.extend(cells.map(str::to_owned));
    lines.extend(guests.iter().flat_map(Guest::rows));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(backend: &str, parity: bool) -> Cell {
        Cell {
            family: "file".to_owned(),
            backend: backend.to_owned(),
            loaded: true,
            fired: true,
            parity,
            reason: "asked for".to_owned(),
        }
    }

    fn guest(cells: Vec<Cell>) -> Guest {
        Guest {
            kernel: "6.1".to_owned(),
            release: "6.1.0-50-cloud-amd64".to_owned(),
            seconds: Some("71".to_owned()),
            cells,
        }
    }

    #[test]
    fn a_cell_is_found_behind_what_another_program_left_on_the_line() {
        let cell = cell("syscall", true);
        assert_eq!(
            Cell::of_line(&format!("test a ... {}", cell.line())),
            Some(cell)
        );
        assert_eq!(Cell::of_line("whittle-matrix: {"), None);
        assert_eq!(
            Cell::of_line("whittle-vm: 0 failed, guest up for 9.10 s"),
            None
        );
    }

    #[test]
    fn a_cell_that_changed_came_or_went_contradicts_the_page() {
        let both = guest(vec![cell("syscall", true), cell("trampoline", true)]);
        let page = page(std::slice::from_ref(&both));
        assert_eq!(differences(&page, &both), Vec::<String>::new());
        let worse = guest(vec![cell("syscall", true), cell("trampoline", false)]);
        assert_eq!(differences(&page, &worse).len(), 2);
        assert_eq!(
            differences(&page, &guest(vec![cell("syscall", true)])).len(),
            1
        );
        assert_eq!(differences("", &both).len(), 2);
    }
}
