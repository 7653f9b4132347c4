//! A recorder that is killed: what it had seen is in the tables afterwards, and nobody takes them for whole.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::{
    fs::{Mode, mkfifoat},
    process::{Pid, Signal, kill_process},
};
use whittle_tests::recorded;

/// Longest wait for the recorder to write down what it saw.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until a spool of the data root holds these bytes.
fn wait_for_spooled(data: &Path, bytes: &[u8]) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        for spool in fs::read_dir(data.join(".spool")).into_iter().flatten() {
            let content = fs::read(spool?.path()).unwrap_or_default();
            if content.windows(bytes.len()).any(|window| window == bytes) {
                return Ok(());
            }
        }
        thread::yield_now();
    }
    bail!("nothing was spooled within {PATIENCE:?}")
}

#[test]
fn what_a_killed_recorder_had_seen_is_reported_as_not_complete() -> Result<()> {
    let root = tempfile::tempdir()?;
    let root = fs::canonicalize(root.path())?;
    let (data, seen) = (root.join("data"), root.join("seen-before-the-kill"));
    fs::write(&seen, "x")?;
    mkfifoat(rustix::fs::CWD, root.join("go"), Mode::RWXU)?;
    let command = ["sh", "-c", "cat seen-before-the-kill; read -r line <go"];
    let command: Vec<_> = command.iter().map(Into::into).collect();
    let mut recorder = recorded::recorder(&data, &root, &command)?
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    wait_for_spooled(&data, seen.as_os_str().as_encoded_bytes())?;
    kill_process(Pid::from_child(&recorder), Signal::KILL)?;
    recorder.wait()?;
    // The command outlives its recorder: let it end.
    fs::OpenOptions::new()
        .write(true)
        .open(root.join("go"))?
        .write_all(b"go\n")?;

    let report = Command::new(recorded::whittle()?.get_program())
        .args(["report", "--format", "json", "--data"])
        .arg(&data)
        .output()?;
    let report: serde_json::Value = serde_json::from_slice(&report.stdout)
        .with_context(|| format!("no report: {}", String::from_utf8_lossy(&report.stderr)))?;
    ensure!(
        report["complete"] == false,
        "a killed recorder's tables are called complete"
    );
    let path = seen.to_str().context("a path of this test is text")?;
    ensure!(
        report.to_string().contains(path),
        "{path} is missing: {report}"
    );
    let tables = recorded::tables(&data)?;
    ensure!(
        tables.coverage.iter().all(|row| row.gap_reason.is_some()),
        "{:?}",
        tables.coverage
    );
    Ok(())
}
