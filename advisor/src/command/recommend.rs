//! `whittle recommend`: reads a data root, writes the documents, says on stderr what they stand on.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::ValueEnum;
use whittle_schemas::document::{Recommendation, recommendation::Status};

use super::{json, key_and_principal, read};
use crate::{
    data,
    format::Format,
    history::{self, Who},
    recommend::{self, Attach, Options, Unmapped},
    report::{
        evidence::{GrantArgs, LoadError},
        print,
    },
};

/// Write the smallest policy that allows all that was used.
///
/// The document goes to standard output, and what it stands on, with where it allows more than was used, to standard error.
/// A recommendation is `ready`, `draft` (too little was observed) or `held` (something may be missing), with the reason.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  whittle recommend --for job.py --as aws-iam > policy.json
  whittle recommend --for arn:aws:iam::123456789012:role/etl --as aws-iam
  whittle recommend --for job.py --as aws-iam --generalise 3 --out policies/
  whittle recommend --for nginx --as security-context --out pod.yaml
  whittle recommend --for nginx --as seccomp --format json | jq .status
  whittle replay --policy policy.json --for job.py    what it would deny

An aws-iam policy is for one role, user or key. The other two are for a container: they take in whatever ran in the one \
that WHO names, or in its control group where there is none.

Exit status: 0 done, 1 failed, 2 bad usage, 3 done and --fail-on holds.")]
pub struct Args {
    /// ARN of a role or user, an access key id, a subject's id, or a unique part of its executable or script.
    #[arg(long = "for", value_name = "WHO")]
    pub who: String,
    /// Format of the documents.
    #[arg(long = "as", value_enum, value_name = "FORMAT")]
    pub form: Form,
    /// Folder that `whittle record --out` wrote.
    #[arg(long, value_name = "DIR", default_value = data::DEFAULT_ROOT)]
    pub data: PathBuf,
    /// Say whose an access key is, where that was not observed; may be given several times.
    #[arg(long, value_name = "KEY=ARN", value_parser = key_and_principal)]
    pub principal_of: Vec<(String, String)>,
    /// Hold it where these grants tell that the role was used last when or where nobody watched: an account's export (`aws iam
    /// get-account-authorization-details`).
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub grants: Vec<PathBuf>,
    /// Hold it, for this role or user is used where nobody watches too; may be given several times.
    #[arg(long, value_name = "PRINCIPAL")]
    pub used_elsewhere: Vec<String>,
    /// Write the documents there, instead of to standard output: a file, or a folder for several.
    #[arg(long, value_name = "FILE|DIR")]
    pub out: Option<PathBuf>,
    /// Let one pattern stand for more than N exact names in one folder.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub generalise: usize,
    /// Allow what was only ever denied, too.
    #[arg(long)]
    pub include_attempted: bool,
    /// Allow what AWS may do on the caller's behalf, such as using a key of KMS, although no host sees it.
    #[arg(long)]
    pub include_implied: bool,
    /// What to do with calls that are not known: allow their whole service, or leave them out.
    #[arg(long, value_enum, default_value_t = UnmappedCalls::Service)]
    pub unmapped: UnmappedCalls,
    /// How IAM policies are attached: up to ten managed ones of 6,144 characters, or one inside the role of 10,240.
    #[arg(long, value_enum, default_value_t = AttachAs::Managed)]
    pub attach: AttachAs,
    /// Exit with 3 where the recommendation is not ready, or is held.
    #[arg(long, value_enum, value_name = "STATUS")]
    pub fail_on: Option<FailOn>,
    /// Form of the answer: text for people, json for programs.
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub format: Format,
}

/// Format of the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// IAM policies for a role, a user or a key.
    AwsIam,
    /// A Kubernetes container's securityContext and volumes.
    SecurityContext,
    /// A seccomp profile for container engines and Kubernetes.
    Seccomp,
}

/// What is done with calls that are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UnmappedCalls {
    /// Allow their whole service.
    Service,
    /// Leave them out.
    LeaveOut,
}

/// How IAM policies are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AttachAs {
    /// As managed policies.
    Managed,
    /// Inside the role.
    Inline,
}

/// What is to make the exit status 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A hole in the evidence.
    Held,
    /// That, or too little evidence.
    Draft,
}

/// Why there is no recommendation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data root cannot be read.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// The grants cannot be read.
    #[error(transparent)]
    Grants(#[from] LoadError),
    /// Nobody or several have the name.
    #[error(transparent)]
    Who(#[from] history::Error),
    /// There is none for them.
    #[error(transparent)]
    Recommend(#[from] recommend::Error),
    /// Nothing can be written.
    #[error("no {form} document can be written for {asked_for}: {reasons}")]
    Nothing {
        /// The format.
        form: &'static str,
        /// Whom it was asked for.
        asked_for: String,
        /// Why.
        reasons: String,
    },
    /// One file for several documents.
    #[error("{documents} documents do not go into one file: give --out a folder, as {}/", path.display())]
    Several {
        /// How many.
        documents: usize,
        /// What was given.
        path: PathBuf,
    },
    /// A document cannot be written.
    #[error("{} cannot be written ({source}): check the folder and its permissions", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The output went away or is full.
    #[error("the recommendation cannot be written ({0}): check where its output goes")]
    Output(#[from] io::Error),
}

/// Recommends.
///
/// # Errors
/// The folder is not a data root, nobody or several have the name, or nothing can be written.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let read = read(&args.data, &args.principal_of)?;
    let who = Who::find(&args.who, &read.tables)?;
    let format = match args.form {
        Form::AwsIam => recommend::Format::AwsIam,
        Form::SecurityContext => recommend::Format::SecurityContext,
        Form::Seccomp => recommend::Format::Seccomp,
    };
    let grants = GrantArgs {
        grants: args.grants.clone(),
        ..GrantArgs::default()
    };
    let options = Options {
        include_attempted: args.include_attempted,
        include_implied: args.include_implied,
        generalise: args.generalise,
        attach: match args.attach {
            AttachAs::Managed => Attach::Managed,
            AttachAs::Inline => Attach::Inline,
        },
        unmapped: match args.unmapped {
            UnmappedCalls::Service => Unmapped::Service,
            UnmappedCalls::LeaveOut => Unmapped::LeaveOut,
        },
        unread: read.unread,
        grants: grants.load()?.unwrap_or_default(),
        used_elsewhere: args.used_elsewhere.clone(),
    };
    let recommendation = recommend::recommend(&args.who, &who, &read.tables, format, &options)?;
    if args.format == Format::Json {
        if let Some(out) = &args.out {
            write(out, &recommendation)?;
        }
        print(&json(&recommendation))?;
        return Ok(status(&recommendation, args.fail_on));
    }
    eprint!("{}", recommend::text::summary(&recommendation));
    if recommendation.documents.is_empty() {
        return Err(Error::Nothing {
            form: format.name(),
            asked_for: args.who.clone(),
            reasons: recommendation.reasons.join("; "),
        });
    }
    if let Some(out) = &args.out {
        write(out, &recommendation)?;
    } else {
        let texts = recommendation.documents.iter();
        print(
            &texts
                .map(|document| document.text.as_str())
                .collect::<String>(),
        )?;
    }
    Ok(status(&recommendation, args.fail_on))
}

fn status(recommendation: &Recommendation, fail_on: Option<FailOn>) -> ExitCode {
    let fails = match fail_on {
        None => false,
        Some(FailOn::Held) => recommendation.status == Status::Held,
        Some(FailOn::Draft) => recommendation.status != Status::Ready,
    };
    ExitCode::from(if fails { 3 } else { 0 })
}

/// One document goes to the file that was named, or into the folder; several into the folder.
fn write(out: &Path, recommendation: &Recommendation) -> Result<(), Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    let is_folder = out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/");
    if !is_folder {
        return match &recommendation.documents[..] {
            [] => Ok(()),
            [document] => fs::write(out, &document.text).map_err(failed(out)),
            documents => Err(Error::Several {
                documents: documents.len(),
                path: out.to_owned(),
            }),
        };
    }
    fs::create_dir_all(out).map_err(failed(out))?;
    for document in &recommendation.documents {
        let path = out.join(&document.name);
        fs::write(&path, &document.text).map_err(failed(&path))?;
    }
    Ok(())
}
