//! What a recording writes: the spool of the running window, and Parquet when the window ends. A failure is kept
//! until the recording ends, for what comes later may be written all the same.

use std::{path::PathBuf, time::Duration};

use foldhash::HashSet;
use whittle_schemas::table::{SubjectRow, Tables};

use crate::sink::{self, Alike, Append, Each, Frame, Place, Spool, Window};

/// A subject and its instance, by a number that is theirs while the window is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Who(pub(super) usize);

/// The files of a recording.
pub(super) struct Writer {
    root: PathBuf,
    place: Place,
    /// None where it cannot be written: the window is then in memory alone.
    spool: Option<Spool>,
    /// Of the window after the one that is being written.
    next: Option<Spool>,
    /// Subjects and instances that are in the spool.
    spooled: HashSet<Who>,
    /// The last one of them: who opens a file mostly opens another one.
    last: Option<Who>,
    files: Vec<PathBuf>,
    failure: Option<sink::Error>,
    /// Start of the first window that could not be written since one was.
    unwritten_since_us: Option<i64>,
}

impl Writer {
    /// Makes the data root and the first window's spool.
    pub(super) fn create(
        root: PathBuf,
        place: Place,
        start_us: i64,
        length: Duration,
    ) -> Result<Self, sink::Error> {
        let spool = Spool::create(&root, &place, start_us, end_us(start_us, length))?;
        Ok(Self {
            root,
            place,
            spool: Some(spool),
            next: None,
            spooled: HashSet::default(),
            last: None,
            files: Vec::new(),
            failure: None,
            unwritten_since_us: None,
        })
    }

    /// Keeps rows of accesses for the case that this process dies before the window ends, from the next [`Self::flush`] on.
    /// Whose they are comes with the first ones.
    pub(super) fn spool(
        &mut self,
        who: Who,
        add: impl FnOnce(&mut Spool) -> Append,
        subject: impl FnOnce() -> SubjectRow,
    ) {
        let Some(spool) = &mut self.spool else {
            return;
        };
        // What the bound refuses is counted in the spool.
        add(spool);
        if self.last.replace(who) != Some(who) && self.spooled.insert(who) {
            spool.add(&Frame::Subject(Box::new(subject())));
        }
    }

    /// Brings what waits into the spool.
    pub(super) fn flush(&mut self) {
        if let Some(spool) = &mut self.spool
            && let Err(error) = spool.flush()
        {
            self.failure.get_or_insert(error);
            self.spool = None;
        }
    }

    /// Ends the window, and goes on with the [`Self::next`] one. Where it cannot be written its spool stays, so that `recover`
    /// finds what was spooled.
    pub(super) fn end<'a, R: IntoIterator<Item = Each<'a>>>(
        &mut self,
        window: Window,
        usage: impl IntoIterator<Item = Alike<'a, R>>,
        tables: &'a Tables,
    ) {
        self.flush();
        let spool = std::mem::replace(&mut self.spool, self.next.take());
        self.spooled.clear();
        self.last = None;
        match sink::write_usage(&self.root, &self.place, window, usage, tables) {
            Ok(files) => {
                self.files.extend(files);
                self.unwritten_since_us = None;
                if let Some(Err(error)) = spool.map(Spool::remove) {
                    self.failure.get_or_insert(error);
                }
            }
            Err(error) => {
                self.failure.get_or_insert(error);
                self.unwritten_since_us.get_or_insert(window.start_us);
            }
        }
    }

    /// Makes the spool of the window after this one.
    pub(super) fn next(&mut self, start_us: i64, length: Duration) {
        match Spool::create(&self.root, &self.place, start_us, end_us(start_us, length)) {
            Ok(spool) => self.next = Some(spool),
            Err(error) => {
                self.failure.get_or_insert(error);
            }
        }
    }

    /// How long before this time nothing could be written, in microseconds; None where the last window was.
    pub(super) fn unwritten_us(&self, start_us: i64) -> Option<u64> {
        let since_us = self.unwritten_since_us?;
        Some(start_us.abs_diff(since_us))
    }

    /// The Parquet files, or the first failure.
    pub(super) fn finish(self) -> Result<Vec<PathBuf>, sink::Error> {
        self.failure.map_or(Ok(self.files), Err)
    }
}

/// When a window is to end.
fn end_us(start_us: i64, length: Duration) -> Option<i64> {
    start_us.checked_add_unsigned(length.as_micros().try_into().ok()?)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::sink::tests::{WINDOW, place, subject, usage};

    const NEXT: Window = Window {
        start_us: WINDOW.end_us,
        end_us: WINDOW.end_us + 60_000_000,
    };

    const NONE: [Alike<'static, [Each<'static>; 0]>; 0] = [];

    const LENGTH: Duration = Duration::from_mins(1);

    fn writer(root: &Path) -> Writer {
        Writer::create(root.to_owned(), place(), WINDOW.start_us, LENGTH)
            .expect("the folder is empty")
    }

    fn spools(root: &Path) -> usize {
        fs::read_dir(root.join(".spool")).map_or(0, Iterator::count)
    }

    #[test]
    fn nothing_is_left_in_the_spool_of_a_recording_that_was_written() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let mut writer = writer(root.path());
        writer.next(NEXT.start_us, LENGTH);
        assert_eq!(spools(root.path()), 2);
        writer.end(WINDOW, NONE, &Tables::default());
        assert_eq!(spools(root.path()), 1);
        writer.end(NEXT, NONE, &Tables::default());
        assert_eq!(spools(root.path()), 0);
        assert_eq!(writer.finish().expect("all was written").len(), 2);
    }

    #[test]
    fn a_window_that_could_not_be_written_stays_in_its_spool_and_is_recovered() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let mut writer = writer(root.path());
        let in_the_way = root.path().join("coverage");
        fs::write(&in_the_way, "").expect("a file is made");
        let last = usage("/srv/input");
        writer.spool(Who(1), |spool| spool.add(&Frame::Usage(last)), subject);
        writer.next(NEXT.start_us, LENGTH);
        writer.end(WINDOW, NONE, &Tables::default());
        assert_eq!(writer.unwritten_us(NEXT.start_us), Some(60_000_000));

        fs::remove_file(&in_the_way).expect("the file is removed");
        writer.end(NEXT, NONE, &Tables::default());
        assert_eq!(writer.unwritten_us(NEXT.end_us), None);
        assert!(matches!(
            writer.finish(),
            Err(sink::Error::NotAFolder { .. })
        ));

        let recovered = sink::recover(root.path(), NEXT.end_us).expect("it is a data root");
        assert!(recovered.failed.is_empty(), "{recovered:?}");
        let windows: Vec<_> = recovered
            .windows
            .iter()
            .map(|window| window.window)
            .collect();
        assert_eq!(windows, [WINDOW]);
        assert_eq!(spools(root.path()), 0);
    }
}
