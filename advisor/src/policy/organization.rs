//! Folders of service or resource control policies. A folder holds the levels of an organization, from the root to the account, as
//! folders in the order of their names (`1-root`, `2-production`, `3-account`), each with its policies as JSON files; files that lie
//! in the folder itself are one level.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use whittle_grants::aws::{DocumentError, MAX_BYTES, Policy};

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be read.
    #[error("{} cannot be read ({error}): check that it is there", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is too long for a policy.
    #[error("{} has {bytes} bytes, and {MAX_BYTES} are the most: give a single policy document", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// A policy is malformed.
    #[error("{}: {error}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: DocumentError,
    },
    /// There is no policy at all.
    #[error("{} holds no policy: put policies into it as .json files, or in one folder per level", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

/// Reads a folder of service control policies, level by level.
///
/// # Errors
/// Something cannot be read, or is no service control policy.
pub fn service_control(folder: &Path) -> Result<Vec<Vec<Policy>>, Error> {
    levels(folder, |policy| policy.document.check_of_principal())
}

/// Reads a folder of resource control policies, level by level.
///
/// # Errors
/// Something cannot be read, or is no resource control policy.
pub fn resource_control(folder: &Path) -> Result<Vec<Vec<Policy>>, Error> {
    levels(folder, |policy| policy.document.check_of_resource())
}

type Check = fn(&Policy) -> Result<(), DocumentError>;

fn levels(folder: &Path, check: Check) -> Result<Vec<Vec<Policy>>, Error> {
    let entries = entries(folder)?;
    let mut levels = vec![policies(&entries, check)?];
    for entry in entries.iter().filter(|entry| entry.is_dir()) {
        levels.push(policies(&self::entries(entry)?, check)?);
    }
    levels.retain(|level| !level.is_empty());
    if levels.is_empty() {
        let path = folder.to_owned();
        return Err(Error::Empty { path });
    }
    Ok(levels)
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = |error| Error::Read {
        path: folder.to_owned(),
        error,
    };
    let entries = fs::read_dir(folder).map_err(read)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<io::Result<_>>().map_err(read)?;
    paths.sort();
    Ok(paths)
}

fn policies(entries: &[PathBuf], check: Check) -> Result<Vec<Policy>, Error> {
    let files = entries
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    files
        .filter(|path| path.is_file())
        .map(|path| policy(path, check))
        .collect()
}

fn policy(path: &Path, check: Check) -> Result<Policy, Error> {
    let read = |error| Error::Read {
        path: path.to_owned(),
        error,
    };
    let bytes = fs::metadata(path).map_err(read)?.len();
    // What describe-policy prints holds the document as a string, which is up to twice as long.
    if bytes > 2 * MAX_BYTES as u64 {
        let path = path.to_owned();
        return Err(Error::Size { path, bytes });
    }
    let text = fs::read_to_string(path).map_err(read)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let malformed = |error| Error::Policy {
        path: path.to_owned(),
        error,
    };
    let policy = Policy::parse_control(&name, &text).map_err(malformed)?;
    check(&policy).map_err(malformed)?;
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW: &str =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

    fn check(files: &[(&str, &str)], expected: Result<&[&[&str]], &str>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let levels = service_control(folder.path()).map(|levels| {
            let names = levels
                .iter()
                .map(|level| level.iter().map(|policy| policy.name.clone()).collect());
            names.collect::<Vec<Vec<String>>>()
        });
        let levels = levels.map_err(|error| {
            error
                .to_string()
                .replace(&folder.path().display().to_string(), "F")
        });
        let expected = expected.map(|levels| {
            let level = |level: &&[&str]| level.iter().map(|name| (*name).to_owned()).collect();
            levels.iter().map(level).collect::<Vec<Vec<String>>>()
        });
        assert_eq!(levels, expected.map_err(str::to_owned));
    }

    #[test]
    fn folders_are_levels_in_the_order_of_their_names() {
        let described = format!(
            r#"{{"Policy":{{"PolicySummary":{{"Name":"FullAWSAccess"}},"Content":{}}}}}"#,
            serde_json::to_string(ALLOW).expect("text is JSON")
        );
        check(
            &[
                ("2-unit/b.json", ALLOW),
                ("1-root/p.json", &described),
                ("2-unit/a.json", ALLOW),
                ("README.md", "-"),
            ],
            Ok(&[&["FullAWSAccess"], &["a", "b"]]),
        );
        check(&[("one.json", ALLOW)], Ok(&[&["one"]]));
    }

    #[test]
    fn a_bad_policy_is_named_by_its_file() {
        check(
            &[],
            Err(
                "F holds no policy: put policies into it as .json files, or in one folder per level",
            ),
        );
        check(
            &[(
                "x/a.json",
                r#"{"Statement":[{"Effect":"Deny","Action":"s3:*"}]}"#,
            )],
            Err(
                "F/x/a.json: statement 1, Resource: is missing: name the resources with Resource or NotResource",
            ),
        );
    }
}
