//! What an object was built with: two builds of the same sources by the same toolchain are compared byte
//! for byte; where the toolchains differ, only the sources' digest says whether an object is stale.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::setup::linker;
use crate::toolchain::Toolchain;

/// The file beside the object.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Digest of the sources, as inside the object.
    pub sources: String,
    /// What compiled and linked them.
    pub toolchain: ToolchainIdentity,
}

/// What decides about the bytes that come out of the same sources.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolchainIdentity {
    /// Lines of the nightly `rustc -vV`.
    pub rustc: Vec<String>,
    /// SHA-256 over the sources of `core` and `compiler-builtins`, from wherever they came.
    pub rust_src: String,
    /// Version of bpf-linker.
    pub bpf_linker: String,
}

impl Identity {
    /// The file's text.
    ///
    /// # Errors
    /// Never for an identity that was made here.
    pub fn to_text(&self) -> Result<String> {
        let body = toml::to_string(self).context("the identity cannot be written as TOML")?;
        Ok(format!(
            "# Written by `cargo xtask ebpf` beside the object.\n{body}"
        ))
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// When it is not what [`Identity::to_text`] writes.
    pub fn from_text(text: &str) -> Result<Self> {
        toml::from_str(text).context("not the identity of a BPF object")
    }
}

impl fmt::Display for ToolchainIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rustc = self.rustc.first().map_or("rustc", String::as_str);
        write!(
            f,
            "{rustc}, rust-src {:.12}, bpf-linker {}",
            self.rust_src, self.bpf_linker
        )
    }
}

/// The identity of the toolchain here.
///
/// # Errors
/// When the standard library's sources cannot be read.
pub fn toolchain(toolchain: &Toolchain) -> Result<ToolchainIdentity> {
    let library = toolchain.library_sources();
    let mut files = Vec::new();
    for part in ["core/src", "compiler-builtins"] {
        collect(&library.join(part), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in &files {
        let name = file.strip_prefix(&library).unwrap_or(file);
        hash.update(name.as_os_str().as_encoded_bytes());
        hash.update(fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    Ok(ToolchainIdentity {
        rustc: toolchain.version.clone(),
        rust_src: hex::encode(hash.finalize()),
        bpf_linker: linker::VERSION.to_owned(),
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot read {}", folder.display()))?
            .path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
