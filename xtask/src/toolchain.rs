//! The nightly toolchain that the BPF target needs: where it is and which one it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;

/// An installed nightly toolchain.
pub struct Toolchain {
    /// What `rustc --print sysroot` says.
    pub sysroot: PathBuf,
    /// `rustc -vV`, line by line, as it identifies itself.
    pub version: Vec<String>,
}

impl Toolchain {
    /// Finds the nightly toolchain that rustup knows.
    ///
    /// # Errors
    /// When there is none.
    pub fn nightly() -> Result<Self> {
        const MISSING: &str = "no nightly toolchain: run `rustup toolchain install nightly`";
        let sysroot =
            command::output(rustup_run("rustc").args(["--print", "sysroot"])).context(MISSING)?;
        let version = command::output(rustup_run("rustc").arg("-vV")).context(MISSING)?;
        Ok(Self {
            sysroot: PathBuf::from(sysroot.trim_end()),
            version: version.lines().map(str::to_owned).collect(),
        })
    }

    /// The sources of the standard library, where rustup puts them.
    #[must_use]
    pub fn library_sources(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust/library")
    }

    /// The LLVM library that rustc itself uses.
    ///
    /// # Errors
    /// When the toolchain has none, as one that links LLVM statically.
    pub fn llvm_library(&self) -> Result<PathBuf> {
        let folder = self.sysroot.join("lib");
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| file_name(path).starts_with("libLLVM.so."))
            .with_context(|| {
                format!(
                    "no libLLVM.so.* in {}; install nightly with rustup",
                    folder.display()
                )
            })
    }

    /// The major version of LLVM, from `rustc -vV`.
    ///
    /// # Errors
    /// When rustc does not say it.
    pub fn llvm_major(&self) -> Result<&str> {
        let version = self
            .version
            .iter()
            .find_map(|line| line.strip_prefix("LLVM version: "));
        let major = version.and_then(|version| version.split('.').next());
        major.context("the nightly rustc does not say its LLVM version")
    }

    /// A command that runs the toolchain's cargo, free of what an outer cargo has set.
    #[must_use]
    pub fn cargo(&self) -> Command {
        rustup_run("cargo")
    }
}

fn rustup_run(program: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", program]);
    for outer in [
        "CARGO",
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTUP_TOOLCHAIN",
        "RUSTC_WRAPPER",
    ] {
        command.env_remove(outer);
    }
    command
}

fn file_name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}
