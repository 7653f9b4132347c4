//! `cargo xtask demo`: the whole arc on a small job. The job calls a fake AWS as an administrator while whittle watches; then
//! it runs again with nothing but the policy that whittle wrote. `job.py` is the job, `stock.py` what it finds in the account.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::cloud::{self, Aws, ROLE};
use crate::{command, places, setup};

/// Builds, records, recommends, proves, and says what to try next.
///
/// # Errors
/// When a tool or root is missing, or a step does not end as it should.
pub fn run() -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "recording loads probes into the kernel, which needs root; try `sudo env PATH=$PATH cargo xtask demo`"
    );
    let python = setup::venv::installed().context(
        "the demo's job calls a fake AWS; `cargo xtask setup --only-sdk` installs both into the cache in half a minute",
    )?;
    let demo = Demo {
        whittle: build()?,
        python,
        folder: folder()?,
    };
    let account = demo.record()?;
    demo.report(&account)?;
    let policy = demo.recommend()?;
    demo.prove(&policy)?;
    demo.print_next_steps(&policy);
    Ok(())
}

struct Demo {
    whittle: PathBuf,
    python: PathBuf,
    folder: PathBuf,
}

impl Demo {
    /// Runs the job as an administrator, under whittle; gives what the role is granted.
    fn record(&self) -> Result<PathBuf> {
        let aws = Aws::start_with(&self.folder, &[], Some(&source("stock.py")))?;
        told(
            "A nightly job runs with AdministratorAccess, and whittle watches it from the kernel:",
        );
        let mut record = self.whittle("record");
        record.arg("--out").arg(self.data());
        record.args(["--format", "none", "--"]);
        record.arg(&self.python).arg(source("job.py"));
        self.run(&aws, &mut record, "recorded")?;
        Ok(aws.account())
    }

    fn report(&self, account: &Path) -> Result<()> {
        told("Before: what the role may do, and what of it was used.");
        let mut report = self.whittle("report");
        report.arg("--data").arg(self.data());
        command::run(
            report
                .args(["--subject", "job.py", "--grants"])
                .arg(account),
        )
    }

    fn recommend(&self) -> Result<PathBuf> {
        told("After: the policy that whittle writes from that.");
        let policy = self.folder.join("policy.json");
        let mut recommend = self.whittle("recommend");
        recommend.arg("--data").arg(self.data());
        recommend.args(["--for", ROLE, "--as", "aws-iam", "--out"]);
        command::run(recommend.arg(&policy))?;
        let text = fs::read_to_string(&policy)
            .with_context(|| format!("cannot read {}", policy.display()))?;
        println!("{text}");
        Ok(policy)
    }

    /// Nothing that was used would have been denied: by replay, and by running the job again where the policy is enforced.
    fn prove(&self, policy: &Path) -> Result<()> {
        told("The proof: everything recorded is tried against the policy,");
        let mut replay = self.whittle("replay");
        replay.arg("--data").arg(self.data());
        replay.args(["--for", ROLE, "--fail-on", "denied", "--policy"]);
        command::run(replay.arg(policy))?;
        told("and the same job runs with that policy alone, which the fake AWS enforces:");
        let policies = [policy.to_path_buf()];
        let aws = Aws::start_with(&self.folder, &policies, Some(&source("stock.py")))?;
        let mut again = Command::new(&self.python);
        self.run(&aws, again.arg(source("job.py")), "again")?;
        told("Somebody with the job's credentials who tries to delete the orders:");
        let mut further = Command::new(&self.python);
        further.arg(source("job.py")).arg("--further");
        Self::prepare(&aws, &mut further, "further");
        let output = aws.inside(&self.folder, &further).output()?;
        let messages = String::from_utf8_lossy(&output.stderr);
        let last = messages.lines().last().unwrap_or_default();
        if output.status.success() || !last.contains("AccessDenied") {
            bail!("that was not denied: {messages}");
        }
        println!("{last}");
        Ok(())
    }

    fn run(&self, aws: &Aws, command: &mut Command, log: &str) -> Result<()> {
        Self::prepare(aws, command, log);
        command::run(&mut aws.inside(&self.folder, command))
            .with_context(|| format!("the fake AWS says: {}", aws.complaints()))
    }

    fn prepare(aws: &Aws, command: &mut Command, log: &str) {
        command
            .env("CALLS", aws.log(log))
            .env("AWS_CA_BUNDLE", aws.authority())
            .env("PYTHONPATH", cloud::source(""))
            .env("PYTHONDONTWRITEBYTECODE", "1");
    }

    fn whittle(&self, subcommand: &str) -> Command {
        let mut whittle = Command::new(&self.whittle);
        // Cargo points it at its own folders, which the job would then search too.
        whittle.arg(subcommand).env_remove("LD_LIBRARY_PATH");
        whittle
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn print_next_steps(&self, policy: &Path) {
        let (whittle, data) = (places::shown(&self.whittle), self.data());
        let (data, policy) = (data.display(), policy.display());
        told("Try next, as root:");
        println!("  {whittle} report --all --data {data}     what else the job touched");
        println!("  {whittle} replay --policy {policy} --data {data}");
        println!("  {whittle} record -- YOUR COMMAND");
        println!("  {whittle} doctor");
    }
}

fn told(sentence: &str) {
    println!("\n== {sentence}\n");
}

fn source(file: &str) -> PathBuf {
    places::repository().join("xtask/src/demo").join(file)
}

/// `whittle` without SQL, whose engine takes longer to build than a newcomer wants to wait.
fn build() -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--package", "whittle", "--bin", "whittle"]);
    cargo.arg("--no-default-features");
    command::run(cargo.current_dir(places::repository()))?;
    // This program lies where the same build puts `whittle`.
    let this = std::env::current_exe().context("cannot find this program")?;
    let whittle = this.with_file_name("whittle");
    ensure!(whittle.is_file(), "cargo left no {}", whittle.display());
    Ok(whittle)
}

/// A fresh folder. It is left, because the recorded data in it can be queried.
fn folder() -> Result<PathBuf> {
    let folder = tempfile::Builder::new().prefix("whittle-demo-").tempdir();
    Ok(folder.context("cannot make a temporary folder")?.keep())
}
