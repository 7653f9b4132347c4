//! `cargo xtask fuzz`: libFuzzer on every decoder and reader, from the committed seeds and what earlier runs added to them.
//! The targets are in `fuzz/`, a workspace of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::{command, places};

/// What stable Rust takes to count coverage as libFuzzer wants it.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
/// Named, so that build scripts, which run here, are built without it.
const HOST: &str = "x86_64-unknown-linux-gnu";
/// Longest input; heads and hellos have limits of 64 KiB, which a target has to get past.
const MOST_BYTES: usize = 100_000;
/// Longest time for one input, which nothing here comes near.
const MOST_SECONDS: u32 = 10;

/// Options of `cargo xtask fuzz`.
#[derive(Args)]
pub struct Options {
    /// How long to run each target
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Targets; all where none is named
    target: Vec<String>,
}

/// Builds the targets and runs them one after the other.
///
/// # Errors
/// When one finds something; the sentence says where the input is.
pub fn run(options: &Options) -> Result<()> {
    let program = build()?;
    let known = command::output(Command::new(&program).env("WHITTLE_FUZZ", "list"))?;
    let known: Vec<&str> = known.lines().collect();
    for target in &options.target {
        ensure!(
            known.contains(&target.as_str()),
            "there is no target {target:?}; there are: {}",
            known.join(", ")
        );
    }
    let asked: Vec<&str> = match &options.target[..] {
        [] => known,
        named => named.iter().map(String::as_str).collect(),
    };
    let mut failed = Vec::new();
    for target in asked {
        if !fuzz(&program, target, options.seconds)? {
            failed.push(target);
        }
    }
    if !failed.is_empty() {
        bail!(
            "found something in {}: the inputs are in target/fuzz/found",
            failed.join(", ")
        );
    }
    Ok(())
}

fn build() -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--quiet", "--release", "--target", HOST])
        .args(["--manifest-path", "fuzz/Cargo.toml"])
        .args(["--target-dir", "target/fuzz/build"])
        .env("RUSTFLAGS", COVERAGE)
        // libFuzzer itself is C++.
        .env("CXXFLAGS", "-O2")
        .current_dir(places::repository());
    command::run(&mut cargo)?;
    Ok(places::repository().join(format!("target/fuzz/build/{HOST}/release/whittle-fuzz")))
}

/// Runs one target; false where it found something.
fn fuzz(program: &Path, target: &str, seconds: u32) -> Result<bool> {
    let folder = |name: &str| -> Result<PathBuf> {
        let folder = places::repository()
            .join("target/fuzz")
            .join(name)
            .join(target);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    };
    let seeds = places::repository().join("fuzz/corpus").join(target);
    ensure!(
        seeds.is_dir(),
        "{} is missing: a target needs seeds",
        places::shown(&seeds)
    );
    let log = folder("log")?.join("last");
    let output =
        fs::File::create(&log).with_context(|| format!("cannot write {}", places::shown(&log)))?;
    let status = Command::new(program)
        .env("WHITTLE_FUZZ", target)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={MOST_BYTES}"))
        .arg(format!("-timeout={MOST_SECONDS}"))
        .args(["-rss_limit_mb=2048", "-print_final_stats=1"])
        .current_dir(places::repository().join("target/fuzz"))
        .arg(format!("-artifact_prefix={}/", folder("found")?.display()))
        // The first is where new inputs go.
        .arg(folder("corpus")?)
        .arg(seeds)
        .stderr(output)
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let log =
        fs::read_to_string(&log).with_context(|| format!("cannot read {}", places::shown(&log)))?;
    println!("{target:<18} {}", summary(&log));
    if !status.success() {
        let end = log.lines().rev().take(60).collect::<Vec<_>>();
        end.iter().rev().for_each(|line| println!("  {line}"));
    }
    Ok(status.success())
}

/// Runs, coverage and speed, from what libFuzzer prints at its end.
fn summary(log: &str) -> String {
    let value = |name: &str| {
        let line = log.lines().rev().find_map(|line| line.strip_prefix(name));
        line.map_or("?", str::trim)
    };
    let coverage = log
        .lines()
        .rev()
        .find_map(|line| line.split_once(" cov: ")?.1.split(' ').next())
        .unwrap_or("?");
    format!(
        "{:>10} runs  {coverage:>6} edges  {:>6} runs/s",
        value("stat::number_of_executed_units:"),
        value("stat::average_exec_per_sec:")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_of_the_end_of_the_log() {
        let log = "#2 INITED cov: 10 ft: 20 corp: 1\n#9 DONE   cov: 12 ft: 24 corp: 3\n\
            stat::number_of_executed_units: 9\nstat::average_exec_per_sec:     4\n";
        assert_eq!(summary(log), "         9 runs      12 edges       4 runs/s");
    }
}
