//! Packages from Debian suites other than the machine's own, fetched without touching its package
//! state: the machine's mirror and keyring, a private state folder, unpacked and never installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, places};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// One suite of Debian, seen through a state folder of its own.
pub struct Suite {
    name: String,
    state: PathBuf,
}

impl Suite {
    /// The suite `name` (such as `bookworm-backports`) of the machine's own mirror, with a fresh package list.
    ///
    /// # Errors
    /// When the machine has no Debian source, or the mirror does not have the suite.
    pub fn fetch(name: &str) -> Result<Self> {
        Self::of_kind("deb", name, name)
    }

    /// As [`Self::fetch`], for the sources of packages.
    ///
    /// # Errors
    /// When the machine has no Debian source, or the mirror does not have the suite.
    pub fn fetch_sources(name: &str) -> Result<Self> {
        Self::of_kind("deb-src", name, &format!("{name}-sources"))
    }

    fn of_kind(kind: &str, name: &str, folder: &str) -> Result<Self> {
        let state = places::cache(&format!("apt/{folder}"))?;
        for folder in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(state.join(folder))
                .with_context(|| format!("cannot write to {}", state.display()))?;
        }
        let source = format!("{kind} [signed-by={KEYRING}] {} {name} main\n", mirror()?);
        // The packages that are installed here belong to another suite: dependencies are of no interest.
        for (file, text) in [("sources.list", source.as_str()), ("status", "")] {
            let path = state.join(file);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let suite = Self {
            name: name.to_owned(),
            state,
        };
        command::output(suite.apt_get().arg("update"))
            .with_context(|| format!("the package list of Debian {name} cannot be fetched"))?;
        Ok(suite)
    }

    /// The newest package whose name matches the regular expression `pattern`: its name and version.
    ///
    /// # Errors
    /// When the suite has no such package.
    pub fn newest(&self, pattern: &str) -> Result<(String, String)> {
        let names =
            command::output(
                self.apt("apt-cache")
                    .args(["search", "--names-only", pattern]),
            )?;
        let mut best: Option<(String, String)> = None;
        for name in names
            .lines()
            .filter_map(|line| line.split_whitespace().next())
        {
            let version = self.version(name)?;
            let newer = match &best {
                None => true,
                Some((_, than)) => Command::new("dpkg")
                    .args(["--compare-versions", &version, "gt", than])
                    .status()
                    .context("cannot start dpkg")?
                    .success(),
            };
            if newer {
                best = Some((name.to_owned(), version));
            }
        }
        best.with_context(|| format!("Debian {} has no package like {pattern}", self.name))
    }

    fn version(&self, package: &str) -> Result<String> {
        let shown =
            command::output(
                self.apt("apt-cache")
                    .args(["show", "--no-all-versions", package]),
            )?;
        let version = shown
            .lines()
            .find_map(|line| line.strip_prefix("Version: "));
        Ok(version
            .with_context(|| format!("Debian {} does not say the version of {package}", self.name))?
            .to_owned())
    }

    /// Downloads `package` and unpacks it below `folder`.
    ///
    /// # Errors
    /// When the package cannot be fetched or unpacked.
    pub fn unpack(&self, package: &str, folder: &Path) -> Result<()> {
        let download =
            tempfile::tempdir_in(&self.state).context("cannot make a folder to download into")?;
        command::output(
            self.apt_get()
                .args(["download", package])
                .current_dir(download.path()),
        )
        .with_context(|| format!("{package} of Debian {} cannot be fetched", self.name))?;
        let mut files = fs::read_dir(download.path()).context("cannot read the download folder")?;
        let Some(file) = files.next() else {
            bail!("apt-get downloaded nothing for {package}")
        };
        let file = file.context("cannot read the download folder")?.path();
        command::output(Command::new("dpkg").arg("-x").arg(&file).arg(folder)).map(drop)
    }

    /// Downloads the sources of `package` and unpacks what its authors published, without Debian's changes, into `folder`.
    ///
    /// # Errors
    /// When they cannot be fetched or unpacked.
    pub fn unpack_source(&self, package: &str, folder: &Path) -> Result<()> {
        let download =
            tempfile::tempdir_in(&self.state).context("cannot make a folder to download into")?;
        command::output(
            self.apt_get()
                .args(["source", "--download-only", package])
                .current_dir(download.path()),
        )
        .with_context(|| {
            format!(
                "the sources of {package} of Debian {} cannot be fetched",
                self.name
            )
        })?;
        let files = fs::read_dir(download.path()).context("cannot read the download folder")?;
        let is_published = |path: &PathBuf| path.to_string_lossy().contains(".orig.tar.");
        let mut paths = files.filter_map(|file| Some(file.ok()?.path()));
        let published = paths
            .find(is_published)
            .with_context(|| format!("Debian's sources of {package} are not in two parts"))?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        command::output(
            Command::new("tar")
                .args(["--extract", "--strip-components=1", "--directory"])
                .arg(folder)
                .arg("--file")
                .arg(published),
        )
        .map(drop)
    }

    fn apt_get(&self) -> Command {
        let mut command = self.apt("apt-get");
        command.args([
            "-q",
            "-o",
            "Acquire::Retries=3",
            "-o",
            "APT::Sandbox::User=root",
        ]);
        command
    }

    fn apt(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let state = self.state.display();
        for option in [
            format!("Dir::Etc::SourceList={state}/sources.list"),
            "Dir::Etc::SourceParts=-".to_owned(),
            format!("Dir::State={state}"),
            format!("Dir::State::Lists={state}/lists"),
            format!("Dir::State::Status={state}/status"),
            format!("Dir::Cache={state}/cache"),
        ] {
            command.args(["-o", &option]);
        }
        command
    }
}

/// The Debian mirror in the machine's own configuration.
///
/// # Errors
/// When apt knows none.
pub fn mirror() -> Result<String> {
    let format = "$(ORIGIN)|$(LABEL)|$(REPO_URI)";
    let targets =
        command::output(Command::new("apt-get").args(["indextargets", "--format", format]))
            .context("apt's sources cannot be read; this step needs a Debian machine")?;
    let known = targets
        .lines()
        .find_map(|line| line.strip_prefix("Debian|Debian|"));
    Ok(known
        .context("apt has no list of a Debian mirror here; run `apt-get update` first")?
        .to_owned())
}
