//! Files that appear whole or not at all: written beside as a dot-file, synced, renamed.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use super::Error;

/// Writes a file in one step as seen by readers. On failure nothing of it stays.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = beside(path);
    let result = write_and_rename(&temporary, path, bytes);
    if result.is_err() {
        // The error already says what is wrong; a temporary file that cannot go either is a dot-file,
        // which every reader passes over.
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// `dir/name` as `dir/.name.tmp`.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(
        path.file_name()
            .expect("callers name a file, never a folder"),
    );
    name.push(".tmp");
    path.with_file_name(name)
}

fn write_and_rename(temporary: &Path, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::of(path, source);
    let mut file = File::create(temporary).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(temporary, path).map_err(failed)?;
    // A rename is durable once the folder is.
    let folder = path.parent().expect("a file has a folder");
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}
