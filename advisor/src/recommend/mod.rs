//! The smaller permission, from what was used: one folder or file per format of it. `status` says whether it may be put to
//! use, `text` how it is shown. Pure: reading tables and writing files is `command`. How it is judged is `replay`.

mod aws_iam;
mod seccomp;
pub(crate) mod security_context;
mod status;
#[cfg(test)]
pub(crate) mod tests;
pub mod text;

use std::collections::BTreeSet;

use whittle_schemas::{
    document::{
        Recommendation,
        recommendation::{LeftOut, Observation, Part, Proposed, ReplayCounts},
    },
    table::Tables,
};

pub use self::aws_iam::{Attach, Unmapped};
use crate::{
    evidence::{self, Grants, watch::Sight},
    history::{Growth, History, Who, WindowId, holes, is_principal},
    replay::{self, Policies},
    report::time::rfc3339,
};

/// Format of a recommendation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// IAM policies in JSON.
    AwsIam,
    /// What a Kubernetes container may do, in YAML.
    SecurityContext,
    /// The system calls that a container may make, in the JSON that container engines read.
    Seccomp,
}

impl Format {
    /// As written on the command line and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AwsIam => "aws-iam",
            Self::SecurityContext => "security-context",
            Self::Seccomp => "seccomp",
        }
    }
}

/// Choices of whoever asks.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether what was only ever denied is allowed too.
    pub include_attempted: bool,
    /// Whether what AWS may do on the caller's behalf is allowed, although it was not seen.
    pub include_implied: bool,
    /// More exact names than this in one folder become one pattern.
    pub generalise: usize,
    /// How IAM policies are attached.
    pub attach: Attach,
    /// What is done with calls that ask for nothing that is known.
    pub unmapped: Unmapped,
    /// Files and windows of the data that could not be read.
    pub unread: usize,
    /// Grants that tell when and where a role was used last.
    pub grants: Grants,
    /// Principals, by ARN or name, that are used where nobody watches.
    pub used_elsewhere: Vec<String>,
}

/// Why there is no recommendation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A subject acted as several identities, each of which has a policy of its own.
    #[error(
        "{asked} acted as {} identities: recommend for each by itself, with --for {}", principals.len(), principals.join(" or --for ")
    )]
    Principals {
        /// What was asked for.
        asked: String,
        /// These.
        principals: Vec<String>,
    },
}

/// What a format makes of a history.
struct Draft {
    documents: Vec<Proposed>,
    parts: Vec<Part>,
    left_out: Vec<LeftOut>,
    /// Why the documents are not whole.
    holds: Vec<String>,
    /// For each thing in them, the windows that used it.
    needs: Vec<BTreeSet<WindowId>>,
    /// What has to have been watched.
    sights: &'static [Sight],
}

/// The smallest documents that allow all that `who` used. `asked` is what they are called by.
///
/// # Errors
/// They acted as several identities.
pub fn recommend(
    asked: &str,
    who: &Who,
    tables: &Tables,
    format: Format,
    options: &Options,
) -> Result<Recommendation, Error> {
    let history = match format {
        Format::AwsIam => History::of_cloud(who, tables),
        Format::SecurityContext | Format::Seccomp => History::of_host(who, tables),
    };
    let principals = principals(&history);
    if format == Format::AwsIam && principals.len() > 1 {
        return Err(Error::Principals {
            asked: asked.to_owned(),
            principals: principals.into_iter().collect(),
        });
    }
    let draft = match format {
        Format::AwsIam => aws_iam::draft(&history, options),
        Format::SecurityContext => security_context::draft(&history, options),
        Format::Seccomp => seccomp::draft(&history),
    };
    let (counts, unreplayed) = match replayed(&history, &draft) {
        Ok(counts) => (counts, None),
        Err(error) => (ReplayCounts::default(), Some(error)),
    };
    let growth = Growth::of(&history, draft.needs.iter());
    let mut found = holes(&history, tables, draft.sights, options.unread);
    found.extend(draft.holds);
    found.extend(unreplayed);
    if format == Format::AwsIam {
        found.extend(status::identity(&history, tables, principals.first()));
        found.extend(elsewhere(tables, principals.first(), options));
    }
    let (status, reasons) = status::status(found, &growth, counts);
    let used: Vec<_> = history
        .accesses
        .iter()
        .filter(|access| access.is_use())
        .collect();
    Ok(Recommendation {
        format: format.name().to_owned(),
        asked_for: asked.to_owned(),
        principal: principals
            .into_iter()
            .next()
            .filter(|principal| is_principal(principal)),
        subjects: history.subject_ids().into_iter().collect(),
        status,
        reasons,
        observation: Observation {
            from: used.iter().map(|access| access.first_us).min().map(rfc3339),
            to: used.iter().map(|access| access.last_us).max().map(rfc3339),
            runs: growth.runs as u64,
            windows: growth.windows as u64,
            quiet_windows: growth.quiet_windows as u64,
            accesses: used.iter().map(|access| access.count).sum(),
        },
        documents: draft.documents,
        parts: draft.parts,
        left_out: draft.left_out,
        replay: counts,
    })
}

fn elsewhere(tables: &Tables, principal: Option<&String>, options: &Options) -> Option<String> {
    let asked = evidence::Options {
        used_elsewhere: options.used_elsewhere.clone(),
        ..evidence::Options::default()
    };
    evidence::used_elsewhere(principal?, tables, &options.grants, &asked)
}

/// The same history against the documents: what is recommended is shown to deny nothing that was used.
fn replayed(history: &History, draft: &Draft) -> Result<ReplayCounts, String> {
    let texts: Vec<_> = draft
        .documents
        .iter()
        .map(|document| (document.name.clone(), document.text.clone()))
        .collect();
    let policies = Policies::parse(&texts)
        .map_err(|error| format!("the documents cannot be replayed, for {error}"))?;
    Ok(replay::counts(history, &policies))
}

fn principals(history: &History) -> BTreeSet<String> {
    let principals = history.accesses.iter().filter(|access| access.is_use());
    principals
        .filter_map(|access| access.principal.clone())
        .collect()
}
