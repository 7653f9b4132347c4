//! The data root: the folder that holds the tables. It is marked by a `whittle.json`, so that neither
//! writer nor reader mistakes another folder for it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use arrow::temporal_conversions::timestamp_us_to_datetime;

use super::{Error, Place, atomic};

/// Name of the marker.
const MARKER: &str = "whittle.json";
/// Content of the marker: the format's name and version.
const MARKER_TEXT: &str = "{\"format\":\"whittle\",\"version\":1}\n";
/// Folder of the spools. A dot-folder, so that no reader of the tables looks into it.
const SPOOL: &str = ".spool";

/// Makes the folder a data root, or finds that it is one.
///
/// # Errors
/// It is no folder, belongs to something else, or cannot be written.
pub fn prepare(root: &Path) -> Result<(), Error> {
    match check(root) {
        Err(Error::Missing { .. }) => create_folder(root)?,
        Err(Error::Foreign { .. }) if is_empty(root)? => {}
        decided => return decided,
    }
    atomic::write(&root.join(MARKER), MARKER_TEXT.as_bytes())
}

/// What was there before [`prepare`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or an empty folder.
    Nothing {
        /// Whether there was a folder.
        is_folder: bool,
    },
    /// A data root, or what cannot be one.
    Something,
}

/// What is there.
#[must_use]
pub fn found(root: &Path) -> Found {
    match check(root) {
        Err(Error::Missing { .. }) => Found::Nothing { is_folder: false },
        Err(Error::Foreign { .. }) if matches!(is_empty(root), Ok(true)) => {
            Found::Nothing { is_folder: true }
        }
        _ => Found::Something,
    }
}

/// Takes back what [`prepare`] made of a folder in which nothing was recorded. What cannot be removed stays.
pub fn abandon(root: &Path, found: Found) {
    let Found::Nothing { is_folder } = found else {
        return;
    };
    // None of these removes what holds anything. The caller has an error that says more than what is left behind.
    let _ = fs::remove_dir(spool_folder(root));
    let is_bare = fs::read_dir(root).is_ok_and(|entries| entries.count() == 1);
    if is_bare && fs::remove_file(root.join(MARKER)).is_ok() && !is_folder {
        let _ = fs::remove_dir(root);
    }
}

/// Whether the folder is a data root that this version can read.
///
/// # Errors
/// It is missing, no folder, not whittle's, or in a format of another version.
pub fn check(root: &Path) -> Result<(), Error> {
    let path = || root.to_owned();
    match fs::metadata(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Missing { path: path() });
        }
        Err(error) => return Err(Error::of(root, error)),
        Ok(metadata) if !metadata.is_dir() => return Err(Error::NotAFolder { path: path() }),
        Ok(_) => {}
    }
    let marker = root.join(MARKER);
    match fs::read(&marker) {
        Ok(text) if text == MARKER_TEXT.as_bytes() => Ok(()),
        Ok(text) if text.starts_with(b"{\"format\":\"whittle\"") => {
            Err(Error::Version { path: marker })
        }
        Ok(_) => Err(Error::Foreign { path: path() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::Foreign { path: path() })
        }
        Err(error) => Err(Error::of(&marker, error)),
    }
}

/// Makes a folder and those above it.
pub(super) fn create_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::NotAFolder {
            path: folder.to_owned(),
        },
        _ => Error::of(folder, error),
    })
}

/// Folder of the spools of a data root.
pub(super) fn spool_folder(root: &Path) -> PathBuf {
    root.join(SPOOL)
}

/// Folder of a table's files for windows that start at this time.
pub(super) fn partition(root: &Path, table: &str, place: &Place, start_us: i64) -> PathBuf {
    let date = timestamp_us_to_datetime(start_us)
        .map_or_else(|| "unknown".to_owned(), |time| time.date().to_string());
    root.join(table)
        .join(format!("cluster={}", encode(&place.cluster)))
        .join(format!("date={date}"))
        .join(format!("node={}", encode(&place.node)))
}

/// The value as part of a path: anything but `[A-Za-z0-9._-]` becomes `%XX`, as Hive and Spark have it.
fn encode(value: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(encode).collect()
}

fn is_empty(root: &Path) -> Result<bool, Error> {
    let mut entries = fs::read_dir(root).map_err(|error| Error::of(root, error))?;
    Ok(entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_or_an_empty_folder_becomes_a_data_root() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for root in [folder.path().join("a/b/new"), folder.path().join("a/b/new")] {
            prepare(&root).expect("a new folder is prepared, and a prepared one is left");
            check(&root).expect("it is a data root");
        }
        let empty = tempfile::tempdir().expect("a temporary folder");
        prepare(empty.path()).expect("an empty folder is prepared");
    }

    #[test]
    fn a_folder_of_something_else_is_neither_written_nor_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("thesis.tex"), "x").expect("a file is written");
        assert!(matches!(prepare(folder.path()), Err(Error::Foreign { .. })));
        assert!(matches!(check(folder.path()), Err(Error::Foreign { .. })));
        assert!(!folder.path().join(MARKER).exists());

        let file = folder.path().join("thesis.tex");
        assert!(matches!(prepare(&file), Err(Error::NotAFolder { .. })));
        assert!(matches!(
            prepare(&file.join("below")),
            Err(Error::NotAFolder { .. })
        ));
        assert!(matches!(
            check(&folder.path().join("none")),
            Err(Error::Missing { .. })
        ));
    }

    #[test]
    fn a_data_root_of_another_version_is_said_to_be_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(
            folder.path().join(MARKER),
            "{\"format\":\"whittle\",\"version\":2}\n",
        )
        .expect("a file is written");
        assert!(matches!(check(folder.path()), Err(Error::Version { .. })));
        assert!(matches!(prepare(folder.path()), Err(Error::Version { .. })));
    }

    #[test]
    fn a_folder_that_nobody_may_write_is_a_matter_of_permission() {
        // sysfs refuses new folders even to root.
        let error = prepare(Path::new("/sys/whittle-data")).expect_err("sysfs takes no folders");
        assert!(matches!(error, Error::Permission { .. }), "{error}");
    }

    #[test]
    fn names_cannot_leave_their_place_in_a_path() {
        let place = Place {
            cluster: "../a b=c/é".into(),
            node: "node-1.eu_west".into(),
        };
        let path = partition(Path::new("/r"), "usage", &place, 1_772_236_800_000_000 - 1);
        assert_eq!(
            path,
            Path::new(
                "/r/usage/cluster=..%2Fa%20b%3Dc%2F%C3%A9/date=2026-02-27/node=node-1.eu_west"
            )
        );
    }

    #[test]
    fn what_was_made_for_nothing_is_taken_back_and_what_was_there_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().join("new");
        let before = found(&root);
        prepare(&root).expect("a new folder is prepared");
        create_folder(&spool_folder(&root)).expect("the folder is made");
        abandon(&root, found(&root));
        check(&root).expect("a data root that was there stays");
        abandon(&root, before);
        assert!(!root.exists());

        let before = found(folder.path());
        prepare(folder.path()).expect("an empty folder is prepared");
        abandon(folder.path(), before);
        assert!(is_empty(folder.path()).expect("the folder itself stays"));

        prepare(&root).expect("a new folder is prepared");
        fs::write(root.join("other"), "x").expect("a file is written");
        abandon(&root, Found::Nothing { is_folder: false });
        check(&root).expect("nobody removes what somebody else uses");
    }
}
