//! The forms that an answer is printed in, where there are two. `query` and `record` have one more each, and
//! their own.

use clap::ValueEnum;

/// Form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}
