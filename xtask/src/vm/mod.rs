//! `cargo xtask vm`: runs the tests of `tests/vm/run.list` in virtual machines with other kernels, in software
//! emulation. What is booted is in `kernel`, `initramfs` and `root`; what is tested in `payload`; the run in `machine`.

mod image;
pub(crate) mod initramfs;
pub(crate) mod kernel;
pub(crate) mod machine;
pub(crate) mod payload;
pub(crate) mod root;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use machine::Processors;
use payload::Payload;

/// Options of `cargo xtask vm`.
#[derive(Args)]
pub struct Options {
    /// Kernels to boot, by the names in tests/vm/kernels.toml
    #[arg(default_value = "6.1")]
    kernels: Vec<String>,
    /// Bring none of our programs: for a look at the guest
    #[arg(long)]
    bare: bool,
    /// A further file to bring, as /payload/NAME
    #[arg(long, value_name = "FILE")]
    with: Vec<PathBuf>,
    /// Seconds after which a guest is switched off and has failed
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    time_out: u64,
    /// A command to run instead of tests/vm/run.list
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Boots each kernel and runs the list in it.
///
/// # Errors
/// When something cannot be had or built, or a command fails in a guest.
pub fn run(options: &Options) -> Result<()> {
    machine::require_qemu()?;
    let kernels: Vec<kernel::Entry> = options
        .kernels
        .iter()
        .map(|name| kernel::find(name))
        .collect::<Result<_>>()?;
    let payload = if options.bare {
        Payload::bare()?
    } else {
        Payload::build()?
    };
    payload.bring(&options.with)?;
    let run_list = payload::run_list(&options.command)?;
    let root = root::image(root::TEST_PACKAGES)?;
    let mut failed = Vec::new();
    for entry in &kernels {
        let kernel = kernel::fetch(entry)?;
        let initramfs = initramfs::make(&kernel)?;
        let disk = payload.disk(&run_list)?;
        println!(
            "kernel {}, commands to run: {}",
            kernel.release,
            run_list.lines().filter(|line| is_command(line)).count()
        );
        let started = Instant::now();
        let guest = machine::Guest {
            kernel: &kernel.image,
            initramfs: &initramfs,
            root: &root,
            payload: disk.path(),
            processors: Processors::Two,
        };
        let time_limit = Duration::from_secs(options.time_out);
        let outcome = guest.run(time_limit, &mut |line| println!("  {line}"));
        println!(
            "kernel {}: {:.0} s",
            kernel.release,
            started.elapsed().as_secs_f64()
        );
        if let Err(error) = outcome {
            println!("kernel {}: {error:#}", kernel.release);
            failed.push(entry.name.clone());
        }
    }
    if !failed.is_empty() {
        bail!("failed on kernel {}", failed.join(", "));
    }
    Ok(())
}

fn is_command(line: &str) -> bool {
    !line.trim().is_empty() && !line.starts_with('#')
}
