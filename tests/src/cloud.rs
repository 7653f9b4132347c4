//! The jobs that call the fake AWS (`xtask::cloud`), what they called, and what that needs. What they call is in
//! `cloud/job.py` and `cloud/job.mjs`.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    process::{Command, Output},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
pub use xtask::cloud::{Aws, ROLE};
use xtask::{cloud::source, setup};

use crate::workload;

/// A program that calls AWS with one of its SDKs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// boto3, on Debian's Python, which loads OpenSSL.
    Python,
    /// The SDK for JavaScript, on Node, which has OpenSSL inside.
    Node,
    /// boto3, with secrets wherever they can be.
    Secrets,
    /// Requests that no SDK sends.
    Hostile,
}

/// What a call needs, by the hand-written table of `cloud/expected.py`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// The role that called.
    pub role: String,
    /// The IAM action.
    pub action: String,
    /// The ARN, or `*`.
    pub resource: String,
}

impl Job {
    /// Its command line; the further call is one that the recorded job did not make.
    ///
    /// # Errors
    /// The SDK is not installed.
    pub fn command(self, further: bool) -> Result<Vec<OsString>> {
        let python = |file: &str| -> Result<Vec<OsString>> {
            Ok(vec![setup::venv::installed()?.into(), source(file).into()])
        };
        let mut words = match self {
            Self::Python => python("job.py")?,
            Self::Secrets => python("planted.py")?,
            Self::Hostile => python("hostile.py")?,
            Self::Node => vec!["node".into(), source("job.mjs").into()],
        };
        words.extend(further.then(|| "--further".into()));
        Ok(words)
    }

    /// Sets the job's environment: where it logs its calls, whom it trusts, where its SDK is.
    ///
    /// # Errors
    /// The SDK is not installed.
    pub fn prepare(self, aws: &Aws, log: &str, command: &mut Command) -> Result<()> {
        command
            .env("CALLS", aws.log(log))
            .env("AWS_CA_BUNDLE", aws.authority())
            .env("SSL_CERT_FILE", aws.authority())
            .env("PYTHONDONTWRITEBYTECODE", "1");
        if self == Self::Node {
            workload::needs(&["node"])?;
            command
                .env("NODE_EXTRA_CA_CERTS", aws.authority())
                .env("NODE_FOLDER", setup::node::installed()?)
                .env("NODE_NO_WARNINGS", "1");
        }
        Ok(())
    }

    /// Runs the job alone, without whittle.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn run(self, aws: &Aws, log: &str, further: bool) -> Result<Output> {
        let words = self.command(further)?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        self.prepare(aws, log, &mut command)?;
        Ok(aws.inside(aws.folder(), &command).output()?)
    }
}

/// Whether a job did all that it does.
///
/// # Errors
/// It did not; what it and the fake AWS said is in the message.
pub fn check(aws: &Aws, output: &Output) -> Result<()> {
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success() && said.contains("done\n"),
        "the job failed, {}: {said}\n{}\nthe fake AWS says: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
        aws.complaints()
    );
    Ok(())
}

/// How many calls a log has.
///
/// # Errors
/// There is no such log.
pub fn calls(aws: &Aws, log: &str) -> Result<usize> {
    Ok(fs::read_to_string(aws.log(log))?.lines().count())
}

/// The numbers of the logged calls that moto asked the policies about.
///
/// # Errors
/// It asked about none.
pub fn enforced(aws: &Aws, log: &str) -> Result<BTreeSet<usize>> {
    let file = aws.log(&format!("{log}.enforced"));
    let text = fs::read_to_string(&file).context("moto enforced nothing")?;
    text.lines().map(|line| Ok(line.parse()?)).collect()
}

/// What the calls of a log need.
///
/// # Errors
/// A call is not in the table.
pub fn needed(aws: &Aws, log: &str) -> Result<BTreeSet<Permission>> {
    let output = Command::new(setup::venv::installed()?)
        .arg(source("expected.py"))
        .arg(aws.log(log))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "a call is not expected.py's: {errors}"
    );
    let text = |line: &Value, name: &str| line[name].as_str().map(str::to_owned);
    let lines = String::from_utf8(output.stdout)?;
    lines
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line)?;
            Ok(Permission {
                role: text(&line, "role").context("a role is text")?,
                action: text(&line, "action").context("an action is text")?,
                resource: text(&line, "resource").context("an ARN is text")?,
            })
        })
        .collect()
}
