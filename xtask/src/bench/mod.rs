//! `cargo xtask bench`: what an operation costs under each observer, in instructions, in a virtual machine whose clock
//! counts them; and with `--native`, in `native`, what this machine shows. What is measured is in `workload` and `observer`, the programs of the guest in `guest` and `project`, what it
//! prints in `figure` and `traffic`, `profile` steps through one operation with `gdb`, and the section of docs/benchmarks.md in `page`.

mod figure;
mod gdb;
mod guest;
mod native;
mod observer;
mod page;
mod profile;
mod project;
mod traffic;
mod workload;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::vm::machine::{self, InstructionTime, Processors};
use crate::vm::{initramfs, kernel, root};
use figure::Figure;
use observer::{OBSERVERS, Observer};
use traffic::Traffic;
use workload::{WORKLOADS, Workload};

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub struct Options {
    /// Kernel to measure on, by its name in tests/vm/kernels.toml
    #[arg(long, default_value = "6.1", value_name = "KERNEL")]
    kernel: String,
    /// An observer to measure, beside nobody; all by default
    #[arg(long, value_name = "NAME")]
    observer: Vec<String>,
    /// An operation to measure; all by default
    #[arg(long, value_name = "NAME")]
    workload: Vec<String>,
    /// Use this whittle instead of building one with the release profile
    #[arg(long, value_name = "FILE")]
    whittle: Option<PathBuf>,
    /// Write the table into docs/benchmarks.md
    #[arg(long)]
    write: bool,
    /// Print what the guest says
    #[arg(long)]
    verbose: bool,
    /// Seconds after which the guest is switched off
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    time_out: u64,
    /// Print where the instructions of one operation go, by stepping through it
    #[arg(long, value_enum, value_name = "OPERATION", conflicts_with_all = ["native", "observer", "workload", "write"])]
    profile: Option<profile::Operation>,
    #[command(flatten)]
    native: native::NativeOptions,
}

/// Measures, and prints the table.
///
/// # Errors
/// When something cannot be had or built, or an observer or an operation fails in the guest.
pub fn run(options: &Options) -> Result<()> {
    if options.native.native {
        return native::run(&options.native, options.whittle.as_deref(), options.write);
    }
    if let Some(operation) = options.profile {
        return profile::run(operation, &options.kernel, options.whittle.as_deref());
    }
    machine::require_qemu()?;
    let workloads = chosen(WORKLOADS, &options.workload, |workload| workload.name)?;
    let mut observers = chosen(OBSERVERS, &options.observer, |observer| observer.name)?;
    // What the others are compared with.
    observers.retain(|observer| observer.name != observer::NOBODY.name);
    observers.insert(0, &observer::NOBODY);
    let kernel = kernel::fetch(&kernel::find(&options.kernel)?)?;
    let payload = guest::payload(options.whittle.as_deref())?;
    let disk = payload.disk(&run_list(&observers, &workloads))?;
    let guest = machine::Guest {
        kernel: &kernel,
        initramfs: &initramfs::make(&kernel)?,
        root: &root::image(guest::PACKAGES)?,
        payload: disk.path(),
        list: machine::RUN_LIST,
        processors: Processors::Counted(InstructionTime::NANOSECOND),
    };
    let mut figures: Vec<Figure> = Vec::new();
    let (mut windows, mut said) = (Vec::new(), Vec::new());
    let outcome = guest.run(Duration::from_secs(options.time_out), &mut |line| {
        if let Some(figure) = figures_of(line, &mut said) {
            println!("{}", figure.line());
            figures.push(figure);
        } else if options.verbose {
            println!("  {line}");
        }
        windows.extend(Traffic::parse(line));
    });
    let mut table = page::table(&figures, &observers, &workloads);
    let traffic = traffic::of_builds(&windows);
    if !traffic.is_empty() {
        table = format!("{table}\n{traffic}");
    }
    println!("\n{table}");
    outcome.with_context(|| format!("the guest said\n{}", said.join("\n")))?;
    let pairs = observers.iter().flat_map(|observer| {
        let workloads = workloads.iter();
        workloads.filter(|workload| workload.is_for(observer))
    });
    ensure!(
        figures.len() == pairs.count(),
        "the guest has not measured everything; --verbose shows what it said"
    );
    if options.write {
        let command = format!("cargo xtask bench --kernel {}", options.kernel);
        page::write(
            &command,
            "",
            &format!("Kernel {}:\n\n{table}", kernel.release),
        )?;
    }
    Ok(())
}

/// Most lines of the guest that are shown when it fails.
const SAID: usize = 40;

fn figures_of(line: &str, said: &mut Vec<String>) -> Option<Figure> {
    let figure = Figure::parse(line);
    if figure.is_none() {
        if said.len() == SAID {
            said.remove(0);
        }
        said.push(line.to_owned());
    }
    figure
}

/// The rows that were asked for; all where none was.
fn chosen<T>(
    all: &'static [T],
    names: &[String],
    name: impl Fn(&T) -> &'static str,
) -> Result<Vec<&'static T>> {
    if names.is_empty() {
        return Ok(all.iter().collect());
    }
    let of_name = |wanted: &String| {
        let found = all.iter().find(|row| name(row) == wanted);
        let known: Vec<&str> = all.iter().map(&name).collect();
        found.with_context(|| format!("no {wanted}; there is {}", known.join(", ")))
    };
    names.iter().map(of_name).collect()
}

/// The kernel's own work at times of its choice: a write of what is dirty takes 40 to 80 million instructions, and a search for huge
/// pages 30 million, which would be in one stretch and not in another.
const ALONE: &str = "sync
echo 0 >/proc/sys/vm/dirty_writeback_centisecs
echo 4294967295 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs
";

/// What the guest runs: each operation under each observer.
fn run_list(observers: &[&Observer], workloads: &[&Workload]) -> String {
    let mut list =
        format!("{ALONE}/payload/workload prepare 20001\ncp -r /payload/project /tmp/bench/\n");
    for observer in observers {
        for workload in workloads
            .iter()
            .filter(|workload| workload.is_for(observer))
        {
            let count = observer.count(workload);
            let line = format!(
                "WINDOW={2} /payload/observe.sh {0} /payload/workload {1} {count} | sed 's/^whittle-bench/whittle-bench {0}/'\n",
                observer.name, workload.name, workload.window
            );
            list.push_str(&line);
        }
    }
    list
}
