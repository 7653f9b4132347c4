//! The Parquet tables: row types, Arrow schemas, and the conversions between them. One file per table;
//! `column` and `kind` turn one field of a row into Arrow columns and back, `word` holds the closed vocabularies.
//! Writing and reading of files is `agent::sink` and `advisor::data`.

mod column;
pub mod coverage;
pub mod describe;
pub mod endpoints;
pub mod file_action;
mod kind;
#[cfg(any(test, feature = "sample"))]
pub mod sample;
pub mod subjects;
#[cfg(test)]
mod tests;
pub mod text;
pub mod usage;
pub mod word;

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, SchemaRef},
};
use serde::{Deserialize, Serialize};

pub use self::{
    coverage::CoverageRow,
    endpoints::EndpointRow,
    subjects::SubjectRow,
    usage::{UsageRef, UsageRow},
    word::{Outcome, Surface},
};

/// Version of the tables, kept in [`VERSION_KEY`] of every file. Adding a column does not change it.
pub const SCHEMA_VERSION: &str = "1";
/// Key of the schema version in the metadata of a schema and of a Parquet file.
pub const VERSION_KEY: &str = "whittle.schema_version";
/// Key of the table's name in the metadata of a schema and of a Parquet file.
pub const TABLE_KEY: &str = "whittle.table";
/// Key of a column's description in the metadata of its field.
pub const COMMENT_KEY: &str = "comment";

/// A row type and the table that holds such rows.
pub trait Table: Sized {
    /// Name of the table, which is also its folder under the data root.
    const NAME: &'static str;
    /// What one row of the table is, in a sentence.
    const COMMENT: &'static str;

    /// The Arrow schema, with the table's name, its version and a description of each column.
    fn schema() -> SchemaRef;

    /// The rows as one Arrow batch of [`Table::schema`].
    fn to_batch(rows: &[Self]) -> RecordBatch;

    /// The rows of a batch. Columns that this version does not know are passed over, and a nullable
    /// column that is missing reads as null.
    ///
    /// # Errors
    /// A column that has to be there is missing, has an unfit type, or holds a null or an unknown word.
    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, Error>;
}

/// Rows of all tables, as one window writes them or a reader finds them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tables {
    /// Rows of `usage`.
    pub usage: Vec<UsageRow>,
    /// Rows of `subjects`.
    pub subjects: Vec<SubjectRow>,
    /// Rows of `coverage`.
    pub coverage: Vec<CoverageRow>,
    /// Rows of `endpoints`.
    pub endpoints: Vec<EndpointRow>,
}

/// Why a batch is not one of a table.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A column that every version of the table has is not there.
    #[error(
        "column {column} of table {table} is missing: the file was not written by whittle, or was rewritten without it"
    )]
    MissingColumn {
        /// The table that was asked for.
        table: &'static str,
        /// The column's name.
        column: String,
    },
    /// The column's type cannot be turned into the one that the table has.
    #[error("column {column} of table {table} is {found}, which cannot be read as {wanted}")]
    ColumnType {
        /// The table that was asked for.
        table: &'static str,
        /// The column's name.
        column: String,
        /// The type found.
        found: DataType,
        /// The type of the table's schema.
        wanted: DataType,
    },
    /// A column that always has a value has none in this row.
    #[error("column {column} of table {table} is null in row {row}, where a value is required")]
    Null {
        /// The table that was asked for.
        table: &'static str,
        /// The column's name.
        column: String,
        /// Index of the row in its batch.
        row: usize,
    },
    /// A value that the column cannot hold, such as a word of a newer version or a negative count.
    #[error(
        "column {column} of table {table} holds {value:?}, which this version of whittle does not know: read it with a newer one"
    )]
    Value {
        /// The table that was asked for.
        table: &'static str,
        /// The column's name.
        column: String,
        /// The value, as text.
        value: String,
    },
}

/// Declares a row type and implements [`Table`] for it. Each entry is the column's description, its
/// name, and the field with the kind that converts it; the descriptions become both the
/// documentation of the field and the `comment` of the column.
macro_rules! table {
    (
        #[doc = $comment:literal]
        $row:ident is $table:literal {
            $( $(#[doc = $doc:literal])+ $name:literal, $field:ident: $value:ty = $kind:ty; )+
        }
    ) => {
        #[doc = $comment]
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $row {
            $( $(#[doc = $doc])+ pub $field: $value, )+
        }

        impl $crate::table::Table for $row {
            const NAME: &'static str = $table;
            const COMMENT: &'static str = $comment;

            fn schema() -> arrow::datatypes::SchemaRef {
                use $crate::table::column::{Column, schema};
                let mut fields = Vec::new();
                $( fields.extend(<$kind>::fields($name, concat!($($doc),+).trim())); )+
                schema($table, fields)
            }

            fn to_batch(rows: &[Self]) -> arrow::array::RecordBatch {
                use $crate::table::column::Column;
                let mut arrays = Vec::new();
                $( arrays.extend(<$kind>::arrays(rows.iter().map(|row| &row.$field))); )+
                arrow::array::RecordBatch::try_new(Self::schema(), arrays)
                    .expect("the kinds that made the schema made the arrays")
            }

            fn from_batch(batch: &arrow::array::RecordBatch) -> Result<Vec<Self>, $crate::table::Error> {
                use $crate::table::column::{Column, Source};
                let source = Source { table: $table, batch };
                $( let mut $field = <$kind>::read(&source, $name)?.into_iter(); )+
                Ok((0..batch.num_rows())
                    .map(|_| Self {
                        $( $field: $field.next().expect("a column has as many values as its batch has rows"), )+
                    })
                    .collect())
            }
        }
    };
}
use table;
