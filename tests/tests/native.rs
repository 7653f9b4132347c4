//! The agent library on the machine in front of it, watching every process: what ran before it came is
//! known too, and the agent itself is not.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::fd::AsFd;
use whittle_agent::{
    kernel::{Limits, Scope, Wanted},
    pipeline::{Config, Recorder},
    sink::Place,
};
use whittle_schemas::table::{SubjectRow, Tables};
use whittle_tests::recorded;

/// Says that it runs, waits for a line, reads a file, says so, and lives until its input ends.
const SCRIPT: &str = "import sys\nprint('ready', flush=True)\nsys.stdin.readline()\n\
                      open(sys.argv[1]).read()\nprint('done', flush=True)\nsys.stdin.readline()\n";

/// A process that runs [`SCRIPT`], and its output after the first line.
struct Script {
    process: Child,
    output: BufReader<ChildStdout>,
}

fn python(folder: &Path, arguments: &[&str]) -> Result<Script> {
    let mut process = Command::new("python3")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("python3 cannot be started: install it")?;
    let output = process.stdout.take().context("stdout is a pipe")?;
    let mut output = BufReader::new(output);
    let mut line = String::new();
    output.read_line(&mut line)?;
    assert_eq!(line, "ready\n");
    Ok(Script { process, output })
}

fn config(data: &Path, scope: Scope) -> Config {
    Config {
        root: data.to_owned(),
        place: Place {
            cluster: "test".to_owned(),
            node: "native".to_owned(),
        },
        scope,
        limits: Limits::default(),
        wanted: Wanted::default(),
        window: Duration::from_hours(1),
    }
}

/// Lets the script go on while everything is recorded, until it has read its file. It outlives the recording, so
/// that what /proc tells of it is there to be read.
fn record_all(data: &Path, mut script: Script) -> Result<Tables> {
    let mut recorder = Recorder::start(config(data, Scope::All))?;
    let mut input = script.process.stdin.take().context("stdin is a pipe")?;
    input.write_all(b"go\n")?;
    recorder.run(&[script.output.get_ref().as_fd()])?;
    recorder.finish()?;
    drop(input);
    script.process.wait()?;
    recorded::tables(data)
}

/// Who read a file, as the tables say.
fn reader(tables: &Tables, path: &Path) -> Result<SubjectRow> {
    let usage = tables
        .usage
        .iter()
        .find(|row| row.resource == path.as_os_str().as_encoded_bytes());
    let id = &usage
        .with_context(|| format!("nobody read {}", path.display()))?
        .subject_id;
    let subject = tables.subjects.iter().find(|row| row.subject_id == *id);
    subject.cloned().context("the usage has a subject")
}

#[test]
fn a_script_that_ran_before_the_probes_is_the_same_subject_as_one_that_starts_under_them()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = fs::canonicalize(folder.path())?;
    let (script, secret) = (folder.join("job.py"), folder.join("input"));
    fs::write(&script, SCRIPT)?;
    fs::write(&secret, "x")?;
    let name = script.to_str().context("a path of this test is text")?;

    let before = record_all(
        &folder.join("before"),
        python(&folder, &["-u", name, "input"])?,
    )?;
    let before = reader(&before, &secret)?;
    assert_eq!(before.script.as_deref(), Some(name.as_bytes()));

    let command = [
        "sh",
        "-c",
        "echo go | python3 -u \"$0\" input >/dev/null",
        name,
    ];
    let command: Vec<_> = command.iter().map(Into::into).collect();
    let under = recorded::record(&folder.join("under"), &folder, &command)?;
    let under = reader(&under.tables, &secret)?;
    assert_eq!(
        (before.subject_id, before.executable),
        (under.subject_id, under.executable)
    );
    Ok(())
}

/// Says that it runs, and reads the file of each line that it gets.
const READER: &str = "import sys\nprint('ready', flush=True)\n\
                      for line in sys.stdin:\n    open(line.strip()).read()\n    print('done', flush=True)\n";

#[test]
fn a_process_that_nobody_watched_is_seen_from_the_moment_that_it_is_chosen() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = fs::canonicalize(folder.path())?;
    for name in ["before", "between", "after"] {
        fs::write(folder.join(name), name)?;
    }
    let mut readers = Vec::new();
    for _ in 0..2 {
        readers.push(python(&folder, &["-c", READER])?);
    }
    let read = |reader: &mut Script, name: &str| -> Result<()> {
        let input = reader.process.stdin.as_mut().context("stdin is a pipe")?;
        writeln!(input, "{name}")?;
        let mut line = String::new();
        reader.output.read_line(&mut line)?;
        assert_eq!(line, "done\n");
        Ok(())
    };
    let data = folder.join("data");
    let mut recorder = Recorder::start(config(&data, Scope::Chosen))?;
    // What nobody watches is remembered at the first of these, and found at the second.
    for reader in &mut readers {
        read(reader, "before")?;
        read(reader, "before")?;
    }
    recorder.watch(readers[0].process.id())?;
    read(&mut readers[1], "between")?;
    read(&mut readers[1], "between")?;
    read(&mut readers[0], "after")?;
    recorder.watch(readers[1].process.id())?;
    read(&mut readers[1], "after")?;
    recorder.finish()?;
    for mut reader in readers {
        drop(reader.process.stdin.take());
        reader.process.wait()?;
    }
    let tables = recorded::tables(&data)?;
    let count = |name: &str| -> u64 {
        let path = folder.join(name);
        let of_file = tables
            .usage
            .iter()
            .filter(|row| row.resource == path.as_os_str().as_encoded_bytes());
        of_file.map(|row| row.count).sum()
    };
    assert_eq!(["before", "between", "after"].map(count), [0, 0, 2]);
    Ok(())
}

#[test]
fn while_everything_is_watched_the_agent_is_not() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = fs::canonicalize(folder.path())?;
    fs::write(folder.join("input"), "x")?;
    let tables = record_all(
        &folder.join("data"),
        python(&folder, &["-c", SCRIPT, "input"])?,
    )?;
    let own = std::process::id();
    assert!(!tables.subjects.is_empty());
    assert!(tables.subjects.iter().all(|row| row.tgid != own));
    let spooled = |row: &whittle_schemas::table::UsageRow| {
        row.resource
            .starts_with(folder.join("data").as_os_str().as_encoded_bytes())
    };
    assert!(
        !tables.usage.iter().any(spooled),
        "the agent's own files were recorded"
    );
    Ok(())
}

#[test]
fn grants_of_a_living_process_are_those_that_the_kernel_shows() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = fs::canonicalize(folder.path())?;
    fs::write(folder.join("input"), "x")?;
    // A script of its own: other processes that run `python3 -c` may be instances of the same subject.
    fs::write(folder.join("script.py"), SCRIPT)?;
    let child = python(&folder, &["script.py", "input"])?;
    let status = fs::read_to_string(format!("/proc/{}/status", child.process.id()))?;
    let tables = record_all(&folder.join("data"), child)?;
    let row = reader(&tables, &folder.join("input"))?;
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    assert_eq!(
        row.cap_effective
            .map(|set| format!("{set:016x}"))
            .as_deref(),
        field("CapEff:")
    );
    assert_eq!(
        row.cap_bounding.map(|set| format!("{set:016x}")).as_deref(),
        field("CapBnd:")
    );
    assert_eq!(
        row.parent_tgid.map(|parent| parent.to_string()).as_deref(),
        field("PPid:")
    );
    Ok(())
}
