//! `whittle query`: SQL over the tables. The engine, in `engine`, is compiled in by the feature `query`;
//! without it the command says how to get it.

#[cfg(feature = "query")]
mod engine;
#[cfg(feature = "query")]
mod output;
#[cfg(all(test, feature = "query"))]
mod tests;

use std::{io, path::PathBuf, process::ExitCode};

use clap::ValueEnum;

use crate::data;

/// Ask the recorded tables questions in SQL.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Tables:
  usage      who did what to what, how often, and how it ended
  subjects   who they are
  coverage   what could be seen, and what was lost
  endpoints  with whom a subject talked, and how much of it could be read

Examples:
  whittle query \"DESCRIBE usage\"
  whittle query \"SELECT action, resource FROM usage WHERE outcome = 'denied'\"
  whittle query --format csv \"SELECT DISTINCT resource FROM usage
                              WHERE surface = 'network'\"
  whittle query \"SELECT executable, sum(count) AS opens FROM usage
                 JOIN (SELECT DISTINCT subject_id, executable FROM subjects)
                   USING (subject_id)
                 WHERE surface = 'file' GROUP BY 1 ORDER BY 2 DESC\"

A query only reads. The tables are plain Parquet: DuckDB, Spark and Trino read them too. Damaged \
files are named and left out; the exit status is then 1.")]
pub struct Args {
    /// The query, in SQL.
    #[arg(value_name = "SQL")]
    pub sql: String,
    /// Folder that `whittle record --out` wrote.
    #[arg(long, value_name = "DIR", default_value = data::DEFAULT_ROOT)]
    pub data: PathBuf,
    /// Form of the result: text for people, json or csv for programs.
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub format: Format,
}

/// Form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    Text,
    /// A list of objects.
    Json,
    /// Comma-separated, with a line of column names.
    Csv,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data root cannot be read.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// The SQL is wrong, or does more than read.
    #[error(
        "the query is refused ({0}): it may only read, the tables are usage, subjects, coverage and endpoints, and `whittle query \"DESCRIBE usage\"` lists columns"
    )]
    Refused(String),
    /// The query was right, but did not come to its end.
    #[error("the query failed ({0}): check its values and the data folder")]
    Failed(String),
    /// The query needs more memory than it may take.
    #[error(
        "the query needs too much memory ({0}): ask for fewer rows or groups, or ask DuckDB about the Parquet files"
    )]
    TooLarge(String),
    /// The output went away or is full.
    #[error("the result cannot be written ({0}): check where the output goes")]
    Output(#[from] io::Error),
    /// The program was built without the engine.
    #[error(
        "this whittle was built without SQL: build it with `cargo build --release --package whittle --features query`, or ask DuckDB about the Parquet files"
    )]
    NotBuilt,
}

/// Runs a query and prints its result. Damage goes to stderr, and makes the exit status 1.
///
/// # Errors
/// The folder is not a data root, or the query is wrong or fails.
#[cfg(feature = "query")]
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let opened = data::open(&args.data)?;
    for sentence in &opened.sentences {
        eprintln!("whittle: {sentence}");
    }
    let answer = engine::ask(&args.data, &args.sql)?;
    for warning in &answer.warnings {
        eprintln!("whittle: {warning}");
    }
    let text =
        output::format(&answer, args.format).map_err(|error| Error::Failed(error.to_string()))?;
    crate::report::print(&text)?;
    Ok(data::status(answer.warnings.len() + opened.unrecovered))
}

/// Says how to get a whittle that can query.
///
/// # Errors
/// Always.
#[cfg(not(feature = "query"))]
pub fn run(_args: &Args) -> Result<ExitCode, Error> {
    Err(Error::NotBuilt)
}
