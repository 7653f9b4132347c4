//! `cargo xtask vm`: runs the tests of `tests/vm/run.list`, and of further lists, in virtual machines with other kernels, in software
//! emulation. What is booted is in `kernel`, `initramfs` and `root`; what is tested in `payload`; a run in `machine`; what the
//! runs found of hook families in `matrix`.

mod image;
pub(crate) mod initramfs;
pub(crate) mod kernel;
pub(crate) mod machine;
pub mod matrix;
pub(crate) mod payload;
pub(crate) mod root;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use clap::Args;

use machine::{InstructionTime, Processors};
use payload::Payload;

use crate::places;

/// Guests at a time: each keeps a processor busy, and this many is what a machine for tests has.
const AT_ONCE: usize = 2;

/// Options of `cargo xtask vm`.
#[derive(Args)]
pub struct Options {
    /// Kernels to boot, by the names in tests/vm/kernels.toml; all of them where none is named
    kernels: Vec<String>,
    /// Run what takes long, too: tests/vm/full.list after tests/vm/run.list
    #[arg(long)]
    full: bool,
    /// Processors of each guest; with 2 of them tests/vm/two.list is run instead
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2), conflicts_with_all = ["full", "write"])]
    processors: u8,
    /// Write docs/kernels.md instead of holding the run to it; takes a run of all kernels
    #[arg(long, conflicts_with_all = ["kernels", "bare", "command"])]
    write: bool,
    /// Nanoseconds of the guest's time that an instruction takes, a power of two: what happens in it then does not depend on how
    /// fast and busy this machine is, and waiting takes no time
    #[arg(long, value_name = "NANOSECONDS", conflicts_with_all = ["processors", "write"])]
    instruction_ns: Option<u32>,
    /// Bring none of our programs: for a look at the guest
    #[arg(long)]
    bare: bool,
    /// A further file to bring, as /payload/NAME
    #[arg(long, value_name = "FILE")]
    with: Vec<PathBuf>,
    /// Seconds after which a guest is switched off and has failed
    #[arg(long, default_value_t = 900, value_name = "SECONDS")]
    time_out: u64,
    /// A command to run instead of the lists
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Boots the kernels, two at a time, and runs the list in each.
///
/// # Errors
/// When something cannot be had or built, a command fails in a guest, or a guest contradicts docs/kernels.md.
pub fn run(options: &Options) -> Result<()> {
    machine::require_qemu()?;
    let entries: Vec<kernel::Entry> = if options.kernels.is_empty() {
        kernel::all()?
    } else {
        let named = options.kernels.iter().map(|name| kernel::find(name));
        named.collect::<Result<_>>()?
    };
    let payload = if options.bare {
        Payload::bare()?
    } else {
        Payload::build()?
    };
    payload.bring(&options.with)?;
    let processors = match (options.instruction_ns, options.processors) {
        (Some(nanoseconds), _) => Processors::Counted(InstructionTime::of(nanoseconds)?),
        (None, 2) => Processors::Two,
        (None, _) => Processors::One,
    };
    let run_list = payload::run_list(&options.command, options.full, processors)?;
    // The matrix is what guests with the lists of all kernels find.
    let is_matrix = !options.bare && processors == Processors::One && options.command.is_empty();
    let root = root::image(root::TEST_PACKAGES)?;
    // Fetched one after the other: each may bring the index of the same archive.
    let (mut waiting, mut further) = (VecDeque::new(), VecDeque::new());
    for entry in entries {
        let kernel = Arc::new(kernel::fetch(&entry)?);
        if let Some(also) = entry.also.filter(|_| is_matrix && !options.full) {
            let list = also.list;
            payload.bring(&[places::repository().join("tests/vm").join(&list)])?;
            further.push_back(Job {
                name: format!("{} {list}", entry.name),
                kernel: Arc::clone(&kernel),
                list,
                processors: Processors::Counted(InstructionTime::of(also.instruction_ns)?),
            });
        }
        waiting.push_back(Job {
            name: entry.name,
            kernel,
            list: machine::RUN_LIST.to_owned(),
            processors,
        });
    }
    // Those that take longest begin first.
    further.append(&mut waiting);
    let waiting = further;
    let names: Vec<String> = waiting.iter().map(|job| job.name.clone()).collect();
    let disk = payload.disk(&run_list)?;
    let waiting = Mutex::new(waiting);
    let outcomes = Mutex::new(Vec::new());
    let next = || waiting.lock().ok()?.pop_front();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(job) = next() {
                    let machine = Machine {
                        root: &root,
                        payload: disk.path(),
                        time_limit: Duration::from_secs(options.time_out),
                    };
                    let guest = boot(&job, &machine);
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.push((job, guest));
                    }
                }
            });
        }
    });
    let mut outcomes = outcomes
        .into_inner()
        .map_err(|_| anyhow!("a guest's thread has failed"))?;
    outcomes.sort_by_key(|(job, _)| names.iter().position(|name| *name == job.name));
    let (mut guests, mut failed) = (Vec::new(), Vec::new());
    for (job, (guest, outcome)) in outcomes {
        if let Err(error) = outcome {
            println!("kernel {}: {error:#}", job.name);
            failed.push(job.name);
        }
        if job.list == machine::RUN_LIST {
            guests.push(guest);
        }
    }
    // What failed is in the page, too: a cell says no.
    if options.write {
        matrix::write(&guests)?;
    }
    ensure!(failed.is_empty(), "failed on kernel {}", failed.join(", "));
    if is_matrix {
        matrix::check(&guests)?;
    }
    Ok(())
}

/// A guest to be booted.
struct Job {
    /// As its lines begin: the kernel's, and the list where it is another one.
    name: String,
    kernel: Arc<kernel::Kernel>,
    list: String,
    processors: Processors,
}

/// What all guests of a run have in common.
struct Machine<'a> {
    root: &'a Path,
    payload: &'a Path,
    time_limit: Duration,
}

/// Runs one guest to its end. What it found is there even where it failed.
fn boot(job: &Job, machine: &Machine<'_>) -> (matrix::Guest, Result<()>) {
    let (name, kernel) = (&job.name, &job.kernel);
    println!("{name}| {}", kernel.release);
    let mut found = matrix::Guest {
        kernel: name.clone(),
        release: kernel.release.clone(),
        seconds: None,
        cells: Vec::new(),
    };
    let started = Instant::now();
    let outcome = initramfs::make(kernel).and_then(|initramfs| {
        let guest = machine::Guest {
            kernel,
            initramfs: &initramfs,
            root: machine.root,
            payload: machine.payload,
            list: &job.list,
            processors: job.processors,
        };
        guest.run(machine.time_limit, &mut |line| {
            println!("{name}| {line}");
            found.cells.extend(matrix::Cell::of_line(line));
            if let Some(seconds) = machine::up_for(line) {
                found.seconds = Some(seconds.to_owned());
            }
        })
    });
    println!(
        "{name}| over after {:.0} s",
        started.elapsed().as_secs_f64()
    );
    (found, outcome)
}

fn is_command(line: &str) -> bool {
    !line.trim().is_empty() && !line.starts_with('#')
}
