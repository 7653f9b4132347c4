//! Grants from files: an account's export, single policies of one principal, folders of service and resource control policies.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use serde::{Deserialize, de::IgnoredAny};
use whittle_grants::aws::{
    Account, AccountError, Document, DocumentError, MAX_EXPORT_BYTES, Policy,
};

use crate::{
    evidence::{Grants, LastUsed},
    policy::organization,
};

/// Why files give no grants.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("{} cannot be read ({error}): check that it is there", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is longer than any export.
    #[error("{} has {bytes} bytes, and {MAX_EXPORT_BYTES} are the most: give an account's export or a policy document", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// A file has nothing in it.
    #[error("{} is empty: give the output of `aws iam get-account-authorization-details`, or a policy document", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// An export is malformed, or is something else.
    #[error("{}{} {error}", path.display(), if matches!(error, AccountError::Export { .. }) { "" } else { ":" })]
    Account {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: AccountError,
    },
    /// A policy is malformed.
    #[error("{}: {error}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: DocumentError,
    },
    /// A folder of control policies is malformed.
    #[error(transparent)]
    Folder(#[from] organization::Error),
    /// A single policy does not say whose it is.
    #[error("{} is one policy and does not say whose: name the role or user with --principal ARN", path.display())]
    Whose {
        /// The file.
        path: PathBuf,
    },
    /// Control policies alone allow nothing.
    #[error(
        "only service or resource control policies were given, which limit and grant nothing: add an account's export or a policy"
    )]
    OnlyLimits,
}

/// Reads all files. `principal` is whose the single policies are.
pub(super) fn load(paths: &[PathBuf], principal: Option<&str>) -> Result<Grants, Error> {
    let mut grants = Grants::default();
    let (mut scp, mut rcp) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            control(path, &mut scp, &mut rcp)?;
        } else {
            file(path, principal, &mut grants)?;
        }
    }
    if grants.holders.is_empty() && !(scp.is_empty() && rcp.is_empty()) {
        return Err(Error::OnlyLimits);
    }
    grants.limit(&scp, &rcp);
    Ok(grants)
}

/// Resource control policies name a principal, and service control policies must not: that tells them apart.
fn control(
    path: &Path,
    scp: &mut Vec<Vec<Policy>>,
    rcp: &mut Vec<Vec<Policy>>,
) -> Result<(), Error> {
    match organization::service_control(path) {
        Ok(levels) => scp.extend(levels),
        Err(error @ organization::Error::Policy { .. }) => {
            rcp.extend(organization::resource_control(path).map_err(|_| error)?);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn file(path: &Path, principal: Option<&str>, grants: &mut Grants) -> Result<(), Error> {
    let read = |error| Error::Read {
        path: path.to_owned(),
        error,
    };
    let path = || path.to_owned();
    let bytes = fs::metadata(path()).map_err(read)?.len();
    if bytes > MAX_EXPORT_BYTES as u64 {
        return Err(Error::Size {
            path: path(),
            bytes,
        });
    }
    let text = fs::read_to_string(path()).map_err(read)?;
    if text.trim().is_empty() {
        return Err(Error::Empty { path: path() });
    }
    if ["RoleDetailList", "UserDetailList", "GroupDetailList"]
        .iter()
        .any(|list| text.contains(list))
    {
        let account = Account::parse(&text);
        let account = account.map_err(|error| Error::Account {
            path: path(),
            error,
        })?;
        grants.add_account(&account);
        for role in last_used(&text) {
            grants.used_last(&role.0, role.1);
        }
        return Ok(());
    }
    let document = match Document::parse(&text) {
        Ok(document) => document,
        Err(error) => return Err(refused(path(), &text, error)),
    };
    let Some(principal) = principal else {
        return Err(Error::Whose { path: path() });
    };
    let path = path();
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    grants.add_document(principal, &name, document);
    Ok(())
}

/// Why a file that is no policy cannot be used: it is a malformed one, or something else.
fn refused(path: PathBuf, text: &str, error: DocumentError) -> Error {
    let members = serde_json::from_str::<Members>(text);
    match (members, Account::parse(text)) {
        (Ok(Members { statement: None }), Err(error)) => Error::Account { path, error },
        _ => Error::Policy { path, error },
    }
}

/// The member that every policy has.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members {
    statement: Option<IgnoredAny>,
}

/// What of an export says when roles were used last.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Export {
    #[serde(default)]
    role_detail_list: Vec<Role>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    arn: String,
    role_last_used: Option<RoleLastUsed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleLastUsed {
    last_used_date: Option<String>,
    region: Option<String>,
}

/// Roles and their last uses. A date that cannot be read is one that nobody watched at.
fn last_used(text: &str) -> Vec<(String, LastUsed)> {
    let Ok(export) = serde_json::from_str::<Export>(text) else {
        return Vec::new();
    };
    let of_role = |role: Role| {
        let last = role.role_last_used?;
        let date = last.last_used_date?;
        let at_us = string_to_timestamp_nanos(&date).map_or(i64::MIN, |at_ns| at_ns / 1000);
        let region = last.region;
        Some((role.arn, LastUsed { at_us, region }))
    };
    export
        .role_detail_list
        .into_iter()
        .filter_map(of_role)
        .collect()
}
