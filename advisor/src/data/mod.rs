//! Reading a data root: which files a table has, and their rows. A damaged file is reported and passed
//! over. Writing is `whittle_agent::sink`; SQL over the files is `query`.

mod files;
mod guard;
pub(crate) mod progress;
mod rows;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use whittle_agent::{clock, sink};
use whittle_schemas::table;

pub use self::{
    files::files,
    guard::guarded,
    progress::Progress,
    rows::{Rows, read, read_files, with_whole_end, with_whole_pages},
};

/// Default of `--data`, and of `whittle record --out`.
pub const DEFAULT_ROOT: &str = "whittle-data";

/// Why a data root cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is missing, not whittle's, or may not be read.
    #[error(transparent)]
    Root(#[from] sink::Error),
    /// A folder inside it cannot be listed.
    #[error("folder {} cannot be listed ({source}): check its permissions", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
}

/// A file that was passed over.
#[derive(Debug)]
pub struct Damaged {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub damage: Damage,
}

/// What is wrong with a file.
#[derive(Debug)]
pub enum Damage {
    /// It is not whole Parquet.
    Broken,
    /// It may not be read, or the disk failed.
    Unreadable(std::io::Error),
    /// It is Parquet of something else.
    Table(table::Error),
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.damage {
            Damage::Broken => write!(f, "{path} is cut short or damaged"),
            Damage::Unreadable(error) => write!(f, "{path} cannot be read ({error})"),
            Damage::Table(error) => write!(f, "{path} was passed over, for {error}"),
        }
    }
}

/// A sentence on the files that were passed over; None where all were read.
#[must_use]
pub fn damage_sentence(damaged: &[Damaged], files_read: usize) -> Option<String> {
    let (first, rest) = damaged.split_first()?;
    let more = match rest.len() {
        0 => String::new(),
        more => format!(", as are {more} more"),
    };
    let read = match files_read {
        0 => "no other file was there to read".to_owned(),
        1 => "the one other file was read".to_owned(),
        files => format!("the other {files} files were read"),
    };
    Some(format!("{first}{more}; {read}"))
}

/// Exit status of a command that printed what it could, but for so many files and windows.
#[must_use]
pub fn status(unread: usize) -> ExitCode {
    ExitCode::from(u8::from(unread > 0))
}

/// A data root that can be read.
#[derive(Debug, Default)]
pub struct Opened {
    /// Sentences for the user on what recorders that ended early left there.
    pub sentences: Vec<String>,
    /// Windows that are still in their spool, because they could not be turned into Parquet.
    pub unrecovered: usize,
}

/// Finds that the folder is a data root, and turns into Parquet what recorders that ended early left there.
///
/// # Errors
/// The folder is not a data root.
pub fn open(root: &Path) -> Result<Opened, Error> {
    sink::root::check(root)?;
    let recovered = sink::recover(root, clock::now_us())?;
    let mut sentences = Vec::new();
    match recovered.windows.len() {
        0 => {}
        1 => sentences.push("one window of a recorder that ended early was recovered".to_owned()),
        windows => sentences.push(format!(
            "{windows} windows of recorders that ended early were recovered"
        )),
    }
    if recovered.live > 0 {
        sentences.push(
            "a recorder is still writing here: its running window is not shown yet".to_owned(),
        );
    }
    sentences.extend(
        recovered
            .failed
            .iter()
            .map(|error| format!("a window was not recovered: {error}")),
    );
    Ok(Opened {
        sentences,
        unrecovered: recovered.failed.len(),
    })
}
