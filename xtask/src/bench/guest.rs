//! What the guest gets: whittle of the release profile, the operations compiled, and how each observer is started.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::project;
use crate::vm::payload::Payload;
use crate::{command, places};

/// The observers' packages.
pub(super) const PACKAGES: &str = "tests/bench/packages.list";

const PROGRAMS: [&str; 2] = ["workload", "nothing"];
const FILES: [&str; 4] = ["observe.sh", "empty.bt", "count.bt", "stream.bt"];

/// The payload, with the given whittle or a new one.
pub(super) fn payload(whittle: Option<&Path>) -> Result<Payload> {
    let payload = Payload::bare()?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let whittle = self::whittle(whittle)?;
    let stripped = folder.path().join("whittle");
    command::run(Command::new("strip").arg("-o").args([&stripped, &whittle]))?;
    let sources = places::repository().join("tests/bench");
    let mut files = vec![stripped];
    for name in PROGRAMS {
        let program = folder.path().join(name);
        compile(&sources.join(name).with_extension("c"), &program)?;
        files.push(program);
    }
    files.extend(FILES.map(|name| sources.join(name)));
    payload.bring(&files)?;
    payload.bring_folder(&project::fetch()?, "project")?;
    Ok(payload)
}

/// The given whittle, or a new one.
pub(super) fn whittle(given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(given) => Ok(given.to_owned()),
        None => build(),
    }
}

/// Without SQL, which has no part in recording and takes longest to compile. In a folder of its own, for the same
/// reason: other builds have other features.
fn build() -> Result<PathBuf> {
    let target = places::repository().join("target/bench");
    eprintln!("building whittle with the release profile: minutes, the first time");
    command::run(
        Command::new("cargo")
            .args(["build", "--release", "--package", "whittle"])
            .args(["--no-default-features", "--target-dir"])
            .arg(&target)
            .current_dir(places::repository()),
    )?;
    Ok(target.join("release/whittle"))
}

/// Static, so that an exec is the kernel's work and not the dynamic linker's.
pub(super) fn compile(source: &Path, program: &Path) -> Result<()> {
    command::run(
        Command::new("gcc")
            .args(["-O2", "-Wall", "-Wextra", "-static", "-o"])
            .args([program, source]),
    )
}
