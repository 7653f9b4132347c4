//! Running `whittle record`, and what it left: its exit status, its messages and its tables.
//! The tables are read here from the Parquet files, not through whittle's commands.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use whittle_schemas::table::{CoverageRow, EndpointRow, SubjectRow, Table, Tables, UsageRow};

use crate::accounting;

/// One run of `whittle record`.
#[derive(Debug)]
pub struct Recording {
    /// The data folder.
    pub data: PathBuf,
    /// Exit status and messages; the command's own output is among them.
    pub output: Output,
    /// All rows.
    pub tables: Tables,
}

/// Records a command that runs in `folder`, into `data`, and holds the result to what must be true of
/// every recording: nothing is lost in silence, and whittle itself is no subject.
///
/// # Errors
/// Whittle failed, or one of these does not hold.
pub fn record(data: &Path, folder: &Path, command: &[OsString]) -> Result<Recording> {
    let recording = finish(data, &mut recorder(data, folder, command)?)?;
    let messages = String::from_utf8_lossy(&recording.output.stderr);
    ensure!(
        !recording.tables.coverage.is_empty(),
        "whittle recorded nothing: {messages}"
    );
    accounting::check(&recording.tables)?;
    Ok(recording)
}

/// Runs a command that [`recorder`] made, and reads what there is afterwards, whatever it is.
///
/// # Errors
/// It cannot be run, or a table cannot be read.
pub fn finish(data: &Path, command: &mut Command) -> Result<Recording> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    Ok(Recording {
        data: data.to_owned(),
        output,
        tables: tables(data)?,
    })
}

/// `whittle record --out data -- command`, ready to run in `folder`.
///
/// # Errors
/// There is no whittle.
pub fn recorder(data: &Path, folder: &Path, command: &[OsString]) -> Result<Command> {
    let mut whittle = whittle()?;
    whittle
        .arg("record")
        .arg("--out")
        .arg(data)
        .arg("--")
        .args(command)
        .current_dir(folder)
        .stdin(Stdio::null());
    Ok(whittle)
}

/// The program `whittle`.
///
/// # Errors
/// There is none, and it cannot be built.
pub fn whittle() -> Result<Command> {
    Ok(Command::new(program()?))
}

/// Where `whittle` is: `WHITTLE_BIN`, else beside the folder of the test executable, else built now.
fn program() -> Result<PathBuf> {
    if let Some(path) = env::var_os("WHITTLE_BIN") {
        return fs::canonicalize(&path)
            .with_context(|| format!("WHITTLE_BIN is {}, which is not there", path.display()));
    }
    let test =
        env::current_exe().context("the kernel does not say where the test executable is")?;
    let target = test
        .ancestors()
        .nth(2)
        .context("the test executable is in no target folder")?;
    let whittle = target.join("whittle");
    if !whittle.is_file() {
        let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "build",
                "--quiet",
                "--package",
                "whittle",
                "--bin",
                "whittle",
            ])
            .status()
            .context("whittle is not built, and cargo cannot be run: set WHITTLE_BIN")?;
        ensure!(status.success(), "whittle does not build");
    }
    Ok(whittle)
}

/// The rows of all tables under a data folder; none where the folder is not there.
///
/// # Errors
/// A file is not Parquet or not the table's.
pub fn tables(data: &Path) -> Result<Tables> {
    Ok(Tables {
        usage: rows::<UsageRow>(data)?,
        subjects: rows::<SubjectRow>(data)?,
        coverage: rows::<CoverageRow>(data)?,
        endpoints: rows::<EndpointRow>(data)?,
    })
}

/// The batches of one table's files.
///
/// # Errors
/// A file is not Parquet.
pub fn batches(data: &Path, table: &str) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    for path in files(data, table)? {
        let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(ParquetRecordBatchReaderBuilder::build);
        for batch in reader.with_context(|| format!("{} is not Parquet", path.display()))? {
            batches.push(batch.with_context(|| format!("{} is damaged", path.display()))?);
        }
    }
    Ok(batches)
}

/// The Parquet files of one table, in the order of their paths.
///
/// # Errors
/// A folder cannot be read.
pub fn files(data: &Path, table: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![data.join(table)];
    while let Some(folder) = folders.pop().filter(|folder| folder.exists()) {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension() == Some(OsStr::new("parquet")) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn rows<T: Table>(data: &Path) -> Result<Vec<T>> {
    let mut rows = Vec::new();
    for batch in batches(data, T::NAME)? {
        rows.extend(
            T::from_batch(&batch)
                .with_context(|| format!("table {} under {}", T::NAME, data.display()))?,
        );
    }
    Ok(rows)
}
