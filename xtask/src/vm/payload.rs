//! The guest's second disk: `whittle`, the test programs, the list of commands, and its init.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tempfile::NamedTempFile;

use super::{
    image,
    machine::{self, Processors},
};
use crate::{command, places};

/// What the guest's commands see of the machine they run in.
const ENVIRONMENT: &str = "export WHITTLE_VM=1 WHITTLE_BACKEND=trampoline WHITTLE_BIN=/payload/whittle \
     WHITTLE_PEERS=/payload/peers\n";

/// A folder with everything but the list of commands.
pub(crate) struct Payload {
    folder: tempfile::TempDir,
}

impl Payload {
    /// A payload with no program of ours.
    pub(crate) fn bare() -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let init = folder.path().join("init");
        fs::copy(places::repository().join("tests/vm/init.sh"), &init)
            .context("cannot copy tests/vm/init.sh")?;
        fs::set_permissions(&init, fs::Permissions::from_mode(0o755))
            .context("cannot make init executable")?;
        fs::write(folder.path().join("environment"), ENVIRONMENT)
            .context("cannot write the environment")?;
        Ok(Self { folder })
    }

    /// Builds whittle, with SQL as users have it, and the tests, and puts them into a payload.
    pub(crate) fn build() -> Result<Self> {
        let payload = Self::bare()?;
        let folder = payload.folder.path();
        fs::create_dir(folder.join("tests"))
            .context("cannot make the payload's folder of tests")?;
        let whittle = executables("build", &[])?;
        let whittle = whittle.iter().find(|built| built.name == "whittle");
        let whittle = whittle.context("cargo built no whittle to take into the guest")?;
        add(whittle, &folder.join(&whittle.name))?;
        let tests = places::repository().join("tests");
        let programs = executables("test", &["--no-run"])?;
        let programs = programs
            .iter()
            .filter(|built| built.source.starts_with(tests.join("tests")));
        let mut count = 0;
        for built in programs {
            add(built, &folder.join("tests").join(&built.name))?;
            count += 1;
        }
        ensure!(count > 0, "cargo built no tests to take into the guest");
        payload.bring_folder(&tests.join("peers"), "peers")?;
        Ok(payload)
    }

    /// Adds a folder as `name`.
    pub(crate) fn bring_folder(&self, folder: &Path, name: &str) -> Result<()> {
        let mut copy = Command::new("cp");
        copy.arg("--recursive").arg(folder);
        command::run(copy.arg(self.folder.path().join(name)))
    }

    /// Adds files as they are.
    pub(crate) fn bring(&self, files: &[PathBuf]) -> Result<()> {
        for file in files {
            let name = file
                .file_name()
                .with_context(|| format!("{} is not a file", file.display()))?;
            fs::copy(file, self.folder.path().join(name))
                .with_context(|| format!("cannot copy {}", file.display()))?;
        }
        Ok(())
    }

    /// The disk with `run_list` on it.
    pub(crate) fn disk(&self, run_list: &str) -> Result<NamedTempFile> {
        fs::write(self.folder.path().join(machine::RUN_LIST), run_list)
            .context("cannot write the list of commands")?;
        let disk = NamedTempFile::new().context("cannot make a file for the payload")?;
        image::make(self.folder.path(), disk.path(), 0)?;
        Ok(disk)
    }
}

/// The text of the list to run: `command` alone, else the lists of the repository.
pub(crate) fn run_list(command: &[String], full: bool, processors: Processors) -> Result<String> {
    const LIST: &str = "tests/vm/run.list";
    const FULL: &str = "tests/vm/full.list";
    const TWO: &str = "tests/vm/two.list";
    if !command.is_empty() {
        return Ok(format!("{}\n", command.join(" ")));
    }
    let lists = match (processors, full) {
        (Processors::Two, _) => &[TWO][..],
        (_, true) => &[LIST, FULL],
        (_, false) => &[LIST],
    };
    let texts = lists.iter().map(|list| {
        fs::read_to_string(places::repository().join(list))
            .with_context(|| format!("cannot read {list}"))
    });
    texts.collect()
}

struct Built {
    name: String,
    /// Its main source file.
    source: PathBuf,
    path: PathBuf,
}

/// What cargo says of one thing it built; other messages have no `executable`.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    src_path: PathBuf,
}

/// Builds all but the probes, as `cargo xtask test` does: of fewer packages at once cargo would build the dependencies again,
/// with fewer features.
fn executables(command: &str, arguments: &[&str]) -> Result<Vec<Built>> {
    let mut cargo = Command::new("cargo");
    cargo
        .arg(command)
        .args(["--workspace", "--exclude", "whittle-ebpf"])
        .args(arguments)
        .arg("--message-format=json-render-diagnostics")
        .current_dir(places::repository());
    let messages = command::output(&mut cargo)?;
    let mut built = Vec::new();
    for line in messages.lines() {
        let message: Message =
            serde_json::from_str(line).context("cargo printed something that is not a message")?;
        if let (Some(path), Some(target)) = (message.executable, message.target) {
            built.push(Built {
                name: target.name,
                source: target.src_path,
                path,
            });
        }
    }
    Ok(built)
}

/// Debug information stays at home: it is most of the bytes, which an emulated disk reads slowly.
fn add(built: &Built, to: &Path) -> Result<()> {
    command::run(
        Command::new("strip")
            .arg("--strip-debug")
            .arg("-o")
            .arg(to)
            .arg(&built.path),
    )
}
