//! A fake AWS in namespaces of its own, and the jobs that call it. What it is and what it does not do is told in
//! `cloud/aws.py`; what the jobs call in `cloud/job.py` and `cloud/job.mjs`.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xtask::{places, setup};

use crate::workload;

/// The role that jobs run as, with credentials from the instance metadata service.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/batch-job";

/// The account that everything is in.
pub const ACCOUNT: &str = "123456789012";

/// A running fake AWS; it ends with this value.
#[derive(Debug)]
pub struct Aws {
    server: Child,
    folder: PathBuf,
}

/// A program that calls AWS with one of its SDKs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// boto3, on Debian's Python, which loads OpenSSL.
    Python,
    /// The SDK for JavaScript, on Node, which has OpenSSL inside.
    Node,
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

impl Aws {
    /// Starts it in `folder`, which takes its files. Without policies the role is an administrator and nothing is enforced;
    /// with policies it has these alone, and moto enforces them.
    ///
    /// # Errors
    /// What it takes is not installed, or it does not start.
    pub fn start(folder: &Path, policies: &[PathBuf]) -> Result<Self> {
        workload::needs(&["unshare", "nsenter", "ip"])?;
        let folder = fs::canonicalize(folder)?;
        fs::create_dir_all(folder.join("calls"))?;
        let python = setup::venv::installed()?;
        let errors = fs::File::create(folder.join("aws.err"))?;
        let mut server = Command::new("unshare")
            .args(["--net", "--mount"])
            .arg(source("namespace.sh"))
            .arg(python)
            .arg(source("aws.py"))
            .arg(&folder)
            .args(policies)
            .env("CALLS_FOLDER", folder.join("calls"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .context("cannot start the fake AWS")?;
        let output = server.stdout.take().context("its output is a pipe")?;
        let aws = Self { server, folder };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        ensure!(
            line == "ready\n",
            "the fake AWS does not start: {}",
            aws.complaints()
        );
        Ok(aws)
    }

    /// What it printed to its standard error.
    #[must_use]
    pub fn complaints(&self) -> String {
        fs::read_to_string(self.folder.join("aws.err")).unwrap_or_default()
    }

    /// What `aws iam get-account-authorization-details` says of it.
    #[must_use]
    pub fn account(&self) -> PathBuf {
        self.folder.join("account.json")
    }

    /// `command` moved into its namespaces, in this folder, with nothing of the caller's environment but `PATH`.
    #[must_use]
    pub fn inside(&self, folder: &Path, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside
            .arg(format!("--target={}", self.server.id()))
            .args(["--net", "--mount"])
            .arg(format!("--wdns={}", folder.display()))
            .arg("--")
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                inside.env(name, value);
            }
        }
        for name in ["PATH", "HOME"] {
            if let Some(value) = std::env::var_os(name) {
                inside.env(name, value);
            }
        }
        inside
    }

    /// Sets the job's environment: where it logs its calls, whom it trusts, where its SDK is.
    ///
    /// # Errors
    /// The SDK is not installed.
    pub fn prepare(&self, job: Job, log: &str, command: &mut Command) -> Result<()> {
        let authority = self.folder.join("ca.pem");
        command
            .env("CALLS", self.log(log))
            .env("AWS_CA_BUNDLE", &authority)
            .env("SSL_CERT_FILE", &authority)
            .env("NODE_EXTRA_CA_CERTS", &authority)
            .env("NODE_FOLDER", setup::node::installed()?)
            .env("NODE_NO_WARNINGS", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        if job == Job::Node {
            workload::needs(&["node"])?;
        }
        Ok(())
    }

    /// Runs the job alone, without whittle.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn run(&self, job: Job, log: &str, further: bool) -> Result<Output> {
        let words = job.command(further)?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        self.prepare(job, log, &mut command)?;
        Ok(self.inside(&self.folder, &command).output()?)
    }

    /// Whether a job did all that it does.
    ///
    /// # Errors
    /// It did not; what it and the fake AWS said is in the message.
    pub fn check(&self, output: &Output) -> Result<()> {
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success() && said.contains("done\n"),
            "the job failed, {}: {said}\n{}\nthe fake AWS says: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr),
            self.complaints()
        );
        Ok(())
    }

    /// The job's log of its calls.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.join("calls").join(name)
    }

    /// How many calls a log has.
    ///
    /// # Errors
    /// There is no such log.
    pub fn calls(&self, log: &str) -> Result<usize> {
        Ok(fs::read_to_string(self.log(log))?.lines().count())
    }

    /// The numbers of the logged calls that moto asked the policies about.
    ///
    /// # Errors
    /// It asked about none.
    pub fn enforced(&self, log: &str) -> Result<BTreeSet<usize>> {
        let file = self.log(&format!("{log}.enforced"));
        let text = fs::read_to_string(&file).context("moto enforced nothing")?;
        text.lines().map(|line| Ok(line.parse()?)).collect()
    }

    /// What the calls of a log need.
    ///
    /// # Errors
    /// A call is not in the table.
    pub fn needed(&self, log: &str) -> Result<BTreeSet<Permission>> {
        let output = Command::new(setup::venv::installed()?)
            .arg(source("expected.py"))
            .arg(self.log(log))
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
}

impl Drop for Aws {
    fn drop(&mut self) {
        // It is gone already where it failed.
        let _ended = self.server.kill().and_then(|()| self.server.wait());
    }
}

impl Job {
    /// Its command line; the further call is one that the recorded job did not make.
    ///
    /// # Errors
    /// The SDK is not installed.
    pub fn command(self, further: bool) -> Result<Vec<OsString>> {
        let mut words = match self {
            Job::Python => vec![setup::venv::installed()?.into(), source("job.py").into()],
            Job::Node => vec!["node".into(), source("job.mjs").into()],
        };
        words.extend(further.then(|| "--further".into()));
        Ok(words)
    }
}

fn source(file: &str) -> PathBuf {
    places::repository().join("tests/cloud").join(file)
}
