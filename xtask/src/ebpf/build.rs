//! Compiles and links the probes with the nightly toolchain, so that the bytes depend on the sources
//! and the toolchain alone: no path of the machine reaches the object.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command;
use crate::setup::{linker, rust_src};
use crate::toolchain::Toolchain;

const TARGET: &str = "bpfel-unknown-none";

/// The object as bpf-linker leaves it.
pub(super) fn link(repository: &Path, toolchain: &Toolchain) -> Result<Vec<u8>> {
    rust_src::ensure(toolchain, rust_src::From::Any)?;
    let linker = linker::ensure(toolchain)?;
    let target_folder = repository.join("target/bpf");
    // Unpacks the registry's packages, whose folders have to be known before they are compiled.
    command::output(toolchain.cargo().arg("fetch").current_dir(repository))?;
    let mut build = toolchain.cargo();
    build
        .args([
            "build",
            "--package",
            "whittle-ebpf",
            "--target",
            TARGET,
            "--profile",
            "bpf",
        ])
        .args([
            "-Z",
            "build-std=core",
            "-Z",
            "trim-paths",
            "--config",
            "profile.bpf.trim-paths=\"all\"",
        ])
        .arg("--target-dir")
        .arg(&target_folder)
        .env("CARGO_ENCODED_RUSTFLAGS", flags()?)
        .env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", &linker)
        .current_dir(repository);
    command::run(&mut build).context("the probes do not build")?;
    let object = target_folder.join(TARGET).join("bpf/whittle");
    fs::read(&object).with_context(|| format!("cannot read {}", object.display()))
}

/// Options of rustc, separated as cargo wants it where a path may have spaces. By itself bpf-linker has LLVM make a call of `memset` for
/// whatever is cleared, which does it byte for byte.
fn flags() -> Result<String> {
    let mut flags = [
        "-C",
        "debuginfo=2",
        "-C",
        "link-arg=--btf",
        "-C",
        "link-arg=--disable-expand-memcpy-in-order",
    ]
    .map(str::to_owned)
    .to_vec();
    for registry in registries()? {
        // `trim-paths` leaves the name of the registry in paths, which is another one behind a mirror.
        flags.push(format!("--remap-path-prefix={}=crates", registry.display()));
    }
    Ok(flags.join("\x1f"))
}

fn registries() -> Result<Vec<PathBuf>> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let sources = home
        .context("neither CARGO_HOME nor HOME is set")?
        .join("registry/src");
    let entries = fs::read_dir(&sources).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = entries.with_context(|| format!("cannot read {}", sources.display()))?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
}
