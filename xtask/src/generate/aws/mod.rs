//! The tables of AWS: what an HTTP request asks for (`operations`), and what can be granted (`actions`).

mod actions;
mod operations;

/// Makes both tables.
///
/// # Errors
/// A package cannot be fetched, or does not hold what it did.
pub(super) fn run() -> anyhow::Result<()> {
    actions::run()?;
    operations::run()
}
