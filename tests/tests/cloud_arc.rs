//! The whole arc, over real SDKs and real protocols: from the calls that a job makes as an administrator to a policy of what
//! it used, under which the same job passes and nothing more does.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use whittle_schemas::table::{Outcome, Surface, UsageRow};
use whittle_tests::{
    accounting,
    cloud::{self, Aws, Job, Permission, ROLE},
    recorded::{self, Recording},
};

#[test]
fn boto3s_calls_become_a_policy_that_allows_them_and_no_more() -> Result<()> {
    let needed = arc(Job::Python)?;
    ensure!(services(&needed) >= 12, "{} services", services(&needed));
    Ok(())
}

#[test]
fn the_calls_of_nodes_sdk_become_a_policy_that_allows_them_and_no_more() -> Result<()> {
    let needed = arc(Job::Node)?;
    ensure!(services(&needed) >= 6, "{} services", services(&needed));
    Ok(())
}

/// The arc with one job; gives what its calls need.
fn arc(job: Job) -> Result<BTreeSet<Permission>> {
    let folder = tempfile::tempdir()?;
    let (aws, needed, data) = observe(job, folder.path())?;
    evidence(&aws, &data, &needed)?;
    let policies = recommend(&data, &folder.path().join("recommended"))?;
    replay(&data, &policies)?;
    drop(aws);
    enforce(job, folder.path(), &policies)?;
    Ok(needed)
}

/// Records the job as an administrator, and compares what whittle saw with what the SDK's hooks wrote down.
fn observe(job: Job, folder: &Path) -> Result<(Aws, BTreeSet<Permission>, PathBuf)> {
    let aws = Aws::start(folder, &[])?;
    let data = folder.join("data");
    let recording = record(&aws, job, &data)?;
    let needed = cloud::needed(&aws, "recorded")?;
    let used = used(&recording.tables.usage);
    let missing: Vec<_> = needed.difference(&used).collect();
    let more: Vec<_> = used.difference(&needed).collect();
    ensure!(
        missing.is_empty() && more.is_empty(),
        "{} of {} permissions were seen; missing: {missing:#?}, not of a call: {more:#?}",
        needed.len() - missing.len(),
        needed.len(),
    );
    Ok((aws, needed, data))
}

fn record(aws: &Aws, job: Job, data: &Path) -> Result<Recording> {
    let folder = data.parent().context("the data are in a folder")?;
    let mut recorder = recorded::recorder(data, folder, &job.command(false)?)?;
    job.prepare(aws, "recorded", &mut recorder)?;
    let recording = recorded::finish(data, &mut aws.inside(folder, &recorder))?;
    cloud::check(aws, &recording.output)?;
    accounting::check(&recording.tables)?;
    Ok(recording)
}

/// What whittle says was used: the role, by its ARN or that of its session, is told by its name.
fn used(usage: &[UsageRow]) -> BTreeSet<Permission> {
    let cloud = usage.iter().filter(|row| row.surface == Surface::Cloud);
    cloud
        .filter(|row| row.outcome != Outcome::Denied)
        .map(|row| {
            let principal = row.principal.as_deref().unwrap_or("nobody");
            Permission {
                role: principal
                    .strip_prefix("arn:aws:iam::123456789012:role/")
                    .unwrap_or(principal)
                    .to_owned(),
                action: row.action.clone(),
                resource: String::from_utf8_lossy(&row.resource).into_owned(),
            }
        })
        .collect()
}

/// The report says `used` of what the role used, and has something to say of the rest.
fn evidence(aws: &Aws, data: &Path, needed: &BTreeSet<Permission>) -> Result<()> {
    let account = aws.account();
    let report = whittle(&[
        "report".as_ref(),
        "--data".as_ref(),
        data,
        "--grants".as_ref(),
        &account,
        "--format".as_ref(),
        "json".as_ref(),
    ])?;
    let report: Value = serde_json::from_slice(&report.stdout).with_context(|| told(&report))?;
    let principal = report["principals"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["principal"] == ROLE))
        .with_context(|| format!("no evidence of {ROLE}: {report:#}"))?;
    let evidence = principal["evidence"].as_array().context("a list")?;
    let with = |status: &str| -> BTreeSet<&str> {
        let of_status = evidence.iter().filter(|one| one["status"] == status);
        of_status
            .filter_map(|one| one["permission"].as_str())
            .collect()
    };
    let of_role = needed.iter().filter(|one| one.role == "batch-job");
    let expected: BTreeSet<&str> = of_role.map(|one| one.action.as_str()).collect();
    let said = with("used");
    ensure!(
        said == expected,
        "used: the report lacks {:?} and has {:?} more",
        expected.difference(&said).collect::<Vec<_>>(),
        said.difference(&expected).collect::<Vec<_>>()
    );
    let granted = principal["granted"].as_u64().unwrap_or_default();
    ensure!(
        granted > 20_000,
        "an administrator is granted {granted} actions"
    );
    let unused = with("unused");
    ensure!(
        unused.contains("s3:DeleteBucket") && unused.contains("iam:CreateUser"),
        "{} actions are unused, and these are not among them",
        unused.len()
    );
    Ok(())
}

/// The policies that `whittle recommend` writes for the role.
fn recommend(data: &Path, out: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir(out)?;
    let output = whittle(&[
        "recommend".as_ref(),
        "--data".as_ref(),
        data,
        "--for".as_ref(),
        ROLE.as_ref(),
        "--as".as_ref(),
        "aws-iam".as_ref(),
        "--out".as_ref(),
        out,
    ])?;
    let entries = fs::read_dir(out).with_context(|| told(&output))?;
    let mut policies: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    policies.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    policies.sort();
    ensure!(!policies.is_empty(), "no policy: {}", told(&output));
    Ok(policies)
}

/// The recorded history, held against the policies, is denied nothing.
fn replay(data: &Path, policies: &[PathBuf]) -> Result<()> {
    let mut words: Vec<&Path> = ["replay", "--data"].map(Path::new).to_vec();
    words.extend([data, Path::new("--for"), Path::new(ROLE)]);
    for policy in policies {
        words.extend([Path::new("--policy"), policy]);
    }
    words.extend(["--format", "json"].map(Path::new));
    let output = whittle(&words)?;
    let replay: Value = serde_json::from_slice(&output.stdout).with_context(|| told(&output))?;
    let counts = &replay["counts"];
    ensure!(
        counts["allowed"].as_u64() > Some(20)
            && ["denied", "depends", "not_replayed"]
                .iter()
                .all(|count| counts[count] == 0),
        "{replay:#}"
    );
    Ok(())
}

/// With the policies in the place of the administrator's, the job passes, and a call that it did not make is denied.
fn enforce(job: Job, folder: &Path, policies: &[PathBuf]) -> Result<()> {
    let aws = Aws::start(folder, policies)?;
    let output = job.run(&aws, "enforced", true)?;
    let messages = String::from_utf8_lossy(&output.stderr);
    let last = cloud::calls(&aws, "enforced")?;
    let recorded = cloud::calls(&aws, "recorded")?;
    ensure!(
        last == recorded + 1,
        "call {last} of {recorded} was refused: {messages}"
    );
    ensure!(
        !output.status.success() && messages.contains("AccessDenied"),
        "a call that was not recorded is not denied: {messages}"
    );
    Ok(())
}

fn services(needed: &BTreeSet<Permission>) -> usize {
    let service = |one: &Permission| one.action.split(':').next().map(str::to_owned);
    needed
        .iter()
        .filter_map(service)
        .collect::<BTreeSet<_>>()
        .len()
}

fn whittle(words: &[&Path]) -> Result<Output> {
    let output = recorded::whittle()?.args(words).output()?;
    ensure!(output.status.success(), "{}", told(&output));
    Ok(output)
}

fn told(output: &Output) -> String {
    format!(
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
