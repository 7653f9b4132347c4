//! A guest's root disk: Debian's minimal base and the packages of a list, made once per list and kept in the cache. The
//! guest writes to a throw-away layer above it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use super::image;
use crate::{apt, command, places};

/// What the tests run.
pub(super) const TEST_PACKAGES: &str = "tests/vm/packages.list";
/// Room for what the tests write outside of `/tmp`.
const FREE_BYTES: u64 = 256 << 20;

/// The path of the image with the packages that a file of the repository lists; makes it if need be.
pub(crate) fn image(list_of_packages: &str) -> Result<PathBuf> {
    let list = fs::read_to_string(places::repository().join(list_of_packages))
        .with_context(|| format!("cannot read {list_of_packages}"))?;
    let packages: Vec<&str> = list
        .lines()
        .filter(|line| super::is_command(line))
        .collect();
    let release = release()?;
    let key = hex::encode(Sha256::digest(format!("{release} {}", packages.join(" "))));
    let path = places::cache("vm/root")?.join(format!("{release}-{key:.12}.ext4"));
    if path.is_file() {
        return Ok(path);
    }
    ensure!(
        rustix::process::geteuid().is_root(),
        "making the guest's root disk needs root, because debootstrap does"
    );
    eprintln!("making the guest's root disk: about two minutes");
    let staging = tempfile::tempdir_in(places::cache("vm")?)
        .context("cannot make a folder for the guest's root")?;
    let tree = staging.path().join("root");
    let mut debootstrap = Command::new("debootstrap");
    debootstrap
        .args([
            "--variant=minbase",
            &format!("--include={}", packages.join(",")),
            &release,
        ])
        .arg(&tree)
        .arg(apt::mirror()?);
    command::output(&mut debootstrap).context("debootstrap cannot make the guest's root")?;
    fs::create_dir(tree.join("payload")).context("cannot make the payload's mount point")?;
    for left_over in [
        "var/cache/apt/archives",
        "usr/share/doc",
        "usr/share/locale",
        "usr/share/man",
    ] {
        fs::remove_dir_all(tree.join(left_over))
            .with_context(|| format!("cannot remove {left_over}"))?;
    }
    fs::create_dir_all(tree.join("var/cache/apt/archives/partial"))
        .context("cannot make apt's cache folder")?;
    let beside = path.with_extension("incomplete");
    image::make(&tree, &beside, FREE_BYTES)?;
    fs::rename(&beside, &path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path)
}

/// The Debian release of this machine, such as `bookworm`.
pub(crate) fn release() -> Result<String> {
    let text = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(name
        .context("/etc/os-release has no VERSION_CODENAME; the guest is made on a Debian machine")?
        .to_owned())
}
