//! Nothing is lost in silence, nothing is counted twice, and nobody else is watched. That seen equals
//! recorded plus lost is checked after every recording of every test, by the harness.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    thread,
};

use anyhow::{Context, Result, ensure};
use rustix::fs::{Mode, mkfifoat};
use whittle_schemas::{record::Family, table::Outcome};
use whittle_tests::{
    accounting,
    recorded::{self, Recording},
    workload,
};

fn words(command: &[&str]) -> Vec<OsString> {
    command.iter().map(OsString::from).collect()
}

/// How often a path was opened with this action and success.
fn opens(recording: &Recording, action: &str, path: &Path) -> u64 {
    let rows = recording
        .tables
        .usage
        .iter()
        .filter(|row| row.outcome == Outcome::Allowed && row.action == action);
    rows.filter(|row| row.resource == path.as_os_str().as_encoded_bytes())
        .map(|row| row.count)
        .sum()
}

/// Four seconds of work, whatever the machine does in them.
const LONG: &str = "end=$(($(date +%s) + 4)); while [ $(date +%s) -lt $end ]; do cat /etc/passwd /etc/group >/dev/null; done";

#[test]
fn every_window_of_a_long_recording_adds_up_although_work_goes_on_while_it_ends() -> Result<()> {
    let root = tempfile::tempdir()?;
    let data = root.path().join("data");
    let mut whittle = recorded::whittle()?;
    whittle
        .args(["record", "--window", "1", "--out"])
        .arg(&data);
    whittle.args(["--", "sh", "-c", LONG]);
    let recording = recorded::finish(&data, &mut whittle)?;
    ensure!(recording.output.status.success(), "{:?}", recording.output);
    accounting::check(&recording.tables)?;
    let windows: BTreeSet<_> = recording
        .tables
        .coverage
        .iter()
        .map(|row| row.window_start_us)
        .collect();
    ensure!(
        windows.len() >= 3,
        "only {} windows in four seconds",
        windows.len()
    );
    let busy: BTreeSet<_> = recording
        .tables
        .usage
        .iter()
        .map(|row| row.window_start_us)
        .collect();
    ensure!(busy.len() >= 3, "only {} windows hold anything", busy.len());
    Ok(())
}

#[test]
fn repeats_are_counted_one_by_one() -> Result<()> {
    let root = tempfile::tempdir()?;
    let root = fs::canonicalize(root.path())?;
    let times = 100 * workload::scale()?;
    let command = workload::many(&root, 50, times)?.command;
    let recording = recorded::record(&root.join("data"), &root, &command)?;
    for number in 0..50 {
        let path = root.join(format!("many/{number}"));
        assert_eq!(
            opens(&recording, "write+create", &path),
            1,
            "{}",
            path.display()
        );
    }
    assert_eq!(
        opens(&recording, "read", &root.join("many/0")),
        times as u64
    );
    for family in Family::ALL {
        assert_eq!(
            accounting::lost(&recording.tables, family),
            0,
            "of family {}",
            family.name()
        );
    }
    Ok(())
}

#[test]
fn a_ring_of_one_page_loses_and_says_so() -> Result<()> {
    let root = tempfile::tempdir()?;
    let root = fs::canonicalize(root.path())?;
    let files = 30 * workload::scale()?;
    let command = workload::many(&root, files, 10)?.command;
    let data = root.join("data");
    let mut whittle = recorded::recorder(&data, &root, &command)?;
    let recording = recorded::finish(&data, whittle.env("WHITTLE_RING_BYTES", "4096"))?;
    let messages = String::from_utf8_lossy(&recording.output.stderr);
    ensure!(
        recording.output.status.success(),
        "losses are no failure of the command: {messages}"
    );
    accounting::check(&recording.tables)?;

    let rows = recording
        .tables
        .coverage
        .iter()
        .filter(|row| row.family == Family::File.name());
    let (seen, lost) = rows.fold((0, 0), |(seen, lost), row| {
        (seen + row.seen, lost + row.lost)
    });
    println!("file: {seen} seen, {lost} lost of {files} different files opened");
    assert!(
        seen >= files as u64,
        "the program opened {files} files, and the kernel counted {seen}"
    );
    assert!(lost > 0, "a ring of one page cannot hold {files} records");
    assert!(
        !messages.contains("Complete:"),
        "the report claims completeness:\n{messages}"
    );
    assert!(
        messages.contains(&lost.to_string()),
        "the report has to say that {lost} accesses were lost:\n{messages}"
    );
    Ok(())
}

#[test]
fn two_recordings_at_once_see_each_their_own_and_no_bystander() -> Result<()> {
    let root = tempfile::tempdir()?;
    let root = fs::canonicalize(root.path())?;
    for pipe in ["there", "back", "go"] {
        mkfifoat(rustix::fs::CWD, root.join(pipe), Mode::RWXU)
            .context("cannot make a named pipe")?;
    }
    fs::write(root.join("bystander"), "")?;
    fs::write(root.join("shared"), "")?;
    // Each waits for the other one to be watched, and this test for both.
    let left = "echo >there; read -r line <back; read -r line <go; cat left shared; echo >there; read -r line <back";
    let right =
        "read -r line <there; echo >back; cat right shared; read -r line <there; echo >back";
    let run = |name: &'static str, script: &'static str| {
        let root = root.clone();
        fs::write(root.join(name), "")?;
        Ok::<_, std::io::Error>(thread::spawn(move || {
            recorded::record(
                &root.join(format!("data-{name}")),
                &root,
                &words(&["sh", "-c", script]),
            )
        }))
    };
    let (left, right) = (run("left", left)?, run("right", right)?);
    let mut go = OpenOptions::new().write(true).open(root.join("go"))?;
    fs::read(root.join("bystander"))?;
    go.write_all(b"go\n")?;
    drop(go);
    let left = left.join().expect("the thread does not panic")?;
    let right = right.join().expect("the thread does not panic")?;

    for (recording, own, other) in [(&left, "left", "right"), (&right, "right", "left")] {
        assert_eq!(
            opens(recording, "read", &root.join(own)),
            1,
            "{own} is read once"
        );
        assert_eq!(
            opens(recording, "read", &root.join("shared")),
            1,
            "each reads the shared file once"
        );
        assert_eq!(
            opens(recording, "read", &root.join(other)),
            0,
            "{other} is the other one's"
        );
        assert_eq!(
            opens(recording, "read", &root.join("bystander")),
            0,
            "nobody watches this test"
        );
    }
    Ok(())
}

#[test]
fn whittle_records_nothing_of_its_own() -> Result<()> {
    let root = tempfile::tempdir()?;
    let root = fs::canonicalize(root.path())?;
    let data = root.join("data");
    let recording = recorded::record(&data, &root, &words(&["true"]))?;
    let data = data.as_os_str().as_encoded_bytes();
    for row in &recording.tables.usage {
        assert!(
            !row.resource.starts_with(data),
            "whittle's own {}",
            String::from_utf8_lossy(&row.resource)
        );
    }
    let programs: Vec<_> = recording
        .tables
        .subjects
        .iter()
        .map(|row| &row.executable)
        .collect();
    assert_eq!(
        programs.len(),
        1,
        "one program ran, and these are the subjects: {programs:?}"
    );
    Ok(())
}

/// Opens a file, and again after half a second; says when each was, in microseconds UTC.
const TWICE: &str = "import sys, time
for wait in (0, 0.5):
    time.sleep(wait)
    open(sys.argv[1]).close()
    print(time.time_ns() // 1000, flush=True)
";

#[test]
fn an_access_was_seen_last_when_it_was_made_last() -> Result<()> {
    let root = tempfile::tempdir()?;
    let file = root.path().join("twice");
    fs::write(&file, "")?;
    let path = file.display().to_string();
    let command = words(&["python3", "-c", TWICE, &path]);
    let recording = recorded::record(&root.path().join("data"), root.path(), &command)?;
    let said = String::from_utf8(recording.output.stdout.clone())?;
    let said: Vec<i64> = said.lines().filter_map(|line| line.parse().ok()).collect();
    let usage = recording.tables.usage.iter();
    let rows: Vec<_> = usage
        .filter(|row| row.resource == path.as_bytes())
        .collect();
    let ([first, last], [row]) = (said.as_slice(), rows.as_slice()) else {
        anyhow::bail!("{said:?} and {rows:?}");
    };
    // The kernel tells repeats to a jiffy, which is at most 10 ms. However late the program says it, it says it in this order.
    let jiffies = 20_000;
    ensure!(row.first_seen_us <= *first, "{row:?}, said {said:?}");
    ensure!(
        (*first + 500_000 - jiffies..=*last + jiffies).contains(&row.last_seen_us),
        "{row:?}, said {said:?}"
    );
    Ok(())
}
