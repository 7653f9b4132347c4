//! Where a window's rows go: first the spool, which survives a crash, then Parquet files in a data root.
//! `root` knows the folder and its partitions, `atomic` how a file appears whole or not at all, `parquet` the
//! tables' files, with `usage` the largest of them (its columns are `runs`, `delta`, `texts` and `plain`, in `chunk`s), `spool` the log (`unspool` reads it), `touched` what most of its frames hold, `recover` what a dead writer left in it. Reading tables is the advisor's.

mod atomic;
mod chunk;
mod delta;
mod parquet;
mod plain;
mod recover;
pub mod root;
mod runs;
mod spool;
#[cfg(test)]
pub(crate) mod tests;
mod texts;
mod touched;
mod unspool;
mod usage;

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

pub use self::{
    parquet::{write_usage, write_window},
    recover::{Recovered, RecoveredWindow, recover},
    spool::{Append, Frame, MAX_SPOOL_BYTES, Spool},
    touched::{Like, Touched},
    usage::{Alike, Each},
};

/// Where rows were recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Name of the cluster; `whittle record` uses a name of its own.
    pub cluster: String,
    /// Name of the node.
    pub node: String,
}

/// The time that a batch of rows is about, in microseconds UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// When it starts.
    pub start_us: i64,
    /// When it ends.
    pub end_us: i64,
}

/// Why rows could not be written or recovered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The device or the user's quota is full.
    #[error(
        "no space is left for {}: free some, or choose a folder on another disk; what was written before stays readable", path.display()
    )]
    DiskFull {
        /// The file that did not fit.
        path: PathBuf,
    },
    /// The user may not write there.
    #[error(
        "no permission to write {}: choose a folder that belongs to you, or run as its owner", path.display()
    )]
    Permission {
        /// The file or folder that was refused.
        path: PathBuf,
    },
    /// The file system is mounted read-only.
    #[error("{} is on a read-only file system: choose a folder elsewhere", path.display())]
    ReadOnly {
        /// The file or folder that was refused.
        path: PathBuf,
    },
    /// Something that is not a folder stands where one has to be.
    #[error("{} is not a folder: choose a new or an empty one", path.display())]
    NotAFolder {
        /// What stands there.
        path: PathBuf,
    },
    /// The folder does not exist.
    #[error("{} does not exist: name the folder that `whittle record --out` wrote", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// The folder has content and no marker of whittle.
    #[error(
        "{} is not a whittle data folder, for it has no whittle.json: name one that whittle wrote, or a new or empty one to write to", path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// The data root or the spool was written in a format that this version does not know.
    #[error("{} was written by another version of whittle: use that version for it", path.display())]
    Version {
        /// The marker or the spool.
        path: PathBuf,
    },
    /// The rows could not be made into Parquet.
    #[error("rows for {} could not be encoded as Parquet ({source}): report this as a defect of whittle", path.display())]
    Encode {
        /// The file that was to hold them.
        path: PathBuf,
        /// What the encoder said.
        source: ::parquet::errors::ParquetError,
    },
    /// Any other failure of the file system.
    #[error("{} cannot be used ({source}): check the disk and the folder", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Error {
    /// The variant that tells the user what to do about this failure.
    fn of(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::PermissionDenied => Self::Permission { path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            io::ErrorKind::NotADirectory => Self::NotAFolder { path },
            _ => Self::Io { path, source },
        }
    }
}
