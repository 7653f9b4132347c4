//! The AWS SDK for JavaScript that tests of cloud calls run, in the cache.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::made;
use crate::{command, places};

/// The folder that holds `node_modules`; installs what `tests/cloud/package-lock.json` pins where it is not there yet.
///
/// # Errors
/// When there is no npm, or it cannot install.
pub fn ensure() -> Result<PathBuf> {
    let cloud = places::repository().join("tests/cloud");
    let list = cloud.join("package-lock.json");
    let pinned = fs::read_to_string(&list)
        .with_context(|| format!("cannot read {}", places::shown(&list)))?;
    let folder = folder()?;
    made::ensure(&folder, &pinned, || {
        eprintln!("installing the AWS SDK for JavaScript: a few seconds");
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(cloud.join(file), folder.join(file))
                .with_context(|| format!("cannot copy {file} to {}", folder.display()))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        command::output(npm.current_dir(&folder))
            .map(drop)
            .context("the tests' npm packages cannot be installed")
    })?;
    Ok(folder)
}

/// The folder that holds `node_modules` where it is there already, as tests need it.
///
/// # Errors
/// When it is not; the sentence says what to run.
pub fn installed() -> Result<PathBuf> {
    let folder = folder()?;
    anyhow::ensure!(
        folder.join("node_modules/@aws-sdk").is_dir(),
        "the AWS SDK for JavaScript is not installed: run `cargo xtask setup`"
    );
    Ok(folder)
}

fn folder() -> Result<PathBuf> {
    Ok(places::cache("")?.join("node"))
}
