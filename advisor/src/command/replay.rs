//! `whittle replay`: reads policies and a data root, and prints what the policies would have denied.

use std::{fs, io, path::PathBuf, process::ExitCode};

use clap::ValueEnum;
use whittle_schemas::{document::Replay, table::Tables};

use super::{json, key_and_principal, read};
use crate::{
    data,
    format::Format,
    history::{self, History, Who},
    replay::{self, Policies},
    report::print,
};

/// Show what recorded accesses would have met under a proposed policy.
///
/// A policy is an IAM policy, a seccomp profile or a pod's YAML with a securityContext; several are taken together. What was
/// denied when it was tried is listed apart.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  whittle replay --policy policy.json --for job.py
  whittle replay --policy policies/policy-01.json policies/policy-02.json
  whittle replay --policy seccomp.json --policy pod.yaml --for nginx
  whittle replay --policy policy.json --fail-on denied || echo 'too small'

Without --for, the accesses of everybody in the data are replayed.

Exit status: 0 done, 1 failed, 2 bad usage, 3 done and --fail-on holds.")]
pub struct Args {
    /// A proposed policy; may be given several times.
    #[arg(long = "policy", value_name = "FILE", required = true, num_args = 1..)]
    pub policies: Vec<PathBuf>,
    /// Whose accesses: ARN of a role or user, an access key id, a subject's id, or a unique part of its executable or script.
    #[arg(long = "for", value_name = "WHO")]
    pub who: Option<String>,
    /// Folder that `whittle record --out` wrote.
    #[arg(long, value_name = "DIR", default_value = data::DEFAULT_ROOT)]
    pub data: PathBuf,
    /// Say whose an access key is, where that was not observed; may be given several times.
    #[arg(long, value_name = "KEY=ARN", value_parser = key_and_principal)]
    pub principal_of: Vec<(String, String)>,
    /// Exit with 3 where something used would have been denied, or also where that is not certain.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub fail_on: Option<FailOn>,
    /// Form of the answer: text for people, json for programs.
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub format: Format,
}

/// What is to make the exit status 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Something used would have been denied.
    Denied,
    /// That, or something depends on context or cannot be replayed.
    Uncertain,
}

/// Why there is no replay.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data root cannot be read.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// Nobody or several have the name.
    #[error(transparent)]
    Who(#[from] history::Error),
    /// A file is no policy.
    #[error(transparent)]
    Policy(#[from] Box<replay::Error>),
    /// A file cannot be read.
    #[error("{} cannot be read ({source}): check its name and permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A file is no text.
    #[error("{} is not UTF-8 text: give an IAM policy, a seccomp profile or a pod's YAML", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The output went away or is full.
    #[error("the replay cannot be written ({0}): check where its output goes")]
    Output(#[from] io::Error),
}

/// Replays.
///
/// # Errors
/// A file is no policy, the folder is not a data root, or nobody or several have the name.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let files: Result<Vec<_>, Error> = args.policies.iter().map(file).collect();
    let policies = Policies::parse(&files?)?;
    let read = read(&args.data, &args.principal_of)?;
    let who = match &args.who {
        Some(asked) => Who::find(asked, &read.tables)?,
        None => Who::Everyone,
    };
    let history = history(&who, &read.tables, &policies);
    let replay = replay::replay(args.who.as_deref(), &history, &policies);
    let text = match args.format {
        Format::Text => replay::text::render(&replay),
        Format::Json => json(&replay),
    };
    if read.unread > 0 {
        eprintln!("whittle: what could not be read was not replayed");
    }
    print(&text)?;
    Ok(status(&replay, args.fail_on, read.unread))
}

/// The cloud calls, the accesses to the host, or both: what the policies are about.
fn history(who: &Who, tables: &Tables, policies: &Policies) -> History {
    match (policies.is_for_cloud(), policies.is_for_host()) {
        (true, false) => History::of_cloud(who, tables),
        (false, true) => History::of_host(who, tables),
        _ => {
            let mut history = History::of_host(who, tables);
            history
                .accesses
                .extend(History::of_cloud(who, tables).accesses);
            history
        }
    }
}

fn file(path: &PathBuf) -> Result<(String, String), Error> {
    let bytes = fs::read(path).map_err(|source| Error::Read {
        path: path.clone(),
        source,
    })?;
    let text = String::from_utf8(bytes).map_err(|_| Error::NotText { path: path.clone() })?;
    Ok((path.display().to_string(), text))
}

fn status(replay: &Replay, fail_on: Option<FailOn>, unread: usize) -> ExitCode {
    let counts = replay.counts;
    let fails = match fail_on {
        None => false,
        Some(FailOn::Denied) => counts.denied > 0,
        Some(FailOn::Uncertain) => {
            counts.denied + counts.depends + counts.not_replayed > 0 || unread > 0
        }
    };
    ExitCode::from(if fails { 3 } else { 0 })
}
