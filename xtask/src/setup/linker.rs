//! bpf-linker, built against the nightly toolchain's own LLVM, so that no LLVM has to be installed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::toolchain::Toolchain;
use crate::{command, places};

/// The version that goes with the nightly toolchain's LLVM.
pub const VERSION: &str = "0.13.0";

/// The linker's path; builds it when it is not in the cache yet.
///
/// # Errors
/// When it cannot be built; the sentence has cargo's words.
pub fn ensure(toolchain: &Toolchain) -> Result<PathBuf> {
    let tools = places::cache("tools")?;
    let linker = tools.join("bin/bpf-linker");
    if is_current(&linker) {
        return Ok(linker);
    }
    eprintln!("building bpf-linker {VERSION}: a minute or two");
    let llvm = llvm_prefix(toolchain)?;
    let mut install = Command::new("cargo");
    install
        .args([
            "install",
            "bpf-linker",
            "--version",
            VERSION,
            "--locked",
            "--force",
            "--no-default-features",
        ])
        .args(["--features", &format!("llvm-{}", toolchain.llvm_major()?)])
        .arg("--root")
        .arg(&tools)
        .env("CXXSTDLIB", "stdc++")
        .env("LLVM_PREFIX", &llvm)
        // An outer `cargo run` would otherwise mix its own target folder and flags in.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS");
    command::output(&mut install).context("bpf-linker cannot be built")?;
    Ok(linker)
}

/// It is there, has the right version, and finds its LLVM (which goes away with the toolchain).
fn is_current(linker: &Path) -> bool {
    linker.is_file()
        && command::output(Command::new(linker).arg("--version"))
            .is_ok_and(|version| version.contains(VERSION))
}

/// A folder that looks like an LLVM installation to bpf-linker's build: the library under the name
/// that the loader asks for, and under the one that the linker asks for.
fn llvm_prefix(toolchain: &Toolchain) -> Result<PathBuf> {
    let library = toolchain.llvm_library()?;
    let prefix = places::cache("llvm")?;
    let folder = prefix.join("lib");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let own_name = library
        .file_name()
        .context("the LLVM library has no file name")?;
    for name in [own_name, "libLLVM.so".as_ref()] {
        let link = folder.join(name);
        symlink(&library, &link)
            .with_context(|| format!("cannot make the link {}", link.display()))?;
    }
    Ok(prefix)
}
