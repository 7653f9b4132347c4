//! The kernels that can be booted: Debian's cloud kernels, fetched once and unpacked into the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::apt::Suite;
use crate::{command, places};

const TABLE: &str = "tests/vm/kernels.toml";

/// A row of the table of kernels.
#[derive(Clone, Deserialize)]
pub(super) struct Entry {
    /// What the command line calls it.
    pub(super) name: String,
    suite: String,
    package: String,
}

/// An unpacked kernel.
pub(super) struct Kernel {
    /// As `uname -r` says it.
    pub(super) release: String,
    /// The image that QEMU boots.
    pub(super) image: PathBuf,
    /// `lib/modules/RELEASE`, with `modules.dep`.
    pub(super) modules: PathBuf,
}

/// The row called `name`.
pub(super) fn find(name: &str) -> Result<Entry> {
    #[derive(Deserialize)]
    struct Table {
        kernel: Vec<Entry>,
    }
    let path = places::repository().join(TABLE);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {TABLE}"))?;
    let table: Table =
        toml::from_str(&text).with_context(|| format!("{TABLE} is not a table of kernels"))?;
    let names: Vec<String> = table
        .kernel
        .iter()
        .map(|entry| entry.name.clone())
        .collect();
    let found = table.kernel.into_iter().find(|entry| entry.name == name);
    found.with_context(|| format!("no kernel {name}; {TABLE} has {}", names.join(", ")))
}

/// The kernel of this row; the first time, its newest package is fetched.
pub(super) fn fetch(entry: &Entry) -> Result<Kernel> {
    let folder = places::cache("vm/kernels")?.join(&entry.name);
    if !folder.exists() {
        let suite = Suite::fetch(&entry.suite)?;
        let (package, version) = suite.newest(&entry.package)?;
        eprintln!("fetching {package} {version}");
        // Unpacked beside and renamed, so that half a kernel is not taken for one.
        let beside = folder.with_extension("incomplete");
        if beside.exists() {
            fs::remove_dir_all(&beside)
                .with_context(|| format!("cannot remove {}", beside.display()))?;
        }
        suite.unpack(&package, &beside)?;
        let release = release(&beside)?;
        command::output(Command::new("depmod").arg("-b").arg(&beside).arg(&release))?;
        fs::rename(&beside, &folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let release = release(&folder)?;
    let image = folder.join(format!("boot/vmlinuz-{release}"));
    if !image.is_file() {
        bail!(
            "{} is missing; remove {} and try again",
            image.display(),
            folder.display()
        );
    }
    Ok(Kernel {
        image,
        modules: modules_root(&folder).join(&release),
        release,
    })
}

fn release(folder: &Path) -> Result<String> {
    let modules = modules_root(folder);
    let mut entries =
        fs::read_dir(&modules).with_context(|| format!("no modules in {}", modules.display()))?;
    let first = entries
        .next()
        .with_context(|| format!("no modules in {}", modules.display()))?;
    Ok(first
        .context("cannot read the kernel's modules")?
        .file_name()
        .to_string_lossy()
        .into_owned())
}

/// Newer packages have the modules below `usr/lib` only.
fn modules_root(folder: &Path) -> PathBuf {
    ["lib/modules", "usr/lib/modules"]
        .map(|place| folder.join(place))
        .into_iter()
        .find(|path| path.is_dir())
        .unwrap_or_else(|| folder.join("lib/modules"))
}
