//! `cargo xtask bench --native`: what whittle takes of this machine, in time and memory. A build beside the same build
//! unwatched is in `build`, the load of a busy node in `load`, the start in `start`; they read what tests/bench/load.c says.
//! What else the machine does is in the figures.

mod build;
mod load;
mod said;
mod start;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::{guest, page, project};
use crate::{command, places};

/// Options of `cargo xtask bench --native`.
#[derive(Args)]
pub(super) struct NativeOptions {
    /// Measure this machine instead of a guest: a build, the load of a node, and the start
    #[arg(long)]
    pub(super) native: bool,
    /// Pairs of builds, one of each watched
    #[arg(long, default_value_t = 7, value_name = "COUNT", requires = "native")]
    pairs: usize,
    /// How long the steady load lasts
    #[arg(
        long,
        default_value_t = 600,
        value_name = "SECONDS",
        requires = "native"
    )]
    seconds: u32,
}

/// What everything is measured with.
struct Bench {
    whittle: PathBuf,
    load: PathBuf,
    folder: tempfile::TempDir,
}

/// Measures, and prints a table; writes it into the page where `write` says so.
pub(super) fn run(options: &NativeOptions, whittle: Option<&Path>, write: bool) -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "whittle loads probes into the kernel, which needs root"
    );
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let load = folder.path().join("load");
    guest::compile(&places::repository().join("tests/bench/load.c"), &load)?;
    let bench = Bench {
        whittle: guest::whittle(whittle)?,
        load,
        folder,
    };
    let before = load_average()?;
    command::run(bench.load().arg("prepare"))?;
    command::run(
        Command::new("cp")
            .arg("--recursive")
            .arg(project::fetch()?)
            .arg(bench.project()),
    )?;
    let rows = [
        start::rows(&bench)?,
        build::rows(&bench, options.pairs)?,
        load::rows(&bench, options.seconds)?,
    ];
    let table = format!(
        "Linux {}, {} processors; load average {before} before and {} after:\n\n| what | value | spread |\n|---|---:|---|\n{}\n",
        rustix::system::uname().release().to_string_lossy(),
        std::thread::available_parallelism().map_or(1, usize::from),
        load_average()?,
        rows.concat().join("\n")
    );
    println!("{table}");
    if write {
        let (seconds, pairs) = (options.seconds, options.pairs);
        let shown = format!(" --seconds {seconds} --pairs {pairs}");
        page::write("cargo xtask bench --native", &shown, &table)?;
    }
    Ok(())
}

impl Bench {
    /// The load, for this folder of files.
    fn load(&self) -> Command {
        let mut load = Command::new(&self.load);
        load.arg(self.folder.path().join("files"));
        load
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// `load` with these arguments, unwatched.
    fn unwatched(&self, arguments: &[&str]) -> Result<said::Said> {
        let mut load = self.load();
        said::by(load.args(arguments))
    }

    /// The same, watched by whittle with all hook families.
    fn watched(&self, arguments: &[&str]) -> Result<said::Said> {
        let load = self.load();
        let mut whittle = Command::new(&self.whittle);
        whittle
            .args(["record", "--format", "none", "--out"])
            .arg(self.folder.path().join("data"))
            .arg("--")
            .arg(load.get_program())
            .args(load.get_args())
            .args(arguments)
            .env("NO_COLOR", "1")
            .env("WHITTLE_LOG", "whittle_agent::pipeline::rows=debug");
        said::by_group(&mut whittle)
    }
}

/// A row of the table.
fn row(what: &str, value: &str, spread: &str) -> String {
    format!("| {what} | {value} | {spread} |")
}

/// Of the last minute: what disturbs the figures.
fn load_average() -> Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg").context("cannot read /proc/loadavg")?;
    Ok(text.split(' ').next().unwrap_or("?").to_owned())
}

/// The value in the middle, and the two at the ends.
fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    (
        at(values.len() / 2),
        at(0),
        at(values.len().saturating_sub(1)),
    )
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn the_spread_is_the_middle_and_the_ends() {
        assert_eq!(spread(vec![3.0, 1.0, 9.0]), (3.0, 1.0, 9.0));
        assert!(spread(Vec::new()).0.is_nan());
    }
}
