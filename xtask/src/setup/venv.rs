//! The Python that tests of cloud calls run: the AWS SDK and moto, a fake AWS, in a virtual environment in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::made;
use crate::{command, places};

/// The environment's `python`; installs what `tests/cloud/requirements.txt` pins where it is not there yet.
///
/// # Errors
/// When Python has no `venv`, or pip cannot install.
pub fn ensure() -> Result<PathBuf> {
    let list = places::repository().join("tests/cloud/requirements.txt");
    let pinned = fs::read_to_string(&list)
        .with_context(|| format!("cannot read {}", places::shown(&list)))?;
    let folder = folder()?;
    made::ensure(&folder, &pinned, || {
        eprintln!("installing the AWS SDK for Python and moto: half a minute");
        let mut venv = Command::new(base_python());
        command::output(venv.args(["-m", "venv"]).arg(&folder))
            .context("python3 makes no virtual environment; install the package python3-venv")?;
        let mut pip = Command::new(folder.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        command::output(pip.arg("--requirement").arg(&list))
            .map(drop)
            .context("the tests' Python packages cannot be installed")
    })?;
    Ok(python(&folder))
}

/// The environment's `python` where it is there already, as tests need it.
///
/// # Errors
/// When it is not; the sentence says what to run.
pub fn installed() -> Result<PathBuf> {
    let python = python(&folder()?);
    anyhow::ensure!(
        python.is_file(),
        "the AWS SDK for Python and moto are not installed: run `cargo xtask setup`"
    );
    Ok(python)
}

fn folder() -> Result<PathBuf> {
    Ok(places::cache("")?.join("venv"))
}

fn python(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

/// Debian's own where there is one: it loads the system's OpenSSL, and no version manager's scripts run in front of it.
fn base_python() -> &'static str {
    let packaged = "/usr/bin/python3";
    if Path::new(packaged).is_file() {
        packaged
    } else {
        "python3"
    }
}

#[cfg(test)]
mod tests {
    use crate::{generate::packages, places};

    #[test]
    fn the_sdk_that_tests_run_is_the_one_that_the_decoders_table_was_made_from() {
        let list = places::repository().join("tests/cloud/requirements.txt");
        let list = std::fs::read_to_string(list).expect("the list is in the repository");
        let expected = format!("botocore=={}", packages::BOTOCORE.version);
        assert!(
            list.lines().any(|line| line == expected),
            "{expected} is not in the list"
        );
    }
}
