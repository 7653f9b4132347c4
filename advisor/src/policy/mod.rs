//! `whittle policy`: what policies answer to requests (`evaluate`), and the folders that an organization's policies lie in
//! (`organization`).

pub mod evaluate;
pub mod organization;

use std::process::ExitCode;

/// Ask policies what they allow.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    Evaluate(evaluate::Args),
}

/// Does what is asked.
///
/// # Errors
/// The requests cannot be read, or the answers cannot be written.
pub fn run(args: &Args) -> Result<ExitCode, evaluate::Error> {
    match &args.command {
        Command::Evaluate(args) => evaluate::run(args),
    }
}
