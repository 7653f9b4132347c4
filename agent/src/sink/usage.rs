//! The Parquet file of table `usage`, from rows that are borrowed. Rows that follow each other are mostly alike but for what was
//! touched and when, so that only that is written row by row (`texts`, `delta`); the rest comes in runs (`runs`), and costs what
//! there is of it. The general writer looks each value up. The other tables have few rows: `parquet`.

use std::sync::Arc;

use bytes::Bytes;
use parquet::{
    arrow::ArrowWriter,
    column::writer::ColumnCloseResult,
    errors::{ParquetError, Result},
    file::{properties::WriterPropertiesBuilder, writer::SerializedRowGroupWriter},
    schema::types::ColumnDescPtr,
};
use whittle_schemas::table::{
    Table, UsageRef, UsageRow,
    text::{escape_into, is_plain},
    word::Word,
};

use super::{
    delta::Numbers,
    plain::Plain,
    runs::{Runs, Value},
    texts::Texts,
};

/// Rows that follow each other, and differ in nothing but what [`Each`] has.
#[derive(Clone, Debug)]
pub struct Alike<'a, R> {
    /// One of them, for what is the same in all.
    pub like: UsageRef<'a>,
    /// All of them.
    pub rows: R,
}

/// A row, as far as it is no other's.
#[derive(Clone, Copy, Debug)]
pub struct Each<'a> {
    /// As in [`UsageRow`], and so are the others.
    pub resource: &'a [u8],
    /// See above.
    pub count: u64,
    /// See above.
    pub first_seen_us: i64,
    /// See above.
    pub last_seen_us: i64,
}

impl<'a> From<UsageRef<'a>> for Alike<'a, [Each<'a>; 1]> {
    /// A row that need not be like others.
    fn from(row: UsageRef<'a>) -> Self {
        let each = Each {
            resource: row.resource,
            count: row.count,
            first_seen_us: row.first_seen_us,
            last_seen_us: row.last_seen_us,
        };
        Self {
            like: row,
            rows: [each],
        }
    }
}

/// The columns of a file that is being made.
pub(super) struct Columns<'a> {
    window_start: Runs<i64>,
    window_end: Runs<i64>,
    cluster: Runs<&'a str>,
    node: Runs<&'a str>,
    subject_id: Runs<&'a str>,
    principal: Runs<&'a str>,
    surface: Runs<&'a str>,
    action: Runs<&'a str>,
    resource: Texts,
    resource_bytes: Plain,
    resource_detail: Runs<&'a str>,
    outcome: Runs<&'a str>,
    error: Runs<&'a str>,
    count: Runs<i64>,
    first_seen: Numbers,
    last_seen: Numbers,
    source: Runs<&'a str>,
    operation: Runs<&'a str>,
    endpoint: Runs<&'a str>,
    region: Runs<&'a str>,
    account: Runs<&'a str>,
    access_key_id: Runs<&'a str>,
    /// What a resource is as a text.
    text: String,
    rows: u32,
}

impl<'a> Columns<'a> {
    /// Without rows.
    pub(super) fn new() -> Self {
        Self {
            window_start: Runs::new(),
            window_end: Runs::new(),
            cluster: Runs::new(),
            node: Runs::new(),
            subject_id: Runs::new(),
            principal: Runs::new(),
            surface: Runs::new(),
            action: Runs::new(),
            resource: Texts::new(),
            resource_bytes: Plain::new(),
            resource_detail: Runs::new(),
            outcome: Runs::new(),
            error: Runs::new(),
            count: Runs::new(),
            first_seen: Numbers::new(),
            last_seen: Numbers::new(),
            source: Runs::new(),
            operation: Runs::new(),
            endpoint: Runs::new(),
            region: Runs::new(),
            account: Runs::new(),
            access_key_id: Runs::new(),
            text: String::new(),
            rows: 0,
        }
    }

    /// Whether there is no row.
    pub(super) fn are_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds rows.
    pub(super) fn push<R>(&mut self, alike: Alike<'a, R>) -> Result<()>
    where
        R: IntoIterator<Item = Each<'a>>,
    {
        let before = self.rows;
        for each in alike.rows {
            self.push_each(each)?;
            self.rows += 1;
        }
        let (row, rows) = (&alike.like, self.rows - before);
        if rows == 0 {
            return Ok(());
        }
        self.window_start.push(Some(row.window_start_us), rows);
        self.window_end.push(Some(row.window_end_us), rows);
        self.cluster.push(Some(row.cluster), rows);
        self.node.push(Some(row.node), rows);
        self.subject_id.push(Some(row.subject_id), rows);
        self.principal.push(row.principal, rows);
        self.surface.push(Some(row.surface.as_str()), rows);
        self.action.push(Some(row.action), rows);
        self.resource_detail.push(row.resource_detail, rows);
        self.outcome.push(Some(row.outcome.as_str()), rows);
        self.error.push(row.error, rows);
        self.source.push(Some(row.source), rows);
        self.operation.push(row.operation, rows);
        self.endpoint.push(row.endpoint, rows);
        self.region.push(row.region, rows);
        self.account.push(row.account, rows);
        self.access_key_id.push(row.access_key_id, rows);
        Ok(())
    }

    fn push_each(&mut self, each: Each<'a>) -> Result<()> {
        if is_plain(each.resource) {
            self.resource.push(each.resource)?;
            self.resource_bytes.push(None)?;
        } else {
            self.text.clear();
            escape_into(each.resource, &mut self.text);
            let text = self.text.as_bytes();
            self.resource.push(text)?;
            let is_other = text != each.resource;
            self.resource_bytes
                .push(is_other.then_some(each.resource))?;
        }
        let count = i64::try_from(each.count).unwrap_or(i64::MAX);
        self.count.push(Some(count), 1);
        self.first_seen.push(each.first_seen_us);
        self.last_seen.push(each.last_seen_us);
        Ok(())
    }

    /// The file of these rows.
    pub(super) fn encode(self, properties: WriterPropertiesBuilder) -> Result<Vec<u8>> {
        let schema = UsageRow::schema();
        // One page holds most of a window's column: an index of pages would say what the column's own statistics say.
        let properties = properties.set_offset_index_disabled(true).build();
        let mut bytes = Vec::new();
        let writer = ArrowWriter::try_new(&mut bytes, Arc::clone(&schema), Some(properties))?;
        let (mut file, _) = writer.into_serialized_writer()?;
        let descriptors = file.schema_descr().columns().to_vec();
        self.write(Group {
            columns: descriptors.into_iter(),
            writer: file.next_row_group()?,
        })?;
        file.close()?;
        Ok(bytes)
    }

    /// Writes all columns, in the order of the schema.
    fn write(self, mut group: Group<'_, '_>) -> Result<()> {
        group.runs(&self.window_start)?;
        group.runs(&self.window_end)?;
        group.runs(&self.cluster)?;
        group.runs(&self.node)?;
        group.runs(&self.subject_id)?;
        group.runs(&self.principal)?;
        group.runs(&self.surface)?;
        group.runs(&self.action)?;
        group.column(|column| self.resource.chunk(column))?;
        group.column(|column| self.resource_bytes.chunk(column))?;
        group.runs(&self.resource_detail)?;
        group.runs(&self.outcome)?;
        group.runs(&self.error)?;
        group.runs(&self.count)?;
        group.column(|column| self.first_seen.chunk(column))?;
        group.column(|column| self.last_seen.chunk(column))?;
        group.runs(&self.source)?;
        group.runs(&self.operation)?;
        group.runs(&self.endpoint)?;
        group.runs(&self.region)?;
        group.runs(&self.account)?;
        group.runs(&self.access_key_id)?;
        group.writer.close()?;
        Ok(())
    }
}

/// The row group, and the columns that it still lacks.
struct Group<'a, 'b> {
    writer: SerializedRowGroupWriter<'a, &'b mut Vec<u8>>,
    columns: std::vec::IntoIter<ColumnDescPtr>,
}

impl Group<'_, '_> {
    fn runs<V: Value>(&mut self, runs: &Runs<V>) -> Result<()> {
        self.column(|column| runs.chunk(column))
    }

    fn column(
        &mut self,
        chunk: impl FnOnce(&ColumnDescPtr) -> Result<(Bytes, ColumnCloseResult)>,
    ) -> Result<()> {
        let column = self.columns.next().ok_or_else(|| {
            ParquetError::General("the table has fewer columns than are written".to_owned())
        })?;
        let (bytes, result) = chunk(&column)?;
        self.writer.append_column(&bytes, result)
    }
}
