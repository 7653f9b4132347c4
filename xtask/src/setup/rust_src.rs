//! The standard library's sources, which `-Z build-std` compiles for the BPF target: from rustup, or,
//! where its server is out of reach, from Debian's package of a near version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::apt::Suite;
use crate::command;
use crate::toolchain::Toolchain;

/// The suite whose rust-src is near enough to the nightly to compile with it.
const SUITE: &str = "forky";

/// Where the sources may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// rustup, and Debian where that fails.
    Any,
    /// rustup alone.
    Rustup,
    /// Debian's package alone.
    Debian,
}

/// Makes sure that the toolchain has the sources.
///
/// # Errors
/// When no origin gives them.
pub fn ensure(toolchain: &Toolchain, from: From) -> Result<()> {
    let library = toolchain.library_sources();
    if library.join("core/src/lib.rs").is_file() {
        return Ok(());
    }
    match from {
        From::Rustup => by_rustup(),
        From::Debian => by_debian(&library),
        From::Any => by_rustup().or_else(|first| {
            eprintln!("rustup cannot bring rust-src ({first:#}); trying Debian's package");
            by_debian(&library)
        }),
    }
}

fn by_rustup() -> Result<()> {
    command::output(Command::new("rustup").args([
        "component",
        "add",
        "rust-src",
        "--toolchain",
        "nightly",
    ]))
    .map(drop)
}

fn by_debian(library: &Path) -> Result<()> {
    let unpacked = tempfile::tempdir().context("cannot make a temporary folder")?;
    Suite::fetch(SUITE)?.unpack("rust-src", unpacked.path())?;
    let packaged = packaged_library(unpacked.path())?;
    let parent = library
        .parent()
        .context("the toolchain's source folder has no parent")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    // Copied beside and renamed, so that an interrupted copy is not taken for the sources.
    let beside = parent.join("library.incomplete");
    if beside.exists() {
        fs::remove_dir_all(&beside)
            .with_context(|| format!("cannot remove {}", beside.display()))?;
    }
    command::output(Command::new("cp").arg("-rL").arg(&packaged).arg(&beside))?;
    fs::rename(&beside, library).with_context(|| {
        format!(
            "cannot rename {} to {}",
            beside.display(),
            library.display()
        )
    })
}

/// `usr/src/rustc-VERSION/library` of the unpacked package.
fn packaged_library(unpacked: &Path) -> Result<PathBuf> {
    let sources = unpacked.join("usr/src");
    let entries = fs::read_dir(&sources).context("Debian's rust-src has no usr/src")?;
    let candidates = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("library"));
    let mut whole = candidates.filter(|library| library.join("core/src/lib.rs").is_file());
    whole
        .next()
        .context("Debian's rust-src has no usr/src/rustc-*/library")
}
