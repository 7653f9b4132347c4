//! The SQL engine over the files of a data root. A query may only read, and only the tables.

use std::{
    fmt::Write,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    datasource::{
        TableProvider,
        empty::EmptyTable,
        file_format::parquet::ParquetFormat,
        listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl},
    },
    error::DataFusionError,
    execution::{memory_pool::FairSpillPool, runtime_env::RuntimeEnvBuilder},
    prelude::{SQLOptions, SessionConfig, SessionContext},
    sql::sqlparser::parser::ParserError,
};
use whittle_schemas::table::{CoverageRow, EndpointRow, SubjectRow, Table, UsageRow};

use super::Error;
use crate::data::{
    Damaged, Progress, damage_sentence, files, guarded, with_whole_end, with_whole_pages,
};

/// The result of a query.
pub(super) struct Answer {
    pub(super) schema: SchemaRef,
    pub(super) batches: Vec<RecordBatch>,
    /// Sentences on files that were left out.
    pub(super) warnings: Vec<String>,
}

/// Parts files into those to ask and those to leave out.
type Check = fn(Vec<PathBuf>) -> (Vec<PathBuf>, Vec<Damaged>);

/// Runs a query over the tables of a data root.
///
/// Files whose end is damaged are left out. Damage further inside shows only while the query runs: it is
/// then run again without the files that cannot be read to their last row.
pub(super) fn ask(root: &Path, sql: &str) -> Result<Answer, Error> {
    ask_within(MOST_BYTES, root, sql)
}

/// Most memory that sorting, grouping and joining may take; what needs more goes to the folder for temporary files.
const MOST_BYTES: usize = 1 << 30;

/// As [`ask`], within so many bytes.
pub(super) fn ask_within(bytes: usize, root: &Path, sql: &str) -> Result<Answer, Error> {
    match ask_of(bytes, root, sql, with_whole_end) {
        Err(Error::Failed(reason)) => match ask_of(bytes, root, sql, with_whole_pages) {
            Ok(answer) if answer.warnings.is_empty() => Err(Error::Failed(reason)),
            second => second,
        },
        first => first,
    }
}

fn ask_of(bytes: usize, root: &Path, sql: &str, check: Check) -> Result<Answer, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let resources = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(bytes)))
        .build_arc()
        .map_err(|error| Error::Failed(sentence(&error)))?;
    let config = SessionConfig::new().with_information_schema(true);
    let context = SessionContext::new_with_config_rt(config, resources);
    let mut warnings = Vec::new();
    for warning in [
        register::<UsageRow>(&context, root, check)?,
        register::<SubjectRow>(&context, root, check)?,
        register::<EndpointRow>(&context, root, check)?,
        register::<CoverageRow>(&context, root, check)?,
    ] {
        warnings.extend(warning);
    }
    let run = || {
        runtime.block_on(async {
            let reading = SQLOptions::new()
                .with_allow_ddl(false)
                .with_allow_dml(false)
                .with_allow_statements(false);
            let frame = context
                .sql_with_options(sql, reading)
                .await
                .map_err(|error| Error::Refused(sentence(&error)))?;
            let schema = Arc::new(frame.schema().as_arrow().clone());
            let batches = frame
                .collect()
                .await
                .map_err(|error| match error.find_root() {
                    DataFusionError::ResourcesExhausted(_) => Error::TooLarge(sentence(&error)),
                    _ => Error::Failed(sentence(&error)),
                })?;
            Ok((schema, batches))
        })
    };
    let progress = Progress::of_query();
    let (schema, batches) =
        guarded(run).unwrap_or_else(|| Err(Error::Failed("a file is damaged".to_owned())))?;
    drop(progress);
    Ok(Answer {
        schema,
        batches,
        warnings,
    })
}

/// Makes a table of its files; a sentence where some were left out.
fn register<T: Table>(
    context: &SessionContext,
    root: &Path,
    check: Check,
) -> Result<Option<String>, Error> {
    let (whole, damaged) = check(files(root, T::NAME)?);
    let provider = provider::<T>(&whole).map_err(|error| Error::Failed(sentence(&error)))?;
    context
        .register_table(T::NAME, provider)
        .map_err(|error| Error::Failed(sentence(&error)))?;
    Ok(damage_sentence(&damaged, whole.len()))
}

fn provider<T: Table>(files: &[PathBuf]) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    if files.is_empty() {
        return Ok(Arc::new(EmptyTable::new(T::schema())));
    }
    let urls = files
        .iter()
        .map(|file| url(file))
        .collect::<Result<Vec<_>, _>>()?;
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(ListingOptions::new(Arc::new(ParquetFormat::default())))
        .with_schema(T::schema());
    Ok(Arc::new(ListingTable::try_new(config)?))
}

/// The file as a URL, in which no character of its path is a wildcard.
fn url(file: &Path) -> Result<ListingTableUrl, DataFusionError> {
    let file = file
        .canonicalize()
        .map_err(|error: io::Error| DataFusionError::IoError(error))?;
    let mut url = String::from("file://");
    for &byte in file.as_os_str().as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                url.push(char::from(byte));
            }
            _ => write!(url, "%{byte:02X}").expect("writing to a String does not fail"),
        }
    }
    ListingTableUrl::parse(url)
}

/// What is at the root of an error, in one line.
fn sentence(error: &DataFusionError) -> String {
    let message = match error.find_root() {
        DataFusionError::SQL(error, _) => match error.as_ref() {
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
                message.clone()
            }
            limit @ ParserError::RecursionLimitExceeded => limit.to_string(),
        },
        root => root.message().into_owned(),
    };
    let line = message
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches('.');
    line.replace("datafusion.public.", "")
}
