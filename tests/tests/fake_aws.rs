//! The fake AWS that the other tests rest on: it enforces what they say that it enforces.

use std::{collections::BTreeSet, fs};

use anyhow::Result;
use serde_json::Value;
use whittle_tests::cloud::{self, Aws, Job, Permission};

#[test]
fn the_fake_aws_asks_the_policies_about_every_call_of_the_jobs() -> Result<()> {
    for job in [Job::Python, Job::Node] {
        let folder = tempfile::tempdir()?;
        let aws = Aws::start(folder.path(), &[])?;
        cloud::check(&aws, &job.run(&aws, "free", false)?)?;
        let needed = cloud::needed(&aws, "free")?;
        drop(aws);
        let policy = folder.path().join("needed.json");
        fs::write(&policy, exactly(&needed).to_string())?;
        let aws = Aws::start(folder.path(), &[policy])?;
        cloud::check(&aws, &job.run(&aws, "enforced", false)?)?;
        let asked = cloud::enforced(&aws, "enforced")?;
        assert_eq!(
            asked,
            (1..=cloud::calls(&aws, "enforced")?).collect(),
            "{job:?}"
        );
        assert_eq!(
            cloud::needed(&aws, "enforced")?,
            needed,
            "a run names other things"
        );
    }
    Ok(())
}

fn exactly(needed: &BTreeSet<Permission>) -> Value {
    let of_role = needed.iter().filter(|one| one.role == "batch-job");
    let statement = |one: &Permission| serde_json::json!({"Effect": "Allow", "Action": one.action, "Resource": one.resource});
    serde_json::json!({"Version": "2012-10-17", "Statement": of_role.map(statement).collect::<Vec<_>>()})
}
