//! `cargo xtask`: reads the command line and calls the task.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{bench, demo, ebpf, fuzz, generate, setup, test, vm};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Bench(options) => bench::run(&options),
        Task::Demo => demo::run(),
        Task::Test(options) => test::run(&options),
        Task::Setup(options) => setup::run(&options),
        Task::Ebpf(options) => ebpf::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Generate { tables } => generate::run(&tables),
        Task::Vm(options) => vm::run(&options),
    };
    if let Err(error) = outcome {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
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
    /// Count what whittle and other observers cost an operation, in instructions.
    Bench(bench::Options),
    /// Build whittle and record a small job with it.
    Demo,
    /// Run everything that has to hold before a change goes in.
    Test(test::Options),
    /// Bring the BPF toolchain: the standard library's sources and the linker.
    Setup(setup::Options),
    /// Rebuild the BPF object that the agent embeds.
    Ebpf(ebpf::Options),
    /// Feed hostile input to every decoder and reader.
    Fuzz(fuzz::Options),
    /// Make the tables that are derived from packages of others.
    Generate {
        #[command(subcommand)]
        tables: generate::Tables,
    },
    /// Run tests in virtual machines with other kernels.
    Vm(vm::Options),
}
