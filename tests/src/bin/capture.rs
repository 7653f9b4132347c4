//! Makes a capture that `tests/replay.rs` decodes: runs `replay/job.sh` under the probes of a backend and writes the ring's records
//! and their text. `tests/replay.rs` says how.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use whittle_agent::kernel::{self, Backend, Limits, Scope, Wanted};
use whittle_tests::replay;

/// Where the job runs: its path is in the records, and so is that of no folder of whoever captures.
const FOLDER: &str = "/tmp/whittle-capture";

/// What the job is, which runs where this was not built, too.
const JOB: [(&str, &str); 2] = [
    ("job.sh", include_str!("../../replay/job.sh")),
    ("job.py", include_str!("../../replay/job.py")),
];

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let usage =
        "capture BACKEND [FOLDER]: trampoline, kprobe or syscall, and where the capture is put";
    let name = arguments.next().context(usage)?;
    let backend = Backend::from_name(&name).context(usage)?;
    let replay = arguments.next().map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("replay"),
        PathBuf::from,
    );
    fs::create_dir(FOLDER).with_context(|| format!("{FOLDER} has to be new: remove it"))?;
    let captured = capture(backend, Path::new(FOLDER));
    fs::remove_dir_all(FOLDER)?;
    let records = captured?;
    let records = || records.iter().map(Vec::as_slice);
    fs::write(
        replay.join(format!("{name}.ring")),
        replay::to_bytes(records()),
    )?;
    fs::write(
        replay.join(format!("{name}.txt")),
        replay::to_text(records()),
    )?;
    println!("{} records are in {}", records().count(), replay.display());
    Ok(())
}

fn capture(backend: Backend, folder: &Path) -> Result<Vec<Vec<u8>>> {
    for (file, text) in JOB {
        fs::write(folder.join(file), text)?;
    }
    fs::write(folder.join("input"), "x")?;
    // Deeper than the probes walk, and than a path can name.
    let made = Command::new("/bin/sh")
        .args([
            "-c",
            "i=0; while [ $i -lt 600 ]; do mkdir d && cd d || exit 1; i=$((i + 1)); done",
        ])
        .current_dir(folder)
        .status()?;
    ensure!(made.success(), "the deep folders cannot be made");
    let wanted = Wanted {
        backend: Some(backend),
        ..Wanted::default()
    };
    let mut probes = kernel::load(Scope::Chosen, Limits::default(), wanted)?;
    let mut job = Command::new("/bin/sh")
        .arg("job.sh")
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the job")?;
    probes.watch(job.id())?;
    job.stdin
        .take()
        .context("stdin is a pipe")?
        .write_all(b"go\n")?;
    let status = job.wait()?;
    ensure!(status.success(), "the job ended with {status}");
    // All records are there: a record is in the ring before the call that it is about returns.
    Ok(std::iter::from_fn(|| probes.ring.next_record())
        .map(|record| record.to_vec())
        .collect())
}
