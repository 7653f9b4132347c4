//! The other observer on its own: strace's logs of all peers are understood, and they hold what the
//! peers are known to do. Whittle takes no part here.

use std::{fs, os::unix::ffi::OsStrExt, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use whittle_schemas::table::Outcome;
use whittle_tests::{
    access::Access,
    strace,
    workload::{self, Workload},
};

#[track_caller]
fn check(make: fn(&Path) -> Result<Workload>, expected: &[(&str, &str, Outcome)]) {
    if let Err(error) = run(make, expected) {
        panic!("{error:?}");
    }
}

fn run(make: fn(&Path) -> Result<Workload>, expected: &[(&str, &str, Outcome)]) -> Result<()> {
    workload::needs(&["strace"])?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let folder = fs::canonicalize(folder.path())?;
    fs::create_dir_all(&folder)?;
    let workload = make(&folder)?;
    let log = folder.join("strace.log");
    let command = strace::command(&log, &workload.command);
    let output = Command::new(&command[0])
        .args(&command[1..])
        .current_dir(&folder)
        .output()?;
    ensure!(
        output.status.success(),
        "{} failed: {}",
        workload.name,
        String::from_utf8_lossy(&output.stderr)
    );
    let log =
        fs::read_to_string(&log).context("strace's log is not the ASCII that it should be")?;
    let trace = strace::read(&log, folder.as_os_str().as_bytes())?;
    let count = |outcome| {
        trace
            .tally
            .keys()
            .filter(|access| access.outcome == outcome)
            .count()
    };
    println!(
        "{}: {} lines, {} processes; {} allowed, {} denied, {} failed; {} calls without an end",
        workload.name,
        log.lines().count(),
        trace.processes,
        count(Outcome::Allowed),
        count(Outcome::Denied),
        count(Outcome::Failed),
        trace.endless.len(),
    );
    for &(action, resource, outcome) in expected {
        let resource = match resource.strip_prefix("./") {
            Some(inside) => folder.join(inside).into_os_string().as_bytes().to_vec(),
            None => resource.as_bytes().to_vec(),
        };
        let access = Access {
            action: action.to_owned(),
            resource,
            outcome,
        };
        ensure!(
            trace.tally.contains_key(&access),
            "strace's log should hold {access}"
        );
    }
    Ok(())
}

#[test]
fn the_log_of_a_compile_is_understood() {
    let expected = [
        ("read", "./part_0.c", Outcome::Allowed),
        ("execute", "./program", Outcome::Allowed),
    ];
    check(workload::compile, &expected);
}

#[test]
fn the_log_of_a_git_clone_is_understood() {
    check(
        workload::git,
        &[("read", "./source/.git/HEAD", Outcome::Allowed)],
    );
}

#[test]
fn the_log_of_a_python_program_is_understood() {
    let expected = [
        ("append+write", "./rows.csv", Outcome::Allowed),
        ("execute", "././tool", Outcome::Allowed),
        ("execute", "./link", Outcome::Allowed),
        ("path", "/etc", Outcome::Allowed),
        ("connect", "127.0.0.1:1/tcp", Outcome::Failed),
        ("read", "/proc/self/status", Outcome::Allowed),
    ];
    check(workload::python, &expected);
}

#[test]
fn the_log_of_an_apt_get_update_is_understood() {
    check(
        workload::apt,
        &[("read", "./repository/Packages", Outcome::Allowed)],
    );
}

#[test]
fn the_log_of_a_thousand_short_processes_is_understood() {
    check(
        workload::pipeline,
        &[("append+write", "./steps.txt", Outcome::Allowed)],
    );
}

#[test]
fn the_log_of_a_refused_program_is_understood() {
    let expected = [
        ("create+truncate+write", "./sealed/new", Outcome::Denied),
        ("truncate+write", "./locked/file", Outcome::Denied),
        ("read", "/etc/passwd", Outcome::Denied),
        ("execute", "/etc/passwd", Outcome::Denied),
    ];
    check(workload::refused, &expected);
}
