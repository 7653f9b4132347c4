//! How one field of a row becomes Arrow columns and comes back. A column is [`Required`] or [`Nullable`]
//! of a [`Kind`]; the kinds are in `kind.rs`, the columns of each table in that table's file.

use std::{collections::HashMap, marker::PhantomData, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, RecordBatch},
    compute::cast,
    datatypes::{DataType, Field, Schema, SchemaRef},
};

use super::{COMMENT_KEY, Error, SCHEMA_VERSION, TABLE_KEY, VERSION_KEY};

/// One field of a row as the columns that hold it.
pub(super) trait Column {
    /// Type of the row's field.
    type Value: 'static;

    /// The Arrow fields, mostly one.
    fn fields(name: &str, comment: &str) -> Vec<Field>;

    /// The arrays of those fields.
    fn arrays<'a>(values: impl Iterator<Item = &'a Self::Value>) -> Vec<ArrayRef>;

    /// The values, one for each row of the batch.
    fn read(source: &Source<'_>, name: &str) -> Result<Vec<Self::Value>, Error>;
}

/// A column that has a value in every row.
pub(super) struct Required<K>(PhantomData<K>);

impl<K: Kind> Column for Required<K> {
    type Value = K::Value;

    fn fields(name: &str, comment: &str) -> Vec<Field> {
        K::fields(name, comment, false)
    }

    fn arrays<'a>(values: impl Iterator<Item = &'a K::Value>) -> Vec<ArrayRef> {
        K::arrays(values.map(Some))
    }

    fn read(source: &Source<'_>, name: &str) -> Result<Vec<K::Value>, Error> {
        if source.batch.column_by_name(name).is_none() {
            return Err(Error::MissingColumn {
                table: source.table,
                column: name.to_owned(),
            });
        }
        let values = K::read(source, name)?.into_iter().enumerate();
        values
            .map(|(row, value)| {
                value.ok_or_else(|| Error::Null {
                    table: source.table,
                    column: name.to_owned(),
                    row,
                })
            })
            .collect()
    }
}

/// A column where null means: not observed.
pub(super) struct Nullable<K>(PhantomData<K>);

impl<K: Kind> Column for Nullable<K> {
    type Value = Option<K::Value>;

    fn fields(name: &str, comment: &str) -> Vec<Field> {
        K::fields(name, comment, true)
    }

    fn arrays<'a>(values: impl Iterator<Item = &'a Option<K::Value>>) -> Vec<ArrayRef> {
        K::arrays(values.map(Option::as_ref))
    }

    fn read(source: &Source<'_>, name: &str) -> Result<Vec<Option<K::Value>>, Error> {
        K::read(source, name)
    }
}

/// The schema of a table with these fields.
pub(super) fn schema(table: &str, fields: Vec<Field>) -> SchemaRef {
    let metadata = [(VERSION_KEY, SCHEMA_VERSION), (TABLE_KEY, table)];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Arc::new(Schema::new_with_metadata(fields, HashMap::from(metadata)))
}

/// A batch that is read as a table.
pub(super) struct Source<'a> {
    pub(super) table: &'static str,
    pub(super) batch: &'a RecordBatch,
}

impl Source<'_> {
    /// The column in the table's own type: another writer may have made it a dictionary or a large type.
    pub(super) fn column<A: Array + Clone + 'static>(
        &self,
        name: &str,
        wanted: &DataType,
    ) -> Result<Option<A>, Error> {
        let Some(found) = self.batch.column_by_name(name) else {
            return Ok(None);
        };
        let unfit = || Error::ColumnType {
            table: self.table,
            column: name.to_owned(),
            found: found.data_type().clone(),
            wanted: wanted.clone(),
        };
        let array = cast(found, wanted).map_err(|_| unfit())?;
        array
            .as_any()
            .downcast_ref::<A>()
            .cloned()
            .map(Some)
            .ok_or_else(unfit)
    }

    /// As many nulls as the batch has rows.
    pub(super) fn nulls<V>(&self) -> Vec<Option<V>> {
        (0..self.batch.num_rows()).map(|_| None).collect()
    }

    pub(super) fn unknown(&self, column: &str, value: &impl ToString) -> Error {
        Error::Value {
            table: self.table,
            column: column.to_owned(),
            value: value.to_string(),
        }
    }
}

/// A kind of value, apart from whether it may be missing.
pub(super) trait Kind {
    /// Type of a value that is there.
    type Value: 'static;

    fn fields(name: &str, comment: &str, nullable: bool) -> Vec<Field>;

    fn arrays<'a>(values: impl Iterator<Item = Option<&'a Self::Value>>) -> Vec<ArrayRef>;

    /// One value per row; all None where the column is not in the batch.
    fn read(source: &Source<'_>, name: &str) -> Result<Vec<Option<Self::Value>>, Error>;
}

/// A field with its description.
pub(super) fn field(name: &str, data_type: DataType, comment: &str, nullable: bool) -> Field {
    let metadata = HashMap::from([(COMMENT_KEY.to_owned(), comment.to_owned())]);
    Field::new(name, data_type, nullable).with_metadata(metadata)
}
