//! A recorder that is killed, and another one after it.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::Write,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, mkfifoat},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use whittle_tests::{
    recorded,
    weather::{self, MOST_BYTES, peak_bytes, record, recorder, recorder_of_windows, who},
};

/// Longest wait for windows to end: an emulated CPU takes half a minute to load the probes alone.
const PATIENCE: Duration = Duration::from_mins(5);

/// How long the data root is not looked at meanwhile: one CPU has to do for all.
const AGAIN: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// Opens files until somebody writes to the pipe `go`.
const LOAD: &str = r#"
import os, select
go = os.open("go", os.O_RDONLY | os.O_NONBLOCK)
while not select.select([go], [], [], 0)[0]:
    os.close(os.open("before", os.O_RDONLY))
"#;

#[test]
fn windows_before_the_kill_are_whole_and_the_gap_after_it_is_in_the_coverage() -> Result<()> {
    let (_guard, folder) = weather::folder()?;
    let data = folder.join("data");
    fs::write(folder.join("before"), "")?;
    fs::write(folder.join("after"), "")?;
    mkfifoat(rustix::fs::CWD, folder.join("go"), Mode::RWXU)?;
    let load = ["python3", "-c", LOAD];
    let mut whittle = recorder_of_windows(1, &data, &folder, &load.map(Into::into))?;
    let mut killed = whittle
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let pid = Pid::from_child(&killed);
    let deadline = Instant::now() + PATIENCE;
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    while recorded::files(&data, "coverage")?.len() < 3 {
        ensure!(
            Instant::now() < deadline,
            "no three windows in {PATIENCE:?}"
        );
        let mut ended = [PollFd::new(&process, PollFlags::IN)];
        ensure!(
            poll(&mut ended, Some(&AGAIN))? == 0,
            "the recorder ended by itself"
        );
    }
    ensure!(peak_bytes(pid).is_some_and(|bytes| bytes < MOST_BYTES));
    kill_process(pid, Signal::KILL)?;
    killed.wait()?;
    let whole = recorded::files(&data, "coverage")?;
    // Its command is watched by nobody now.
    let mut go = OpenOptions::new().write(true).open(folder.join("go"))?;
    go.write_all(b"go")?;

    // The second recorder finds what the first one left, and its own tables are as any others.
    let cat = ["cat", "after"].map(Into::into);
    let mut second = recorder(&data, &folder, &cat)?;
    let output = second.output()?;
    ensure!(output.status.success(), "{output:?}");
    let tables = recorded::tables(&data)?;
    for row in &tables.coverage {
        ensure!(
            row.seen == row.recorded + row.lost,
            "{row:?} does not add up"
        );
    }
    let gaps: BTreeSet<_> = tables
        .coverage
        .iter()
        .filter(|row| row.gap_reason.is_some())
        .map(|row| (row.window_start_us, row.window_end_us, row.gap_us))
        .collect();
    println!("{} whole windows, then {gaps:?}", whole.len());
    // The running window and, where it was just being written, the one before it.
    ensure!(
        (1..=2).contains(&gaps.len()),
        "windows were cut short: {gaps:?}"
    );
    let is_whole = |start: i64| gaps.iter().all(|gap| gap.0 != start);
    let starts: BTreeSet<_> = tables
        .coverage
        .iter()
        .map(|row| row.window_start_us)
        .collect();
    assert_eq!(
        starts.iter().filter(|start| is_whole(**start)).count(),
        whole.len() + 1,
        "all others are whole"
    );
    let cut = gaps.first().map_or(0, |gap| gap.0);
    let before: Vec<_> = who(&tables, &folder.join("before"));
    let is_empty = |start: &&i64| {
        let mut opens = before.iter();
        opens.all(|(row, _)| row.window_start_us != **start)
    };
    // The command may have needed the first ones to start.
    let working = starts.iter().skip_while(is_empty);
    let empty: Vec<_> = working
        .filter(|start| **start < cut)
        .filter(is_empty)
        .collect();
    ensure!(
        before.len() >= 2 && empty.is_empty(),
        "{} windows before the kill have something in them, {empty:?} have not",
        before.len()
    );
    let after: u64 = who(&tables, &folder.join("after"))
        .iter()
        .map(|(row, _)| row.count)
        .sum();
    assert_eq!(after, 1);
    // A third one finds nothing left to do.
    record(
        &folder.join("data-2"),
        &mut recorder(&folder.join("data-2"), &folder, &cat)?,
    )?;
    Ok(())
}
