//! The one recording.

use std::{collections::BTreeSet, ffi::OsString, fs, path::PathBuf, sync::OnceLock};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use whittle_tests::{
    accounting,
    cloud_server::Server,
    peer::peer,
    privileged,
    recorded::{self, Recording},
    strace, workload,
};

/// Makes the accesses that strace sees, too.
const ACCESSES: &str = "set -e\npython3 calls.py\nsh refused.sh 65534\n";

/// Debian's own: a `python3` before it on PATH may be a script, whose programs would be none of these.
const PYTHON: &str = "/usr/bin/python3";

/// What works with `io_uring`, below the folder of the recording.
pub(crate) const URING_FOLDER: &str = "uring";

/// What was recorded, and what the others said.
pub(crate) struct Run {
    pub(crate) recording: Recording,
    pub(crate) folder: PathBuf,
    pub(crate) cloud: BTreeSet<String>,
    _root: TempDir,
}

pub(crate) fn run() -> &'static Run {
    // A failure is kept: to record once more for each test would only take longer.
    static RUN: OnceLock<Result<Run, String>> = OnceLock::new();
    let run = RUN.get_or_init(|| record_readable().map_err(|error| format!("{error:?}")));
    run.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

/// Records until strace could read every call: one run of ten has a process whose first call it prints as `???(`, and what that
/// was nobody can tell. Such a log is no measure of anything.
fn record_readable() -> Result<Run> {
    const RUNS: u32 = 4;
    for _ in 0..RUNS {
        let run = record()?;
        let log = fs::read(run.folder.join("accesses.log")).context("strace has written no log")?;
        if !log.windows(UNREAD.len()).any(|bytes| bytes == UNREAD) {
            return Ok(run);
        }
        eprintln!("strace could not read a call: once more");
    }
    anyhow::bail!("strace could not read a call in each of {RUNS} runs")
}

/// What strace prints instead of a call that it could not read.
const UNREAD: &[u8] = b"???(";

fn record() -> Result<Run> {
    workload::needs(&["strace", "curl"])?;
    let root = tempfile::tempdir().context("cannot make a temporary folder")?;
    let folder = fs::canonicalize(root.path())?;
    privileged::prepare(&folder)?;
    workload::calls(&folder)?;
    workload::refused(&folder)?;
    fs::create_dir(folder.join(URING_FOLDER))?;
    fs::write(folder.join("accesses.sh"), ACCESSES)?;
    let server = Server::start(&folder)?;
    let mut client = server.client();
    client[0] = PYTHON.into();
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let python = |script: &str, arguments: &[&str]| {
        let mut command: Vec<OsString> = vec![PYTHON.into(), peer(script).into()];
        command.extend(words(arguments));
        command
    };
    let few = privileged::set(&["chown", "kill"]);
    let commands = [
        (
            0,
            strace::command(&folder.join("accesses.log"), &words(&["sh", "accesses.sh"])),
        ),
        (
            7,
            words(&[
                "strace",
                "-f",
                "-o",
                "calls.log",
                "--",
                "curl",
                "--silent",
                "file:///etc/passwd",
                "http://127.0.0.1:9/",
            ]),
        ),
        (0, privileged::with(&privileged::set(&privileged::GIVEN))),
        (1, privileged::with(&few)),
        (0, client),
        (0, python("acts.py", &[])),
        (0, python("uring.py", &[URING_FOLDER])),
        (0, python("rooted.py", &[])),
    ];
    let text = |(status, command): &(i32, Vec<OsString>)| {
        let command: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
        serde_json::json!([status, command])
    };
    let commands: serde_json::Value = commands.iter().map(text).collect();

    let data = folder.join("data");
    let mut whittle = recorded::whittle()?;
    whittle.args(["record", "--syscalls", "--out"]).arg(&data);
    whittle.args(["--", "unshare", "--mount", PYTHON]);
    whittle.arg(peer("families.py")).arg(commands.to_string());
    let recording = recorded::finish(&data, whittle.current_dir(&folder))?;
    let messages = String::from_utf8_lossy(&recording.output.stderr);
    ensure!(recording.output.status.success(), "{messages}");
    accounting::check(&recording.tables)?;
    Ok(Run {
        recording,
        folder,
        cloud: server.expected_calls(),
        _root: root,
    })
}
