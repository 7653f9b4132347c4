//! `cargo xtask`: reads the command line and calls the task.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{ebpf, setup, vm};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Setup(options) => setup::run(&options).map(|()| ExitCode::SUCCESS),
        Task::Ebpf(options) => ebpf::run(&options).map(|()| ExitCode::SUCCESS),
        Task::Vm(options) => vm::run(&options).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Tasks for whoever works on whittle.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Bring the BPF toolchain: the standard library's sources and the linker.
    Setup(setup::Options),
    /// Rebuild the BPF object that the agent embeds.
    Ebpf(ebpf::Options),
    /// Run tests in virtual machines with other kernels.
    Vm(vm::Options),
}
