//! A recorder that is stopped while its command goes on.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use whittle_schemas::record::Family;
use whittle_tests::{
    accounting,
    weather::{self, finish, recorder, who},
};

/// For how long it is stopped.
const STOPPED: Duration = Duration::from_secs(30);

/// Opens one file again and again, and each tenth time a new one, until `end` is there; says how often at the end.
const LOAD: &str = r#"
import os
os.mkdir("new")
print("ready", flush=True)
again = 0
while not os.path.exists("end"):
    for _ in range(10):
        os.close(os.open("one", os.O_RDONLY))
    again += 10
    os.close(os.open(f"new/{again}", os.O_WRONLY | os.O_CREAT, 0o600))
    os.unlink(f"new/{again}")
print(again, flush=True)
"#;

#[test]
fn repeats_are_counted_while_the_recorder_is_stopped_and_what_finds_no_room_is_lost() -> Result<()>
{
    let (_guard, folder) = weather::folder()?;
    let data = folder.join("data");
    fs::write(folder.join("one"), "")?;
    fs::write(folder.join("before"), "")?;
    let load = ["sh", "-c", "cat before; exec python3 -c \"$0\"", LOAD].map(Into::into);
    let mut recorder = recorder(&data, &folder, &load)?
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let output = recorder.stdout.take().context("stdout is a pipe")?;
    let mut output = BufReader::new(output);
    let mut line = String::new();
    output.read_line(&mut line)?;
    assert_eq!(line, "ready\n");
    kill_process(Pid::from_child(&recorder), Signal::STOP)?;
    let until = Instant::now() + STOPPED;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        // No waiting for anything: the time is what is tested.
        thread::sleep(left);
    }
    kill_process(Pid::from_child(&recorder), Signal::CONT)?;
    fs::File::create(folder.join("end"))?.flush()?;
    line.clear();
    output.read_line(&mut line)?;
    let again: u64 = line.trim().parse()?;

    let weathered = finish(&data, recorder)?;
    let tables = &weathered.recording.tables;
    let times: u64 = who(tables, &folder.join("one"))
        .iter()
        .map(|(row, _)| row.count)
        .sum();
    assert_eq!(
        times, again,
        "opens of one file, in the kernel's map all the time"
    );
    let lost = accounting::lost(tables, Family::File);
    println!(
        "{again} repeats and {} different files, {lost} accesses lost",
        again / 10
    );
    ensure!(
        lost > 0,
        "a ring of 8 MiB cannot hold what is new in {STOPPED:?}"
    );
    // What was lost is said of who lost it, and of nobody else.
    let id = |name: &str| {
        let touched = who(tables, &folder.join(name));
        let (row, _) = touched.first().context("it was opened")?;
        Ok::<_, anyhow::Error>(row.subject_id.clone())
    };
    let (load, other) = (id("one")?, id("before")?);
    for row in tables.coverage.iter().filter(|row| row.lost > 0) {
        assert_eq!(row.lost_subjects.as_deref(), Some(&[load.clone()][..]));
        ensure!(!row.is_complete_for(&load), "{row:?}");
        // Whose an access was that the kernel kept from the probes is not known.
        if row.lost_nested == 0 {
            assert_eq!(row.lost_unattributed, Some(0), "{row:?}");
            ensure!(row.is_complete_for(&other), "{row:?}");
        }
    }
    Ok(())
}
