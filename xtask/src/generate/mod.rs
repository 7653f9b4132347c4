//! `cargo xtask generate`: tables derived from permissively licensed packages, one folder per provider.

mod aws;
pub mod packages;

use clap::Subcommand;

/// Which tables to make.
#[derive(Subcommand)]
pub enum Tables {
    /// AWS: operations (from botocore) and IAM actions (from iam-data).
    Aws,
}

/// Makes the tables, in the folders of the crates that embed them.
///
/// # Errors
/// A package cannot be fetched, or does not hold what it did.
pub fn run(tables: &Tables) -> anyhow::Result<()> {
    match tables {
        Tables::Aws => aws::run(),
    }
}
