//! Which files a table has.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::Error;

/// The Parquet files of a table, in the order of their paths; none where the table was never written.
/// Names that start with a dot are files being written.
///
/// # Errors
/// A folder cannot be listed.
pub fn files(root: &Path, table: &str) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut folders = vec![root.join(table)];
    while let Some(folder) = folders.pop() {
        let failed = |source| Error::List {
            path: folder.clone(),
            source,
        };
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if entry.file_name().as_bytes().starts_with(b".") {
                continue;
            }
            // Links to folders are not followed: they could lead in a circle.
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(path);
            } else if path.extension() == Some(OsStr::new("parquet")) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
