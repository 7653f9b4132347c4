//! `whittle report --grants`: used versus granted. `load` reads the files, `crate::evidence` decides, `document` is the
//! JSON form, `text` the terminal's, with `silence` for what was not used and `host` for programs.

mod document;
mod host;
mod load;
mod silence;
#[cfg(test)]
mod tests;
mod text;

use std::{collections::BTreeSet, path::PathBuf};

use clap::ValueEnum;
use whittle_schemas::{document::report::Status, table::Tables};

pub use self::load::Error as LoadError;
use super::{Style, Summary};
use crate::{
    evidence::{self, Grants, Options, Report},
    format::Format,
};

/// Files of grants, and what the user knows besides.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct GrantArgs {
    /// Hold what was used against these grants: an account's export (`aws iam get-account-authorization-details`), a policy
    /// with --principal, folders of service or resource control policies.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub grants: Vec<PathBuf>,
    /// Only this role or user, by ARN or name; whose the policy is, where a single one is given.
    #[arg(long, value_name = "ARN", requires = "grants")]
    pub principal: Option<String>,
    /// Whose an access key is, where that was not observed.
    #[arg(long, value_name = "KEY=ARN", requires = "grants", value_parser = key_and_arn)]
    pub principal_of: Vec<(String, String)>,
    /// A role or user that is also used where nobody watches: nothing of it is unused.
    #[arg(long, value_name = "PRINCIPAL", requires = "grants")]
    pub used_elsewhere: Vec<String>,
}

/// A status that `--fail-on` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Something was used.
    Used,
    /// Something was only denied.
    Attempted,
    /// Something follows from what was used.
    Implied,
    /// Something was not used.
    Unused,
    /// Of something nobody can say.
    Unknown,
    /// Something was used without a known grant.
    Ungranted,
}

impl FailOn {
    fn status(self) -> Status {
        match self {
            Self::Used => Status::Used,
            Self::Attempted => Status::Attempted,
            Self::Implied => Status::Implied,
            Self::Unused => Status::Unused,
            Self::Unknown => Status::Unknown,
            Self::Ungranted => Status::Ungranted,
        }
    }
}

/// Why there is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The principal is not in the data.
    #[error("nobody was seen acting as {asked}: {}", there(.seen))]
    NoSuchPrincipal {
        /// Who was asked for.
        asked: String,
        /// Who is in the data.
        seen: Vec<String>,
    },
}

impl GrantArgs {
    /// Reads the files; None where there are none.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(&self) -> Result<Option<Grants>, LoadError> {
        if self.grants.is_empty() {
            return Ok(None);
        }
        load::load(&self.grants, self.principal.as_deref()).map(Some)
    }

    /// Holds rows against grants.
    ///
    /// # Errors
    /// Nobody acted as the principal that is asked for.
    pub fn assess(
        &self,
        tables: &Tables,
        mut grants: Grants,
        subject: Option<&str>,
        unread: usize,
    ) -> Result<Report, Error> {
        let options = Options {
            principal: self.principal.clone(),
            subject: subject.map(str::to_owned),
            principal_of: self.principal_of.clone(),
            used_elsewhere: self.used_elsewhere.clone(),
            unread,
        };
        evidence::name_policies(tables, &mut grants, &options);
        let report = evidence::assess(tables, &grants, &options);
        let is_seen = report.principals.iter().any(|one| one.observation.observed);
        match &self.principal {
            Some(asked) if !is_seen => Err(Error::NoSuchPrincipal {
                asked: asked.clone(),
                seen: evidence::acting(tables, &grants, &options),
            }),
            _ => Ok(report),
        }
    }
}

/// The report in a form.
#[must_use]
pub fn render(report: &Report, summary: &Summary, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(report, summary, style),
        Format::Json => json(report, summary),
    }
}

/// Whether anything in the report has one of these statuses.
#[must_use]
pub fn fails(report: &Report, on: &[FailOn]) -> bool {
    let statuses: BTreeSet<_> = on.iter().map(|fail_on| fail_on.status()).collect();
    let principals = report.principals.iter().map(|one| &one.evidence);
    let mut all = principals.chain(report.subjects.iter().map(|one| &one.evidence));
    all.any(|evidence| {
        evidence
            .iter()
            .any(|entry| statuses.contains(&entry.status))
    })
}

fn json(report: &Report, summary: &Summary) -> String {
    let document = document::document(report, summary);
    let mut text =
        serde_json::to_string_pretty(&document).expect("text keys and plain values are JSON");
    text.push('\n');
    text
}

fn key_and_arn(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, arn)) if !key.is_empty() && arn.starts_with("arn:") => {
            Ok((key.to_owned(), arn.to_owned()))
        }
        _ => Err(
            "give the key's id and whose it is, such as AKIA…=arn:aws:iam::123456789012:user/NAME"
                .to_owned(),
        ),
    }
}

/// Who is in the data, in words.
fn there(seen: &[String]) -> String {
    const MOST: usize = 8;
    match seen {
        [] => "the data has no cloud calls of anybody, so record a job that makes some".to_owned(),
        seen if seen.len() > MOST => format!(
            "the data has {} and {} more",
            seen[..MOST].join(", "),
            seen.len() - MOST
        ),
        seen => format!("the data has {}", seen.join(", ")),
    }
}
