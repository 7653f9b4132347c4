//! A fake AWS in namespaces of its own. What it is and what it does not do is told in `tests/cloud/aws.py`; the jobs that
//! call it, and what they need, are the tests'.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{command, places, setup};

/// The role that jobs run as, with credentials from the instance metadata service.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/batch-job";

/// A running fake AWS; it ends with this value.
#[derive(Debug)]
pub struct Aws {
    server: Child,
    folder: PathBuf,
}

impl Aws {
    /// Starts it in `folder`, which takes its files. Without policies the role is an administrator and nothing is enforced;
    /// with policies it has these alone, and moto enforces them.
    ///
    /// # Errors
    /// What it takes is not installed, or it does not start.
    pub fn start(folder: &Path, policies: &[PathBuf]) -> Result<Self> {
        Self::start_with(folder, policies, None)
    }

    /// The same, with what a Python program puts into the account before.
    ///
    /// # Errors
    /// As for [`Aws::start`].
    pub fn start_with(folder: &Path, policies: &[PathBuf], stock: Option<&Path>) -> Result<Self> {
        for tool in ["unshare", "nsenter", "ip"] {
            ensure!(
                command::exists(tool),
                "the fake AWS runs in namespaces, which takes {tool}: install util-linux and iproute2"
            );
        }
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
            .env("STOCK", stock.unwrap_or(Path::new("")))
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

    /// The job's log of its calls.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.join("calls").join(name)
    }

    /// Where the certificate of its authority is.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The folder that it was started in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        // It is gone already where it failed.
        let _ended = self.server.kill().and_then(|()| self.server.wait());
    }
}

/// A file of `tests/cloud`.
#[must_use]
pub fn source(file: &str) -> PathBuf {
    places::repository().join("tests/cloud").join(file)
}
