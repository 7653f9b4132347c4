//! Making ext4 images from folders, with `mke2fs -d`: nothing is mounted here.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::command;

const MEBIBYTE: u64 = 1 << 20;

/// Makes an ext4 image at `image` with the content of `folder` and `free_bytes` beside it.
pub(super) fn make(folder: &Path, image: &Path, free_bytes: u64) -> Result<()> {
    let used = command::output(
        Command::new("du")
            .args(["--summarize", "--bytes"])
            .arg(folder),
    )?;
    let used: u64 = used
        .split_whitespace()
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or_default();
    // A tenth for inodes, block rounding and the file system's own tables.
    let size = (used + used / 10 + free_bytes).div_ceil(MEBIBYTE) + 8;
    let mut mke2fs = Command::new("/sbin/mke2fs");
    mke2fs.args([
        "-q",
        "-F",
        "-t",
        "ext4",
        "-m",
        "0",
        "-E",
        "root_owner=0:0",
        "-O",
        "^has_journal",
        "-d",
    ]);
    command::output(mke2fs.arg(folder).arg(image).arg(format!("{size}M"))).map(drop)
}
