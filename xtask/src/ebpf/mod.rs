//! `cargo xtask ebpf`: rebuilds the BPF object that the agent embeds, or checks the committed one.
//! The digest that says what an object was built from is in `sources`; a test on stable Rust compares it.

mod build;
pub mod identity;
pub mod object;
pub mod sources;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::places;
use crate::toolchain::Toolchain;
use identity::Identity;

/// The committed object, from the repository's root.
pub const OBJECT: &str = "agent/bpf/whittle.bpf.o";
/// What the committed object was built with, from the repository's root.
pub const IDENTITY: &str = "agent/bpf/whittle.bpf.toml";

/// Options of `cargo xtask ebpf`.
#[derive(Args)]
pub struct Options {
    /// Write nothing; fail when the committed object is not what the sources give
    #[arg(long)]
    check: bool,
}

/// Rebuilds the object and writes or compares it.
///
/// # Errors
/// When the toolchain is missing, the probes do not compile, or the committed object is stale.
pub fn run(options: &Options) -> Result<()> {
    if options.check { check() } else { rebuild() }
}

/// Fails when the digest inside the committed object is not that of the sources. Builds nothing.
///
/// # Errors
/// When it is stale, missing, or not an object of ours.
pub fn compare_digest(repository: &Path) -> Result<()> {
    let committed = read(&repository.join(OBJECT))?;
    let inside = object::digest(&committed)
        .with_context(|| format!("{OBJECT} has no digest; run `cargo xtask ebpf`"))?;
    let sources = sources::digest(repository)?;
    if inside != sources {
        bail!(
            "{OBJECT} is stale: it was built from {inside:.12}, the sources are {sources:.12}; run `cargo xtask ebpf`"
        );
    }
    Ok(())
}

fn rebuild() -> Result<()> {
    let (built, identity) = build_here()?;
    let repository = places::repository();
    let path = repository.join(OBJECT);
    let folder = path.parent().context("the object's path has no folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    write(&path, &built)?;
    write(&repository.join(IDENTITY), identity.to_text()?.as_bytes())?;
    println!(
        "wrote {OBJECT}: {} bytes, sources {:.12}",
        built.len(),
        identity.sources
    );
    Ok(())
}

fn check() -> Result<()> {
    let repository = places::repository();
    compare_digest(&repository)?;
    let (built, here) = build_here()?;
    let committed = read(&repository.join(OBJECT))?;
    let recorded = read(&repository.join(IDENTITY))?;
    let recorded = Identity::from_text(&String::from_utf8_lossy(&recorded))
        .with_context(|| format!("{IDENTITY} is not readable; run `cargo xtask ebpf`"))?;
    if recorded.sources != here.sources {
        bail!("{IDENTITY} does not belong to {OBJECT}; run `cargo xtask ebpf` and commit both");
    }
    if recorded.toolchain != here.toolchain {
        println!(
            "{OBJECT}: the digest of its sources is right; bytes not compared, because another toolchain built it:"
        );
        println!("  it: {}\n  we: {}", recorded.toolchain, here.toolchain);
        return Ok(());
    }
    if committed != built {
        bail!(
            "{OBJECT} is not what this toolchain makes of the same sources; run `cargo xtask ebpf` and commit it"
        );
    }
    println!(
        "{OBJECT}: the rebuilt object is the same, byte for byte ({} bytes)",
        built.len()
    );
    Ok(())
}

/// The object that the sources give with the toolchain here.
fn build_here() -> Result<(Vec<u8>, Identity)> {
    let repository = places::repository();
    let toolchain = Toolchain::nightly()?;
    let sources = sources::digest(&repository)?;
    let linked = build::link(&repository, &toolchain)?;
    let sealed = object::seal(&linked, &sources)?;
    Ok((
        sealed,
        Identity {
            sources,
            toolchain: identity::toolchain(&toolchain)?,
        },
    ))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| {
        format!(
            "cannot read {}; `cargo xtask ebpf` makes it",
            places::shown(path)
        )
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", places::shown(path)))
}
