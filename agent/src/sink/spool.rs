//! The spool: an append-only log of the rows of a running window, so that a recorder that is killed
//! loses nothing it had already counted. What becomes of a dead writer's is in `recover`.
//!
//! After [`MAGIC`] come groups: length and CRC-32 of the payload, both u32 little endian, then the
//! payload, [`Frame`]s in postcard, one behind the other. What is written at once is in as few groups as [`GROUP_BYTES`] allows.
//! `unspool` reads them.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process,
};

use postcard::ser_flavors::Flavor;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use whittle_schemas::table::{CoverageRow, SubjectRow, UsageRow};

use super::{
    Error, Place, parquet, root,
    touched::{Like, Touched},
};

/// What a spool starts with. Its digit changes with the encoding of [`Frame`] and of the rows in it.
pub(super) const MAGIC: &[u8; 16] = b"whittle spool 6\n";

/// Largest spool, in bytes. Past it rows are not spooled any more, only counted ([`Append::Refused`]):
/// a crash of the recorder then loses them, a full disk would take more than that with it.
pub const MAX_SPOOL_BYTES: u64 = 256 * 1024 * 1024;

/// Largest payload of a frame, in bytes. A row holds a few paths of 4 KiB; more is damage.
const MAX_FRAME_BYTES: usize = 1024 * 1024;

/// A group that has so many bytes ends: that is what a torn write loses, besides what it has not written.
const GROUP_BYTES: usize = 4 * 1024;

/// Largest payload of a group, in bytes.
pub(super) const MAX_GROUP_BYTES: usize = GROUP_BYTES + MAX_FRAME_BYTES;

/// Extension of spools.
pub(super) const EXTENSION: &str = "spool";

/// What a spool holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Frame<'a> {
    /// The window that all rows belong to; the first frame.
    Window {
        /// Where it is recorded.
        place: Place,
        /// When it starts, in microseconds UTC.
        start_us: i64,
        /// When it is to end, where that is known beforehand.
        planned_end_us: Option<i64>,
    },
    /// One access that no earlier frame of the spool counts.
    Touched(Touched<'a>),
    /// A row of `usage`: accesses that no earlier frame of the spool counts.
    Usage(UsageRow),
    /// A row of `subjects`; a later one of the same subject and instance replaces it.
    Subject(Box<SubjectRow>),
    /// A row of `coverage`; a later one of the same family replaces it.
    Coverage(CoverageRow),
    /// One access, told by the last [`Frame::Touched`] before it in its group. [`Spool::touch`] makes it.
    Like(Like<'a>),
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Append {
    /// It is in the spool.
    Spooled,
    /// The spool has reached its bound; the frame was counted instead.
    Refused,
}

/// A spool that is being written. It is locked until it is dropped, which tells `recover` that the
/// writer lives.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    file: File,
    bytes: u64,
    max_bytes: u64,
    refused: u64,
    /// Groups that are not in the file yet.
    waiting: Vec<u8>,
    /// Where the last of these begins, while frames are added to it.
    group: Option<usize>,
    /// The last [`Frame::Touched`] in that.
    pattern: Option<Pattern>,
}

/// What a [`Frame::Like`] is told by.
#[derive(Clone, Copy, Debug)]
struct Pattern {
    /// Of what it has in common with others.
    number: u64,
    at_us: i64,
}

/// Where a frame was put.
#[derive(Clone, Copy)]
struct Start {
    /// As much waited before it.
    before: usize,
    /// There it begins: behind the head of its group, where it is the first.
    frame: usize,
}

impl Spool {
    /// Starts the spool of a window in a data root.
    ///
    /// # Errors
    /// The folder is not whittle's, or cannot be written.
    pub fn create(
        root: &Path,
        place: &Place,
        start_us: i64,
        planned_end_us: Option<i64>,
    ) -> Result<Self, Error> {
        root::prepare(root)?;
        let folder = root::spool_folder(root);
        root::create_folder(&folder)?;
        let name = parquet::name(start_us, process::id());
        let path = folder.join(format!("{name}.{EXTENSION}"));
        // Under another name until it is locked: `recover` takes an unlocked spool for a dead one's.
        let unlocked = folder.join(format!(".{name}.new"));
        let failed = |source| Error::of(&path, source);
        let result = start(&unlocked, &path);
        if result.is_err() {
            // The error already says what is wrong, and `recover` passes over this name.
            let _ = fs::remove_file(&unlocked);
        }
        let file = result.map_err(failed)?;
        let bytes = MAGIC.len() as u64;
        let mut spool = Self {
            path,
            file,
            bytes,
            max_bytes: MAX_SPOOL_BYTES,
            refused: 0,
            waiting: Vec::new(),
            group: None,
            pattern: None,
        };
        spool.append(&Frame::Window {
            place: place.clone(),
            start_us,
            planned_end_us,
        })?;
        Ok(spool)
    }

    /// Appends a frame. It survives the death of this process at once, and a loss of power after [`Spool::sync`].
    ///
    /// # Errors
    /// The disk is full or broken. The spool then ends with the frame before.
    pub fn append(&mut self, frame: &Frame<'_>) -> Result<Append, Error> {
        let appended = self.add(frame);
        self.flush()?;
        Ok(appended)
    }

    /// As [`Spool::append`], from the next [`Spool::flush`] on: one write for many.
    pub fn add(&mut self, frame: &Frame<'_>) -> Append {
        let start = self.begin();
        if matches!(frame, Frame::Touched(_)) {
            self.pattern = None;
        }
        encode(frame, Growing(&mut self.waiting));
        self.accept(start)
    }

    /// As [`Spool::add`], of an access that was `touched` at that time, in microseconds UTC. Those of one number differ in nothing else:
    /// what they have in common is asked for once in a while.
    pub fn touch<'a>(
        &mut self,
        number: u64,
        resource: &'a [u8],
        at_us: i64,
        touched: impl FnOnce() -> Touched<'a>,
    ) -> Append {
        let start = self.begin();
        let waiting = Growing(&mut self.waiting);
        match self.pattern {
            Some(pattern) if pattern.number == number => {
                let like = Like::new(resource, at_us.wrapping_sub(pattern.at_us));
                encode(&Frame::Like(like), waiting);
            }
            _ => {
                encode(&Frame::Touched(touched()), waiting);
                self.pattern = Some(Pattern { number, at_us });
            }
        }
        self.accept(start)
    }

    /// Where a frame is to begin: in a group that has room.
    fn begin(&mut self) -> Start {
        let before = self.waiting.len();
        if self
            .group
            .is_some_and(|group| before - group >= GROUP_BYTES)
        {
            self.end_group();
        }
        if self.group.is_none() {
            self.group = Some(before);
            self.waiting.resize(before + HEAD_BYTES, 0);
        }
        Start {
            before,
            frame: self.waiting.len(),
        }
    }

    /// Keeps the frame that was put behind, where the bounds allow it.
    fn accept(&mut self, start: Start) -> Append {
        let is_too_long = self.waiting.len() - start.frame > MAX_FRAME_BYTES;
        if is_too_long || self.bytes + self.waiting.len() as u64 > self.max_bytes {
            self.waiting.truncate(start.before);
            self.group = self.group.filter(|group| *group < start.before);
            self.pattern = None;
            self.refused += 1;
            return Append::Refused;
        }
        Append::Spooled
    }

    fn end_group(&mut self) {
        self.pattern = None;
        let Some(group) = self.group.take() else {
            return;
        };
        let (head, payload) = self.waiting[group..].split_at_mut(HEAD_BYTES);
        let length = u32::try_from(payload.len()).expect("a group is far below 4 GiB");
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[4..].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
    }

    /// Writes the frames that were added.
    ///
    /// # Errors
    /// The disk is full or broken. The spool then has none of them.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.end_group();
        let result = self.file.write_all(&self.waiting);
        let written = self.waiting.len() as u64;
        self.waiting.clear();
        if let Err(error) = result {
            // Half a frame would hide all that follow it. Should this fail too, the reader stops there.
            let _ = self
                .file
                .set_len(self.bytes)
                .and_then(|()| self.file.seek(SeekFrom::Start(self.bytes)));
            return Err(Error::of(&self.path, error));
        }
        self.bytes += written;
        Ok(())
    }

    /// Makes all appended frames durable.
    ///
    /// # Errors
    /// The disk is full or broken.
    pub fn sync(&self) -> Result<(), Error> {
        self.file
            .sync_data()
            .map_err(|error| Error::of(&self.path, error))
    }

    /// Frames that did not fit into the bound.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Removes the spool, once the window's Parquet files stand.
    ///
    /// # Errors
    /// The file cannot be removed. `recover` will do it: it sees that the window is written.
    pub fn remove(self) -> Result<(), Error> {
        fs::remove_file(&self.path).map_err(|error| Error::of(&self.path, error))
    }

    /// The same spool with a smaller bound.
    #[cfg(test)]
    pub(super) fn bounded_to(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }
}

fn start(unlocked: &Path, path: &Path) -> io::Result<File> {
    let mut file = File::create(unlocked)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    file.write_all(MAGIC)?;
    fs::rename(unlocked, path)?;
    Ok(file)
}

/// Bytes of a group before its payload.
pub(super) const HEAD_BYTES: usize = 8;

fn encode(frame: &Frame<'_>, bytes: Growing<'_>) {
    postcard::serialize_with_flavor(frame, bytes).expect("rows have no type that postcard refuses");
}

/// Where postcard writes: at the end of what there is, texts in one piece.
struct Growing<'a>(&'a mut Vec<u8>);

impl Flavor for Growing<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
