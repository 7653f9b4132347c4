//! The Parquet file of table `usage`, from rows that are borrowed: most of its columns have few values (`runs`); the others
//! are written in steps, so that a window costs memory once. The other tables have few rows: `parquet`.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BinaryBuilder, Int64Array, StringArray, TimestampMicrosecondArray},
    buffer::{Buffer, OffsetBuffer},
    datatypes::{FieldRef, SchemaRef},
};
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_writer::{ArrowColumnWriter, compute_leaves},
    },
    basic::Encoding,
    errors::{ParquetError, Result},
    file::{
        properties::{EnabledStatistics, WriterPropertiesBuilder},
        writer::SerializedRowGroupWriter,
    },
    schema::types::{ColumnDescPtr, ColumnPath},
};
use whittle_schemas::table::{Table, UsageRef, UsageRow, text::escape_into, word::Word};

use super::runs::{Runs, Value};

/// Rows that become arrays at a time: few enough that what they take is taken again.
const STEP: usize = 2_048;

/// Columns that are written as they are, with how: looking their values up in a dictionary would find few.
const ENCODINGS: [(&str, Encoding); 5] = [
    ("resource", Encoding::DELTA_BYTE_ARRAY),
    ("resource_bytes", Encoding::PLAIN),
    ("count", Encoding::DELTA_BINARY_PACKED),
    ("first_seen", Encoding::DELTA_BINARY_PACKED),
    ("last_seen", Encoding::DELTA_BINARY_PACKED),
];

/// The file of these rows.
pub(super) fn encode<'a>(
    rows: impl Iterator<Item = UsageRef<'a>>,
    properties: WriterPropertiesBuilder,
) -> Result<Vec<u8>> {
    let schema = UsageRow::schema();
    // One page holds most of a window's column: an index of pages would say what the column's own statistics say.
    let mut properties = properties
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for (column, encoding) in ENCODINGS {
        properties = properties
            .set_column_dictionary_enabled(ColumnPath::from(column), false)
            .set_column_encoding(ColumnPath::from(column), encoding);
    }
    let mut bytes = Vec::new();
    let writer = ArrowWriter::try_new(&mut bytes, Arc::clone(&schema), Some(properties.build()))?;
    let (mut file, factory) = writer.into_serialized_writer()?;
    let mut columns = Columns::new(&schema, factory.create_column_writers(0)?);
    for row in rows {
        columns.push(&row)?;
    }
    let descriptors = file.schema_descr().columns().to_vec();
    columns.finish(Group {
        columns: descriptors.into_iter(),
        writer: file.next_row_group()?,
    })?;
    file.close()?;
    Ok(bytes)
}

struct Columns<'a> {
    window_start: Runs<i64>,
    window_end: Runs<i64>,
    cluster: Runs<&'a str>,
    node: Runs<&'a str>,
    subject_id: Runs<&'a str>,
    principal: Runs<&'a str>,
    surface: Runs<&'a str>,
    action: Runs<&'a str>,
    resource: Written,
    resource_bytes: Written,
    resource_detail: Runs<&'a str>,
    outcome: Runs<&'a str>,
    error: Runs<&'a str>,
    count: Written,
    first_seen: Written,
    last_seen: Written,
    source: Runs<&'a str>,
    operation: Runs<&'a str>,
    endpoint: Runs<&'a str>,
    region: Runs<&'a str>,
    account: Runs<&'a str>,
    access_key_id: Runs<&'a str>,
    step: Step,
}

/// What the rows of a step have in the columns that are [`Written`].
#[derive(Default)]
struct Step {
    resource: String,
    ends: Vec<i32>,
    resource_bytes: BinaryBuilder,
    count: Vec<i64>,
    first_seen: Vec<i64>,
    last_seen: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn new(schema: &SchemaRef, writers: Vec<ArrowColumnWriter>) -> Self {
        let mut writers: Vec<_> = writers.into_iter().map(Some).collect();
        let mut written = |name: &str| {
            let index = schema.index_of(name).expect("the table has this column");
            Written {
                field: Arc::clone(&schema.fields()[index]),
                writer: writers[index]
                    .take()
                    .expect("each column is asked for once"),
            }
        };
        Self {
            window_start: Runs::new(),
            window_end: Runs::new(),
            cluster: Runs::new(),
            node: Runs::new(),
            subject_id: Runs::new(),
            principal: Runs::new(),
            surface: Runs::new(),
            action: Runs::new(),
            resource: written("resource"),
            resource_bytes: written("resource_bytes"),
            resource_detail: Runs::new(),
            outcome: Runs::new(),
            error: Runs::new(),
            count: written("count"),
            first_seen: written("first_seen"),
            last_seen: written("last_seen"),
            source: Runs::new(),
            operation: Runs::new(),
            endpoint: Runs::new(),
            region: Runs::new(),
            account: Runs::new(),
            access_key_id: Runs::new(),
            step: Step::default(),
        }
    }

    fn push(&mut self, row: &UsageRef<'a>) -> Result<()> {
        self.window_start.push(Some(row.window_start_us));
        self.window_end.push(Some(row.window_end_us));
        self.cluster.push(Some(row.cluster));
        self.node.push(Some(row.node));
        self.subject_id.push(Some(row.subject_id));
        self.principal.push(row.principal);
        self.surface.push(Some(row.surface.as_str()));
        self.action.push(Some(row.action));
        self.resource_detail.push(row.resource_detail);
        self.outcome.push(Some(row.outcome.as_str()));
        self.error.push(row.error);
        self.source.push(Some(row.source));
        self.operation.push(row.operation);
        self.endpoint.push(row.endpoint);
        self.region.push(row.region);
        self.account.push(row.account);
        self.access_key_id.push(row.access_key_id);
        self.step.push(row);
        if self.step.ends.len() == STEP {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        let step = std::mem::take(&mut self.step);
        let Step {
            mut resource_bytes, ..
        } = step;
        let ends = step.ends;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let offsets = OffsetBuffer::new(starts.collect());
        let text = Buffer::from_vec(step.resource.into_bytes());
        let resource: ArrayRef = Arc::new(StringArray::try_new(offsets, text, None)?);
        let resource_bytes: ArrayRef = Arc::new(resource_bytes.finish());
        let count: ArrayRef = Arc::new(Int64Array::from(step.count));
        self.resource.write(&resource)?;
        self.resource_bytes.write(&resource_bytes)?;
        self.count.write(&count)?;
        self.first_seen.write(&times(step.first_seen))?;
        self.last_seen.write(&times(step.last_seen))
    }

    /// Writes all columns, in the order of the schema.
    fn finish(mut self, mut group: Group<'_, '_>) -> Result<()> {
        if !self.step.ends.is_empty() {
            self.write()?;
        }
        group.runs(&self.window_start)?;
        group.runs(&self.window_end)?;
        group.runs(&self.cluster)?;
        group.runs(&self.node)?;
        group.runs(&self.subject_id)?;
        group.runs(&self.principal)?;
        group.runs(&self.surface)?;
        group.runs(&self.action)?;
        group.written(self.resource)?;
        group.written(self.resource_bytes)?;
        group.runs(&self.resource_detail)?;
        group.runs(&self.outcome)?;
        group.runs(&self.error)?;
        group.written(self.count)?;
        group.written(self.first_seen)?;
        group.written(self.last_seen)?;
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

impl Step {
    fn push(&mut self, row: &UsageRef<'_>) {
        let start = self.resource.len();
        escape_into(row.resource, &mut self.resource);
        self.ends.push(
            i32::try_from(self.resource.len()).expect("so many paths are of fewer bytes than 2^31"),
        );
        if self.resource.as_bytes()[start..] == *row.resource {
            self.resource_bytes.append_null();
        } else {
            self.resource_bytes.append_value(row.resource);
        }
        self.count
            .push(i64::try_from(row.count).unwrap_or(i64::MAX));
        self.first_seen.push(row.first_seen_us);
        self.last_seen.push(row.last_seen_us);
    }
}

fn times(values: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
}

/// The row group, and the columns that it still lacks.
struct Group<'a, 'b> {
    writer: SerializedRowGroupWriter<'a, &'b mut Vec<u8>>,
    columns: std::vec::IntoIter<ColumnDescPtr>,
}

impl Group<'_, '_> {
    fn runs<V: Value>(&mut self, runs: &Runs<V>) -> Result<()> {
        let column = self.columns.next().ok_or_else(too_many)?;
        let (bytes, result) = runs.chunk(&column)?;
        self.writer.append_column(&bytes, result)
    }

    fn written(&mut self, column: Written) -> Result<()> {
        self.columns.next().ok_or_else(too_many)?;
        column.writer.close()?.append_to_row_group(&mut self.writer)
    }
}

fn too_many() -> ParquetError {
    ParquetError::General("the table has fewer columns than are written".to_owned())
}

/// A column that Parquet's own writer encodes.
struct Written {
    field: FieldRef,
    writer: ArrowColumnWriter,
}

impl Written {
    fn write(&mut self, array: &ArrayRef) -> Result<()> {
        for leaf in compute_leaves(&self.field, array)? {
            self.writer.write(&leaf)?;
        }
        Ok(())
    }
}
