//! The rows of all tables.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use whittle_schemas::table::{CoverageRow, EndpointRow, SubjectRow, Table, Tables, UsageRow};

use super::{Damage, Damaged, Error, Progress, files, guard::guarded};

/// What was read.
#[derive(Debug, Default)]
pub struct Rows {
    /// The rows.
    pub tables: Tables,
    /// Files they come from.
    pub files: usize,
    /// Files that were passed over.
    pub damaged: Vec<Damaged>,
}

/// Reads all rows of a data root.
///
/// # Errors
/// A folder cannot be listed. A file that cannot be read is in [`Rows::damaged`].
pub fn read(root: &Path) -> Result<Rows, Error> {
    let usage = files(root, UsageRow::NAME)?;
    let subjects = files(root, SubjectRow::NAME)?;
    let coverage = files(root, CoverageRow::NAME)?;
    let endpoints = files(root, EndpointRow::NAME)?;
    let all_files = [&usage, &subjects, &coverage, &endpoints];
    let progress = Progress::of_files(all_files.into_iter().map(Vec::len).sum());
    let mut rows = Rows::default();
    rows.tables.usage = all(usage, &mut rows, &progress);
    rows.tables.subjects = all(subjects, &mut rows, &progress);
    rows.tables.coverage = all(coverage, &mut rows, &progress);
    rows.tables.endpoints = all(endpoints, &mut rows, &progress);
    Ok(rows)
}

/// Reads the rows of some files of a data root, such as those that one recording wrote.
#[must_use]
pub fn read_files(root: &Path, paths: &[PathBuf]) -> Rows {
    let mut rows = Rows::default();
    let progress = Progress::of_files(paths.len());
    let of_table = |name: &str| {
        let folder = root.join(name);
        paths
            .iter()
            .filter(|path| path.starts_with(&folder))
            .cloned()
            .collect()
    };
    rows.tables.usage = all(of_table(UsageRow::NAME), &mut rows, &progress);
    rows.tables.subjects = all(of_table(SubjectRow::NAME), &mut rows, &progress);
    rows.tables.coverage = all(of_table(CoverageRow::NAME), &mut rows, &progress);
    rows.tables.endpoints = all(of_table(EndpointRow::NAME), &mut rows, &progress);
    rows
}

fn all<T: Table>(paths: Vec<PathBuf>, all: &mut Rows, progress: &Progress) -> Vec<T> {
    let mut rows = Vec::new();
    for path in paths {
        match file(&path) {
            Ok(of_file) => {
                rows.extend(of_file);
                all.files += 1;
            }
            Err(damage) => all.damaged.push(Damaged { path, damage }),
        }
        progress.step();
    }
    rows
}

/// Rows of one file: all or none.
fn file<T: Table>(path: &Path) -> Result<Vec<T>, Damage> {
    let mut rows = Vec::new();
    batches(path, |batch| {
        rows.extend(T::from_batch(&batch).map_err(Damage::Table)?);
        Ok(())
    })?;
    Ok(rows)
}

/// Parts files into those whose end, which describes all the rest, can be read, and the others.
#[must_use]
pub fn with_whole_end(paths: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<Damaged>) {
    part(paths, |path| {
        guarded(|| reader(path).map(drop)).unwrap_or(Err(Damage::Broken))
    })
}

/// Parts files into those that can be read to their last row, and the others.
#[must_use]
pub fn with_whole_pages(paths: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<Damaged>) {
    part(paths, |path| batches(path, |_| Ok(())))
}

fn part(
    paths: Vec<PathBuf>,
    check: impl Fn(&Path) -> Result<(), Damage>,
) -> (Vec<PathBuf>, Vec<Damaged>) {
    let progress = Progress::of_files(paths.len());
    let mut whole = Vec::new();
    let mut damaged = Vec::new();
    for path in paths {
        match check(&path) {
            Ok(()) => whole.push(path),
            Err(damage) => damaged.push(Damaged { path, damage }),
        }
        progress.step();
    }
    (whole, damaged)
}

fn batches(
    path: &Path,
    mut each: impl FnMut(RecordBatch) -> Result<(), Damage>,
) -> Result<(), Damage> {
    let read = || {
        for batch in reader(path)? {
            each(batch.map_err(|_| Damage::Broken)?)?;
        }
        Ok(())
    };
    guarded(read).unwrap_or(Err(Damage::Broken))
}

fn reader(path: &Path) -> Result<ParquetRecordBatchReader, Damage> {
    let file = File::open(path).map_err(Damage::Unreadable)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|_| Damage::Broken)?;
    builder.build().map_err(|_| Damage::Broken)
}
