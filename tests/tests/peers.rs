//! Parity with strace: on the same run of a real program, whittle's usage table holds what strace saw:
//! the same files, programs and addresses, with the same outcomes, as often.
//!
//! Whittle watches strace, and strace the program. What whittle saw strace itself do is left out, and so
//! is the exec by which strace started the program.

use std::{fs, os::unix::ffi::OsStrExt, path::Path};

use anyhow::{Context, Result, ensure};
use whittle_schemas::record::Family;
use whittle_tests::{
    access, compare,
    left_out::LeftOut,
    recorded, strace,
    workload::{self, Workload},
};

#[track_caller]
fn check(make: fn(&Path) -> Result<Workload>) {
    if let Err(error) = run(make) {
        panic!("{error:?}");
    }
}

fn run(make: fn(&Path) -> Result<Workload>) -> Result<()> {
    workload::needs(&["strace"])?;
    let root = tempfile::tempdir().context("cannot make a temporary folder")?;
    let root = fs::canonicalize(root.path())?;
    let (folder, data, log) = (
        root.join("work"),
        root.join("data"),
        root.join("strace.log"),
    );
    fs::create_dir(&folder)?;
    let workload = make(&folder)?;
    let recording = recorded::record(&data, &folder, &strace::command(&log, &workload.command))?;
    let messages = String::from_utf8_lossy(&recording.output.stderr);
    ensure!(
        recording.output.status.success(),
        "{} failed: {messages}",
        workload.name
    );

    let log =
        fs::read_to_string(&log).context("strace's log is not the ASCII that it should be")?;
    let trace = strace::read(&log, folder.as_os_str().as_bytes())?;
    for call in &trace.endless {
        println!(
            "{}: strace did not see the end of {} in {}",
            workload.name, call.name, call.id
        );
    }
    let strace = fs::canonicalize("/usr/bin/strace")?;
    let is_strace = |id: &str| {
        let mut subjects = recording.tables.subjects.iter();
        subjects.any(|row| row.subject_id == id && row.executable == strace.as_os_str().as_bytes())
    };
    let rows = recording
        .tables
        .usage
        .iter()
        .filter(|row| !is_strace(&row.subject_id));
    let families = [Family::Process, Family::File, Family::Socket];
    let left_out = LeftOut::of(&recording.tables, &families);
    compare::agree(
        workload.name,
        &trace.tally,
        &access::of_rows(rows),
        left_out,
    )
}

#[test]
fn a_compile_with_gcc_and_make_is_seen_as_strace_sees_it() {
    check(workload::compile);
}

#[test]
fn a_git_clone_is_seen_as_strace_sees_it() {
    check(workload::git);
}

#[test]
fn a_python_program_is_seen_as_strace_sees_it() {
    check(workload::python);
}

#[test]
fn an_apt_get_update_is_seen_as_strace_sees_it() {
    check(workload::apt);
}

#[test]
fn a_thousand_short_processes_are_seen_as_strace_sees_them() {
    check(workload::pipeline);
}

#[test]
fn a_refused_program_is_seen_as_strace_sees_it() {
    check(workload::refused);
}

#[test]
fn calls_that_programs_seldom_make_are_seen_as_strace_sees_them() {
    check(workload::calls);
}
