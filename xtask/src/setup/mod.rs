//! `cargo xtask setup`: brings what the BPF target and the tests of cloud calls need, and leaves alone what is there.

pub mod linker;
mod made;
pub mod node;
pub mod rust_src;
pub mod venv;

use anyhow::Result;
use clap::Args;

use crate::toolchain::Toolchain;

/// Options of `cargo xtask setup`.
#[derive(Args)]
pub struct Options {
    /// Where the standard library's sources come from
    #[arg(long, value_enum, default_value_t = rust_src::From::Any)]
    rust_src_from: rust_src::From,
    /// Only the AWS SDK for Python and the fake AWS, which the demo takes
    #[arg(long)]
    only_sdk: bool,
}

/// Brings rust-src, bpf-linker, and the AWS SDKs that tests run.
///
/// # Errors
/// When one of them cannot be had; the sentence says what to do.
pub fn run(options: &Options) -> Result<()> {
    if options.only_sdk {
        println!("ready: {}", venv::ensure()?.display());
        return Ok(());
    }
    let toolchain = Toolchain::nightly()?;
    rust_src::ensure(&toolchain, options.rust_src_from)?;
    let linker = linker::ensure(&toolchain)?;
    let python = venv::ensure()?;
    let node = node::ensure()?;
    println!(
        "ready: {}, rust-src, {}, {}, {}",
        toolchain.version[0],
        linker.display(),
        python.display(),
        node.join("node_modules").display()
    );
    Ok(())
}
