//! The command line: each subcommand is a module of the library; this file only names them.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use whittle_advisor::{
    command::{recommend, replay},
    doctor, policy, record, report,
};

/// Record what programs really touch: the files, programs and addresses.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Start with:
  sudo whittle doctor               what this host lets whittle see
  sudo whittle record -- COMMAND    what a command touches, with a report
  whittle COMMAND --help            more about a command, with examples

Exit status: 0 done, 1 failed, 2 bad usage; `record` gives the command's own."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Record(record::Args),
    Report(report::Args),
    Recommend(recommend::Args),
    Replay(replay::Args),
    Query(whittle_advisor::query::Args),
    Doctor(doctor::Args),
    Policy(policy::Args),
    Decode(whittle_advisor::decode::Args),
    #[command(name = record::START, hide = true)]
    Start(record::StartArgs),
}

fn main() -> ExitCode {
    let log = tracing_subscriber::EnvFilter::try_from_env("WHITTLE_LOG");
    tracing_subscriber::fmt()
        .with_env_filter(log.unwrap_or_else(|_| "off".into()))
        .with_writer(std::io::stderr)
        .init();
    match Cli::parse().command {
        Command::Record(args) => ended(record::run(&args), record::Error::status),
        Command::Report(args) => ended(report::run(&args), |_| 1),
        Command::Recommend(args) => ended(recommend::run(&args), |_| 1),
        Command::Replay(args) => ended(replay::run(&args), |_| 1),
        Command::Query(args) => ended(whittle_advisor::query::run(&args), |_| 1),
        Command::Doctor(args) => ended(doctor::run(&args), |_| 1),
        Command::Policy(args) => ended(policy::run(&args), |_| 1),
        Command::Decode(args) => ended(whittle_advisor::decode::run(&args), |_| 1),
        Command::Start(args) => record::start(&args),
    }
}

/// Prints an error as one sentence, and turns it into an exit status.
fn ended<E: std::fmt::Display>(result: Result<ExitCode, E>, status: impl Fn(&E) -> u8) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("whittle: {error}");
            ExitCode::from(status(&error))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_one_that_clap_accepts() {
        Cli::command().debug_assert();
    }

    #[test]
    fn examples_fit_a_terminal_of_80_columns() {
        let cli = Cli::command();
        for command in cli.get_subcommands().chain([&cli]) {
            let text = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            // Other lines are wrapped where they are shown.
            for example in text.lines().filter(|line| line.starts_with(' ')) {
                assert!(example.chars().count() <= 80, "{example}");
            }
        }
    }
}
