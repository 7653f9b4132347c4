//! What goes wrong is told in one sentence and with the right exit status, and what was recorded before
//! stays readable.

use std::{
    ffi::OsString,
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use whittle_tests::{accounting, recorded, workload};

struct Folder {
    path: PathBuf,
    _guard: tempfile::TempDir,
}

fn folder() -> Result<Folder> {
    let guard = tempfile::tempdir().context("cannot make a temporary folder")?;
    Ok(Folder {
        path: fs::canonicalize(guard.path())?,
        _guard: guard,
    })
}

fn words(command: &[&str]) -> Vec<OsString> {
    command.iter().map(OsString::from).collect()
}

fn whittle(folder: &Path, arguments: &[&str]) -> Result<Output> {
    Ok(recorded::whittle()?
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()?)
}

/// The status is this one, and stderr is one line that names what is wrong.
#[track_caller]
fn check(output: &Output, status: i32, names: &str) {
    let message = String::from_utf8_lossy(&output.stderr);
    let shown = format!("status {:?}, stderr:\n{message}", output.status.code());
    assert_eq!(output.status.code(), Some(status), "{shown}");
    assert_eq!(
        message.trim_end().lines().count(),
        1,
        "one sentence was expected; {shown}"
    );
    assert!(
        message.contains(names),
        "the message has to name {names:?}; {shown}"
    );
    assert!(!message.contains("panicked"), "{shown}");
}

#[test]
fn a_command_that_does_not_exist_is_127() -> Result<()> {
    let folder = folder()?;
    for command in [
        "no-such-command",
        "./no-such-command",
        "/nowhere/no-such-command",
    ] {
        let output = whittle(&folder.path, &["record", "--out", "data", "--", command])?;
        check(&output, 127, "no-such-command");
    }
    Ok(())
}

#[test]
fn a_command_that_may_not_be_executed_is_126() -> Result<()> {
    let folder = folder()?;
    fs::write(folder.path.join("plain"), "echo x")?;
    fs::set_permissions(folder.path.join("plain"), fs::Permissions::from_mode(0o644))?;
    check(
        &whittle(&folder.path, &["record", "--out", "data", "--", "./plain"])?,
        126,
        "plain",
    );
    check(
        &whittle(&folder.path, &["record", "--out", "data", "--", "/"])?,
        126,
        "/",
    );
    Ok(())
}

#[test]
fn an_out_folder_that_cannot_be_written_is_told_before_the_command_runs() -> Result<()> {
    let folder = folder()?;
    fs::write(folder.path.join("file"), "x")?;
    for out in ["file", "file/below", "/proc/whittle", "/sys/whittle"] {
        let output = whittle(
            &folder.path,
            &["record", "--out", out, "--", "touch", "ran"],
        )?;
        check(&output, 1, out.trim_end_matches("/below"));
        assert!(
            !folder.path.join("ran").exists(),
            "the command ran although its record has no place"
        );
    }
    Ok(())
}

#[test]
fn a_recording_that_cannot_start_leaves_no_folder() -> Result<()> {
    let folder = folder()?;
    workload::needs(&["setpriv"])?;
    let whittle = recorded::recorder(&folder.path.join("data"), &folder.path, &words(&["true"]))?;
    let output = Command::new("setpriv")
        .arg("--bounding-set=-sys_admin,-bpf")
        .arg(whittle.get_program())
        .args(whittle.get_args())
        .output()?;
    check(&output, 1, "CAP_BPF");
    assert!(!folder.path.join("data").exists());
    Ok(())
}

#[test]
fn an_out_folder_with_other_content_is_refused_and_left_alone() -> Result<()> {
    let folder = folder()?;
    fs::create_dir(folder.path.join("mine"))?;
    fs::write(folder.path.join("mine/letter"), "x")?;
    let output = whittle(&folder.path, &["record", "--out", "mine", "--", "true"])?;
    check(&output, 1, "mine");
    assert_eq!(fs::read_dir(folder.path.join("mine"))?.count(), 1);
    Ok(())
}

#[test]
fn a_folder_that_is_not_whittles_is_told_by_every_reader() -> Result<()> {
    let folder = folder()?;
    fs::write(folder.path.join("file"), "x")?;
    for data in [".", "missing", "file"] {
        check(
            &whittle(&folder.path, &["report", "--data", data])?,
            1,
            data,
        );
        let query = "select count(*) from usage";
        check(
            &whittle(&folder.path, &["query", "--data", data, query])?,
            1,
            data,
        );
    }
    Ok(())
}

#[test]
fn a_parquet_file_cut_in_half_is_named() -> Result<()> {
    let folder = folder()?;
    let data = folder.path.join("data");
    recorded::record(&data, &folder.path, &words(&["true"]))?;
    let file = recorded::files(&data, "usage")?
        .pop()
        .context("a recording has usage")?;
    let bytes = fs::read(&file)?;
    fs::write(&file, &bytes[..bytes.len() / 2])?;
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .context("whittle's file names are text")?;
    check(
        &whittle(&folder.path, &["report", "--data", "data"])?,
        1,
        name,
    );
    check(
        &whittle(
            &folder.path,
            &["query", "--data", "data", "select * from usage"],
        )?,
        1,
        name,
    );
    Ok(())
}

#[test]
fn bad_usage_is_2() -> Result<()> {
    let folder = folder()?;
    let cases: [&[&str]; 5] = [
        &["record"],
        &["record", "--"],
        &["record", "--no-such-option", "--", "true"],
        &["query"],
        &["no-such-command"],
    ];
    for arguments in cases {
        let output = whittle(&folder.path, arguments)?;
        assert_eq!(
            output.status.code(),
            Some(2),
            "whittle {}",
            arguments.join(" ")
        );
        assert!(
            !output.stderr.is_empty(),
            "whittle {} says nothing",
            arguments.join(" ")
        );
    }
    Ok(())
}

#[test]
fn a_bad_query_is_one_sentence() -> Result<()> {
    let folder = folder()?;
    recorded::record(&folder.path.join("data"), &folder.path, &words(&["true"]))?;
    for (query, names) in [
        ("selec 1", "selec"),
        ("select nothing from usage", "nothing"),
        ("select * from no_table", "no_table"),
    ] {
        check(
            &whittle(&folder.path, &["query", "--data", "data", query])?,
            1,
            names,
        );
    }
    Ok(())
}

#[test]
fn the_commands_exit_status_is_passed_on() -> Result<()> {
    let folder = folder()?;
    let cases = [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
    ];
    for (number, (script, status)) in cases.into_iter().enumerate() {
        let data = folder.path.join(format!("data-{number}"));
        let recording = recorded::record(&data, &folder.path, &words(&["sh", "-c", script]))?;
        assert_eq!(recording.output.status.code(), Some(status), "{script}");
    }
    Ok(())
}

#[test]
fn the_commands_output_is_its_own() -> Result<()> {
    let folder = folder()?;
    let script = "echo to stdout; echo to stderr >&2";
    let recording = recorded::record(
        &folder.path.join("data"),
        &folder.path,
        &words(&["sh", "-c", script]),
    )?;
    assert_eq!(
        String::from_utf8_lossy(&recording.output.stdout),
        "to stdout\n"
    );
    assert!(recording.output.stderr.starts_with(b"to stderr\n"));
    Ok(())
}

#[test]
fn a_signal_is_forwarded_and_the_record_is_still_written() -> Result<()> {
    let folder = folder()?;
    let data = folder.path.join("data");
    fs::write(folder.path.join("touched"), "")?;
    for (signal, name, status) in [
        (Signal::TERM, "TERM", 21),
        (Signal::INT, "INT", 22),
        (Signal::HUP, "HUP", 23),
    ] {
        let script = format!(
            "trap 'exit {status}' {name}; cat touched; echo ready; while :; do read -r line <waiting; done"
        );
        rustix::fs::mkfifoat(
            rustix::fs::CWD,
            folder.path.join("waiting"),
            rustix::fs::Mode::RWXU,
        )?;
        let mut recorder = recorded::recorder(&data, &folder.path, &words(&["sh", "-c", &script]))?;
        let mut running = recorder
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut ready = [0; 6];
        running
            .stdout
            .as_mut()
            .context("stdout is a pipe")?
            .read_exact(&mut ready)?;
        ensure!(&ready == b"ready\n");
        kill_process(Pid::from_child(&running), signal)?;
        let output = running.wait_with_output()?;
        let messages = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(status),
            "after SIG{name}: {messages}"
        );
        fs::remove_file(folder.path.join("waiting"))?;
    }
    let tables = recorded::tables(&data)?;
    accounting::check(&tables)?;
    let touched = folder.path.join("touched");
    let rows = tables
        .usage
        .iter()
        .filter(|row| row.resource == touched.as_os_str().as_encoded_bytes());
    assert_eq!(
        rows.map(|row| row.count).sum::<u64>(),
        3,
        "three recordings read the file once each"
    );
    Ok(())
}

/// In a mount namespace of its own: a data folder on a disk of 64 KiB, a command that needs more than
/// that, and a copy of what is there afterwards.
const SMALL_DISK: &str = "
    mount -t tmpfs -o size=64k none small || exit 99
    \"$@\"
    echo $? >status
    cp -a small/data saved
";

#[test]
fn a_disk_that_fills_while_recording_is_told_and_what_fitted_stays_readable() -> Result<()> {
    workload::needs(&["unshare", "mount"])?;
    let folder = folder()?;
    fs::create_dir(folder.path.join("small"))?;
    let many = workload::many(&folder.path, 20_000, 1)?.command;
    let recorder = recorded::recorder(&folder.path.join("small/data"), &folder.path, &many)?;
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", SMALL_DISK, "sh"])
        .arg(recorder.get_program())
        .args(recorder.get_args());
    let output = command
        .current_dir(&folder.path)
        .stdin(Stdio::null())
        .output()?;
    check(&output, 0, "space");
    assert_eq!(
        fs::read_to_string(folder.path.join("status"))?,
        "1\n",
        "whittle's exit status"
    );
    assert!(
        folder.path.join("many/19999").exists(),
        "the command has to run to its end all the same"
    );
    // Every file that is there is whole.
    recorded::tables(&folder.path.join("saved"))?;
    check_report(&folder.path)
}

/// The reader takes what was saved: with rows or without, but with no failure.
fn check_report(folder: &Path) -> Result<()> {
    let output = whittle(folder, &["report", "--data", "saved"])?;
    let messages = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(0),
        "the rest of a full disk cannot be read: {messages}"
    );
    Ok(())
}
