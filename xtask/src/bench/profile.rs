//! `cargo xtask bench --profile OPERATION`: where the instructions of one operation go. A guest does it over and over, once
//! with nobody watching and once recorded; when all is warm, one is stepped through from the entry of its first system call to the
//! return of its last, and each instruction is put down to the function that it is in. What the recorder does later is not in it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::gdb::Gdb;
use super::guest;
use crate::vm::machine::{self, Processors};
use crate::vm::{initramfs, kernel, root};

/// Operations that are system calls, and nothing else that counts.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Operation {
    /// An open that was made before
    Open,
    /// An open of a file that nobody opened before
    First,
    /// One byte read from a file
    Read,
    /// A datagram sent
    Udp,
    /// A TCP connection on loopback: made, accepted, closed at both ends
    Tcp,
    /// A stat, which nobody watches
    Stat,
}

impl Operation {
    /// As tests/bench/workload.c calls it.
    fn workload(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::First => "first",
            Self::Read => "read",
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Stat => "stat",
        }
    }

    /// Entry function of its first system call.
    fn entry(self) -> &'static str {
        match self {
            Self::Open | Self::First => "__x64_sys_openat",
            Self::Read => "__x64_sys_read",
            Self::Udp => "__x64_sys_sendto",
            Self::Tcp => "__x64_sys_socket",
            Self::Stat => "__x64_sys_newfstatat",
        }
    }

    /// How many system calls it is.
    fn calls(self) -> u32 {
        match self {
            Self::Tcp => 5,
            _ => 1,
        }
    }
}

/// Times that the operation passes before one is stepped through.
const PASSES: u32 = 3;
/// Files that are there to be opened first: more than there is time for.
const FILES: u32 = 10_000;
/// How long the guest is left alone first.
const QUIET: Duration = Duration::from_secs(5);
/// More instructions than any operation has: the guest is somewhere else.
const MOST_STEPS: u32 = 200_000;
/// Where the kernel's half of the addresses begins.
const KERNEL: u64 = 1 << 63;
const TIME_LIMIT: Duration = Duration::from_mins(15);
/// Functions that are printed.
const SHOWN: usize = 40;

/// Instructions by function.
type Steps = BTreeMap<String, u32>;

pub(super) fn run(
    operation: Operation,
    kernel: &str,
    whittle: Option<&std::path::Path>,
) -> Result<()> {
    machine::require_qemu()?;
    let kernel = kernel::fetch(&kernel::find(kernel)?)?;
    let payload = guest::payload(whittle)?;
    let [nobody, recorded] = ["nobody", "whittle"].map(|observer| {
        let list = format!(
            "/payload/workload prepare {FILES}\n\
             /payload/observe.sh {observer} /payload/workload {} forever & \
             while [ ! -e /tmp/warm ]; do kill -0 $! || exit 1; sleep 0.2; done; \
             grep -i ' t ' /proc/kallsyms | sed 's/^/whittle-symbol /'; \
             echo whittle-ready; sleep 120\n",
            operation.workload()
        );
        let disk = payload.disk(&list)?;
        let sockets = tempfile::tempdir().context("cannot make a temporary folder")?;
        let socket = sockets.path().join("gdb");
        let guest = machine::Guest {
            kernel: &kernel,
            initramfs: &initramfs::make(&kernel)?,
            root: &root::image(guest::PACKAGES)?,
            payload: disk.path(),
            list: machine::RUN_LIST,
            processors: Processors::One,
        };
        let mut symbols = Symbols::default();
        let mut outcome = None;
        let ended = guest.run_debugged(&socket, TIME_LIMIT, &mut |line| {
            if let Some(symbol) = line.strip_prefix("whittle-symbol ") {
                symbols.add(symbol);
            } else if line == "whittle-ready" {
                // Until the guest is quiet: what it switches to meanwhile would be in the figure.
                std::thread::sleep(QUIET);
                outcome =
                    Some(Gdb::connect(&socket).and_then(|gdb| steps(gdb, operation, &symbols)));
            }
        });
        // It was switched off in the middle: its end is no news where there is an outcome.
        match outcome {
            Some(outcome) => outcome,
            None => ended.and_then(|()| bail!("the guest was never ready")),
        }
    });
    print(&nobody?, &recorded?);
    Ok(())
}

fn steps(mut gdb: Gdb, operation: Operation, symbols: &Symbols) -> Result<Steps> {
    let entry = symbols.address(operation.entry())?;
    for _ in 0..PASSES {
        gdb.run_to(entry)?;
    }
    let mut steps = Steps::new();
    let mut calls = 0;
    let mut was_in_kernel = true;
    for _ in 0..MOST_STEPS {
        let at = gdb.program_counter()?;
        let is_in_kernel = at >= KERNEL;
        if is_in_kernel {
            *steps.entry(symbols.name(at).to_owned()).or_default() += 1;
        } else if was_in_kernel {
            calls += 1;
            if calls == operation.calls() {
                gdb.kill();
                return Ok(steps);
            }
        }
        was_in_kernel = is_in_kernel;
        gdb.step()?;
    }
    bail!("the operation does not end within {MOST_STEPS} instructions")
}

fn print(nobody: &Steps, recorded: &Steps) {
    let count = |steps: &Steps, name: &str| i64::from(steps.get(name).copied().unwrap_or(0));
    let names = nobody.keys().chain(recorded.keys());
    let differences: HashMap<&str, i64> = names
        .map(|name| (name.as_str(), count(recorded, name) - count(nobody, name)))
        .collect();
    let mut rows: Vec<(&str, i64)> = differences.into_iter().collect();
    rows.sort_by_key(|(name, difference)| (-difference.abs(), *name));
    let total = |steps: &Steps| steps.values().map(|count| u64::from(*count)).sum::<u64>();
    println!("nobody   {:>8}", total(nobody));
    println!("whittle  {:>8}", total(recorded));
    for (name, difference) in rows.iter().take(SHOWN).filter(|(_, more)| *more != 0) {
        println!("{difference:>+17} {name}");
    }
}

/// Where the kernel's functions are.
#[derive(Default)]
struct Symbols(BTreeMap<u64, String>);

impl Symbols {
    /// Adds a line of /proc/kallsyms: address, kind, name, and for modules and programs what they belong to.
    fn add(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let address = words
            .next()
            .and_then(|word| u64::from_str_radix(word, 16).ok());
        if let (Some(address), Some(name)) = (address, words.nth(1)) {
            self.0.entry(address).or_insert_with(|| name.to_owned());
        }
    }

    fn address(&self, name: &str) -> Result<u64> {
        let found = self.0.iter().find(|(_, known)| *known == name);
        let (address, _) = found.with_context(|| format!("the guest's kernel has no {name}"))?;
        Ok(*address)
    }

    fn name(&self, address: u64) -> &str {
        let before = self.0.range(..=address).next_back();
        before.map_or("(unknown)", |(_, name)| name)
    }
}
