//! Recordings under bad weather: what they have in common is that memory stays bounded and that every loss is counted.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context, Result, anyhow, ensure};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use whittle_schemas::table::{SubjectRow, Tables, UsageRow};

use crate::{
    accounting, peer,
    recorded::{self, Recording},
    workload,
};

/// Most memory that a recorder may ever have had, whatever the weather: three times what the debug build needs to load its probes.
pub const MOST_BYTES: u64 = 256 << 20;

/// A recording, and how much memory it took.
#[derive(Debug)]
pub struct Weathered {
    /// What was recorded.
    pub recording: Recording,
    /// Most memory that the recorder had, as the kernel's `VmHWM` says.
    pub peak_bytes: u64,
}

/// `python3 PEER ARGUMENTS…`, a program of `peers/weather`.
///
/// # Errors
/// There is no python3.
pub fn program(name: &str, arguments: &[&str]) -> Result<Vec<OsString>> {
    workload::needs(&["python3"])?;
    let script = peer::peer("weather").join(name);
    let mut command = vec!["python3".into(), script.into_os_string()];
    command.extend(arguments.iter().map(OsString::from));
    Ok(command)
}

/// `whittle record` without a report: what is measured is the recorder alone.
///
/// # Errors
/// There is no whittle.
pub fn recorder(data: &Path, folder: &Path, command: &[OsString]) -> Result<Command> {
    recorder_of_windows(60, data, folder, command)
}

/// As [`recorder`], with windows of so many seconds.
///
/// # Errors
/// As above.
pub fn recorder_of_windows(
    seconds: u32,
    data: &Path,
    folder: &Path,
    command: &[OsString],
) -> Result<Command> {
    let mut whittle = recorded::whittle()?;
    let seconds = seconds.to_string();
    whittle.args(["record", "--format", "none", "--window", &seconds, "--out"]);
    whittle.arg(data).arg("--").args(command);
    whittle.current_dir(folder).stdin(Stdio::null());
    Ok(whittle)
}

/// Runs a recorder to its end, and holds it to what is true in any weather: the command succeeded, all that was seen is recorded
/// or lost, and memory is bounded.
///
/// # Errors
/// One of these does not hold.
pub fn record(data: &Path, recorder: &mut Command) -> Result<Weathered> {
    let recorder = recorder.stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(data, recorder.spawn()?)
}

/// As [`record`], of a recorder that runs already.
///
/// # Errors
/// As above.
pub fn finish(data: &Path, recorder: Child) -> Result<Weathered> {
    let pid = Pid::from_child(&recorder);
    let peak = thread::spawn(move || watch_memory(pid));
    let output = recorder.wait_with_output()?;
    let messages = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {messages}", output.status);
    let peak_bytes = peak.join();
    let peak_bytes =
        peak_bytes.map_err(|_| anyhow!("the thread that watches memory panicked"))??;
    let recording = Recording {
        data: data.to_owned(),
        tables: recorded::tables(data)?,
        output,
    };
    accounting::check(&recording.tables)?;
    for row in &recording.tables.coverage {
        if row.lost > 0 || row.map_full > 0 {
            let by_probes: u64 = row.lost_by_cpu.iter().flatten().sum();
            println!(
                "{}: {} seen, {} recorded, {} lost (by probes that ran {by_probes}), map full {} times",
                row.family, row.seen, row.recorded, row.lost, row.map_full
            );
        }
    }
    println!("at most {} MiB", peak_bytes >> 20);
    ensure!(
        peak_bytes <= MOST_BYTES,
        "the recorder had {} MiB, and {} are the most",
        peak_bytes >> 20,
        MOST_BYTES >> 20
    );
    Ok(Weathered {
        recording,
        peak_bytes,
    })
}

/// The last high-water mark that the kernel shows before the process ends: it never falls.
fn watch_memory(pid: Pid) -> Result<u64> {
    /// How old it may be.
    const AGE: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 5_000_000,
    };
    let process = pidfd_open(pid, PidfdFlags::empty()).context("the recorder cannot be watched")?;
    let mut peak = 0;
    loop {
        peak = peak_bytes(pid).unwrap_or(0).max(peak);
        let mut ended = [PollFd::new(&process, PollFlags::IN)];
        if poll(&mut ended, Some(&AGE))? > 0 {
            return Ok(peak);
        }
    }
}

/// `VmHWM` of a process; None where it has ended.
#[must_use]
pub fn peak_bytes(pid: Pid) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

/// Accesses to a path with their subjects.
#[must_use]
pub fn who<'a>(tables: &'a Tables, path: &Path) -> Vec<(&'a UsageRow, &'a SubjectRow)> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let rows = tables.usage.iter().filter(|row| row.resource == bytes);
    let with_subject = |row: &'a UsageRow| {
        let mut subjects = tables.subjects.iter();
        let of_row = |subject: &&SubjectRow| {
            subject.subject_id == row.subject_id && subject.window_start_us == row.window_start_us
        };
        Some((row, subjects.find(of_row)?))
    };
    rows.filter_map(with_subject).collect()
}

/// How much of a storm to make, from `WHITTLE_STORM`: how many different files. A million take a minute.
///
/// # Errors
/// The variable is there and is not a number.
pub fn storm() -> Result<usize> {
    match std::env::var("WHITTLE_STORM") {
        Ok(text) => text
            .parse()
            .with_context(|| format!("WHITTLE_STORM is {text:?} and has to be a number")),
        Err(_) => Ok(500 * workload::scale()?),
    }
}

/// A temporary folder by its path without links.
///
/// # Errors
/// None can be made.
pub fn folder() -> Result<(tempfile::TempDir, PathBuf)> {
    let guard = tempfile::tempdir().context("cannot make a temporary folder")?;
    let path = fs::canonicalize(guard.path())?;
    Ok((guard, path))
}
