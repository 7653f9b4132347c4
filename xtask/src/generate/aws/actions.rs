//! The IAM actions that can be granted.

pub(super) fn run() -> anyhow::Result<()> {
    anyhow::bail!("the table of IAM actions is not made yet")
}
