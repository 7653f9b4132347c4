//! System calls: under strace, whittle and strace count the same ones, each as often as the other.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use whittle_schemas::{
    record::Family,
    table::{Surface, Tables},
};
use whittle_tests::{
    accounting, recorded,
    strace::counts::{self, Counts, logged},
    workload::{self, Workload},
};

/// Calls that whittle counted, of all programs but strace.
fn counted(tables: &Tables) -> Counts {
    counts::counted(tables, |subject| !subject.executable.ends_with(b"/strace"))
}

fn record(folder: &Path, command: &[OsString]) -> Result<Tables> {
    let data = folder.join("data");
    let mut whittle = recorded::whittle()?;
    whittle.args(["record", "--syscalls", "--out"]).arg(&data);
    whittle.arg("--").args(command).current_dir(folder);
    let recording = recorded::finish(&data, &mut whittle)?;
    accounting::check(&recording.tables)?;
    ensure!(
        accounting::lost(&recording.tables, Family::Syscall) == 0,
        "calls were lost: {:?}",
        recording.tables.coverage
    );
    Ok(recording.tables)
}

fn folder() -> Result<(tempfile::TempDir, PathBuf)> {
    let root = tempfile::tempdir()?;
    let path = fs::canonicalize(root.path())?;
    Ok((root, path))
}

#[track_caller]
fn check(make: fn(&Path) -> Result<Workload>) {
    if let Err(error) = compare(make) {
        panic!("{error:?}");
    }
}

fn compare(make: fn(&Path) -> Result<Workload>) -> Result<()> {
    workload::needs(&["strace"])?;
    let (_root, folder) = folder()?;
    let workload = make(&folder)?;
    let mut command = ["strace", "-f", "-o", "strace.log", "--"]
        .map(OsString::from)
        .to_vec();
    command.extend(workload.command);
    let tables = record(&folder, &command)?;
    let log = fs::read(folder.join("strace.log")).context("strace has written no log")?;
    let logged = logged(&String::from_utf8_lossy(&log));
    println!(
        "{}: {} different calls, {} in all",
        workload.name,
        logged.calls.len(),
        logged.calls.values().sum::<u64>()
    );
    ensure!(
        logged.calls.len() > 10,
        "strace's log is not understood: {logged:?}"
    );
    logged.agrees(&counted(&tables))
}

#[test]
fn calls_of_a_python_program_with_threads_and_children_are_those_that_strace_logs() {
    check(workload::python);
}

#[test]
fn calls_of_curl_are_those_that_strace_logs() {
    check(workload::curl);
}

#[test]
fn calls_of_a_shell_pipeline_are_those_that_strace_logs() {
    check(workload::pipeline);
}

#[test]
fn calls_of_a_program_that_makes_rare_ones_are_those_that_strace_logs() {
    check(workload::calls);
}

#[test]
fn the_calls_of_a_command_begin_with_the_one_that_starts_it_and_end_with_its_exit() -> Result<()> {
    workload::needs(&["strace"])?;
    let (_root, folder) = folder()?;
    let tables = record(&folder, &["true".into()])?;
    let alone = counted(&tables);
    let command = ["strace", "-f", "-o", "strace.log", "true"].map(OsString::from);
    ensure!(
        std::process::Command::new(&command[0])
            .args(&command[1..])
            .current_dir(&folder)
            .status()?
            .success()
    );
    let mut logged = logged(&fs::read_to_string(folder.join("strace.log"))?).calls;
    logged.insert("execve".to_owned(), 1);
    assert_eq!(alone, logged);
    assert_eq!(alone.get("exit_group"), Some(&1));
    Ok(())
}

#[test]
fn without_being_asked_whittle_says_nothing_of_system_calls() -> Result<()> {
    let (_root, folder) = folder()?;
    let recording = recorded::record(&folder.join("data"), &folder, &["true".into()])?;
    let usage = recording.tables.usage.iter();
    assert_eq!(
        usage.filter(|row| row.surface == Surface::Syscall).count(),
        0
    );
    let coverage = recording.tables.coverage.iter();
    let rows = coverage.filter(|row| row.family == Family::Syscall.name());
    assert_eq!(rows.count(), 0);
    Ok(())
}
