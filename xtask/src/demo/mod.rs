//! `cargo xtask demo`: builds whittle and records a small job with it, which `job.py` describes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{command, places};

const JOB: &str = include_str!("job.py");
const ORDERS: &str = "order,amount\n1001,250\n1002,75\n1003,1200\n";
const PAYROLL: &str = "name,salary\nada,1\n";

/// Builds, records, and says what to try next.
///
/// # Errors
/// When a tool or root is missing, or whittle cannot record.
pub fn run() -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "recording loads probes into the kernel, which needs root; try `sudo env PATH=$PATH cargo xtask demo`"
    );
    let python = python()?;
    let whittle = build()?;
    let folder = workload()?;
    let data = folder.join("data");
    println!("recording a job in {}\n", folder.display());
    let mut record = Command::new(&whittle);
    record
        .arg("record")
        .arg("--out")
        .arg(&data)
        .arg("--")
        .arg(&python)
        .arg("job.py")
        .current_dir(&folder)
        // Cargo points it at its own folders, which the job would then search too.
        .env_remove("LD_LIBRARY_PATH");
    let status = record
        .status()
        .with_context(|| format!("cannot start {}", whittle.display()))?;
    ensure!(status.success(), "the demo did not record: {status}");
    print_next_steps(&whittle, &data);
    Ok(())
}

/// Debian's own Python where there is one: a version manager's `python3` is a chain of shell scripts, which would
/// fill the report with accesses that are not the job's.
fn python() -> Result<PathBuf> {
    let packaged = Path::new("/usr/bin/python3");
    if packaged.is_file() {
        return Ok(packaged.to_path_buf());
    }
    ensure!(
        command::exists("python3"),
        "the demo's job is a Python program: install python3"
    );
    Ok(PathBuf::from("python3"))
}

/// `whittle` without SQL, whose engine takes longer to build than a newcomer wants to wait.
fn build() -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "build",
        "--package",
        "whittle",
        "--bin",
        "whittle",
        "--no-default-features",
    ]);
    command::run(cargo.current_dir(places::repository()))?;
    // This program lies where the same build puts `whittle`.
    let this = std::env::current_exe().context("cannot find this program")?;
    let whittle = this.with_file_name("whittle");
    ensure!(whittle.is_file(), "cargo left no {}", whittle.display());
    Ok(whittle)
}

/// A fresh folder with the job and its files. It is left, because the recorded data in it can be queried.
fn workload() -> Result<PathBuf> {
    let folder = tempfile::Builder::new()
        .prefix("whittle-demo-")
        .tempdir()
        .context("cannot make a temporary folder")?
        .keep();
    set_mode(&folder, 0o755)?;
    for (name, text, mode) in [
        ("job.py", JOB, 0o644),
        ("orders.csv", ORDERS, 0o644),
        ("payroll.csv", PAYROLL, 0o600),
    ] {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        set_mode(&path, mode)?;
    }
    Ok(folder)
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("cannot set the mode of {}", path.display()))
}

fn print_next_steps(whittle: &Path, data: &Path) {
    let (whittle, data) = (places::shown(whittle), data.display());
    println!("\nTry next, as root:");
    println!("  {whittle} report --all --data {data}     every file by name");
    println!("  {whittle} record -- YOUR COMMAND          what one of your own programs touches");
    println!("  {whittle} doctor                          what this kernel lets whittle see");
}
