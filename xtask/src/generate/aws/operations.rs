//! The operations that a request can ask for.

pub(super) fn run() -> anyhow::Result<()> {
    anyhow::bail!("the table of operations is not made yet")
}
