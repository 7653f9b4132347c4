//! The kernels that can be booted: Debian's cloud kernels, fetched once and unpacked into the cache.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::apt::Suite;
use crate::{command, places};

const TABLE: &str = "tests/vm/kernels.toml";
const MODULES: &str = "lib/modules";

/// A row of the table of kernels.
#[derive(Clone, Deserialize)]
pub(crate) struct Entry {
    /// What the command line calls it.
    pub(crate) name: String,
    suite: String,
    packages: Vec<String>,
    /// Security modules that are on beside those of all.
    #[serde(default)]
    security_modules: Vec<String>,
    /// What a further guest runs.
    #[serde(default)]
    pub(crate) also: Option<Also>,
}

/// A further guest with the kernel.
#[derive(Clone, Deserialize)]
pub(crate) struct Also {
    /// Its list, in tests/vm.
    pub(crate) list: String,
    /// Nanoseconds that an instruction takes there.
    pub(crate) instruction_ns: u32,
}

/// An unpacked kernel.
pub(crate) struct Kernel {
    /// As `uname -r` says it.
    pub(crate) release: String,
    /// The image that QEMU boots.
    pub(crate) image: PathBuf,
    /// `lib/modules/RELEASE`, with `modules.dep`.
    pub(crate) modules: PathBuf,
    /// Those that are on beside those of all.
    pub(crate) security_modules: Vec<String>,
}

/// Every row.
pub(crate) fn all() -> Result<Vec<Entry>> {
    #[derive(Deserialize)]
    struct Table {
        kernel: Vec<Entry>,
    }
    let path = places::repository().join(TABLE);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {TABLE}"))?;
    let table: Table =
        toml::from_str(&text).with_context(|| format!("{TABLE} is not a table of kernels"))?;
    Ok(table.kernel)
}

/// The row called `name`.
pub(crate) fn find(name: &str) -> Result<Entry> {
    let all = all()?;
    let names: Vec<String> = all.iter().map(|entry| entry.name.clone()).collect();
    let found = all.into_iter().find(|entry| entry.name == name);
    found.with_context(|| format!("no kernel {name}; {TABLE} has {}", names.join(", ")))
}

/// The kernel of this row; the first time, its newest packages are fetched.
pub(crate) fn fetch(entry: &Entry) -> Result<Kernel> {
    let folder = places::cache("vm/kernels")?.join(&entry.name);
    if !folder.exists() {
        let suite = Suite::fetch(&entry.suite)?;
        // Unpacked beside and renamed, so that half a kernel is not taken for one.
        let beside = folder.with_file_name(format!("{}.incomplete", entry.name));
        if beside.exists() {
            fs::remove_dir_all(&beside)
                .with_context(|| format!("cannot remove {}", beside.display()))?;
        }
        for pattern in &entry.packages {
            let (package, version) = suite.newest(pattern)?;
            eprintln!("fetching {package} {version}");
            suite.unpack(&package, &beside)?;
        }
        link_lib(&beside)?;
        let release = release(&beside)?;
        command::output(Command::new("depmod").arg("-b").arg(&beside).arg(&release))?;
        fs::rename(&beside, &folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let release = release(&folder)?;
    let modules = folder.join(MODULES).join(&release);
    // Older packages have it in `boot`, newer ones beside the modules.
    let places = [
        folder.join(format!("boot/vmlinuz-{release}")),
        modules.join("vmlinuz"),
    ];
    let image = places.into_iter().find(|place| place.is_file());
    let image = image.with_context(|| {
        format!(
            "no kernel image in {}; remove it and try again",
            folder.display()
        )
    })?;
    Ok(Kernel {
        release,
        image,
        modules,
        security_modules: entry.security_modules.clone(),
    })
}

fn release(folder: &Path) -> Result<String> {
    let modules = folder.join(MODULES);
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

/// Newer packages have everything below `usr/lib`, and count on the link that every system has.
fn link_lib(folder: &Path) -> Result<()> {
    let lib = folder.join("lib");
    if lib.exists() {
        return Ok(());
    }
    symlink("usr/lib", &lib).with_context(|| format!("cannot make the link {}", lib.display()))
}
