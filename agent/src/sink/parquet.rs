//! The Parquet files of one window, one for each table. How that of `usage`, which is large, is encoded is in `usage`.

use std::{
    path::{Path, PathBuf},
    process,
};

use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{WriterProperties, WriterPropertiesBuilder},
    },
};
use whittle_schemas::table::{
    CoverageRow, EndpointRow, SCHEMA_VERSION, SubjectRow, TABLE_KEY, Table, Tables, UsageRow,
    VERSION_KEY,
};

use super::{Alike, Each, Error, Place, Window, atomic, root, usage};

/// Writes the rows of one window and returns the files. Each file appears whole or not at all, and the
/// one of `coverage` comes last: where it stands, the window is complete.
///
/// # Errors
/// The folder is not whittle's, or a file cannot be written; files written before stay.
pub fn write_window(
    root: &Path,
    place: &Place,
    window: Window,
    tables: &Tables,
) -> Result<Vec<PathBuf>, Error> {
    write_usage(root, place, window, NONE, tables)
}

/// No rows but those in the tables.
pub(super) const NONE: [Alike<'static, [Each<'static>; 0]>; 0] = [];

/// As [`write_window`], with rows of `usage` that come before those in the tables.
///
/// # Errors
/// As above.
pub fn write_usage<'a, R: IntoIterator<Item = Each<'a>>>(
    root: &Path,
    place: &Place,
    window: Window,
    usage: impl IntoIterator<Item = Alike<'a, R>>,
    tables: &'a Tables,
) -> Result<Vec<PathBuf>, Error> {
    root::prepare(root)?;
    write_named(
        root,
        place,
        &name(window.start_us, process::id()),
        window.start_us,
        usage,
        tables,
    )
}

/// Name, without extension, of the files and the spool of a window that this process writes.
pub(super) fn name(start_us: i64, pid: u32) -> String {
    format!("{start_us}-{pid}")
}

/// As [`write_usage`], under a name that another process may have chosen.
pub(super) fn write_named<'a, R: IntoIterator<Item = Each<'a>>>(
    root: &Path,
    place: &Place,
    name: &str,
    start_us: i64,
    usage: impl IntoIterator<Item = Alike<'a, R>>,
    tables: &'a Tables,
) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let path = file::<UsageRow>(root, place, name, start_us);
    let columns = columns(usage, tables);
    match columns {
        Ok(columns) if columns.are_empty() => {}
        columns => {
            let encoded = columns.and_then(|columns| columns.encode(properties::<UsageRow>()));
            files.push(write(path, encoded)?);
        }
    }
    if !tables.subjects.is_empty() {
        files.push(write_table(
            file::<SubjectRow>(root, place, name, start_us),
            &tables.subjects,
        )?);
    }
    if !tables.endpoints.is_empty() {
        files.push(write_table(
            file::<EndpointRow>(root, place, name, start_us),
            &tables.endpoints,
        )?);
    }
    files.push(write_table(
        file::<CoverageRow>(root, place, name, start_us),
        &tables.coverage,
    )?);
    Ok(files)
}

fn columns<'a, R: IntoIterator<Item = Each<'a>>>(
    usage: impl IntoIterator<Item = Alike<'a, R>>,
    tables: &'a Tables,
) -> Result<usage::Columns<'a>, ParquetError> {
    let mut columns = usage::Columns::new();
    for alike in usage {
        columns.push(alike)?;
    }
    for row in &tables.usage {
        columns.push(Alike::from(row.borrowed()))?;
    }
    Ok(columns)
}

/// Path of a table's file for one window.
pub(super) fn file<T: Table>(root: &Path, place: &Place, name: &str, start_us: i64) -> PathBuf {
    root::partition(root, T::NAME, place, start_us).join(format!("{name}.parquet"))
}

fn write_table<T: Table>(path: PathBuf, rows: &[T]) -> Result<PathBuf, Error> {
    write(path, encode(rows))
}

fn write(path: PathBuf, encoded: Result<Vec<u8>, ParquetError>) -> Result<PathBuf, Error> {
    // In memory first: an encoder that writes to the disk itself turns "no space left" into words.
    let bytes = encoded.map_err(|source| Error::Encode {
        path: path.clone(),
        source,
    })?;
    root::create_folder(
        path.parent()
            .expect("the path was joined from a folder and a name"),
    )?;
    atomic::write(&path, &bytes)?;
    Ok(path)
}

fn properties<T: Table>() -> WriterPropertiesBuilder {
    let entry = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(concat!("whittle ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![
            entry(VERSION_KEY, SCHEMA_VERSION),
            entry(TABLE_KEY, T::NAME),
        ]))
}

fn encode<T: Table>(rows: &[T]) -> Result<Vec<u8>, ParquetError> {
    let mut bytes = Vec::new();
    let properties = properties::<T>().build();
    let mut writer = ArrowWriter::try_new(&mut bytes, T::schema(), Some(properties))?;
    // Arrow text arrays end at 2 GiB: in chunks, hostile paths cannot reach that.
    for chunk in rows.chunks(BATCH_ROWS) {
        writer.write(&T::to_batch(chunk))?;
    }
    writer.close()?;
    Ok(bytes)
}

/// Rows that become one Arrow batch: each holds a few texts of at most some KiB.
const BATCH_ROWS: usize = 16_384;
