//! A result as text, JSON or CSV.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, StringArray},
    csv,
    datatypes::{DataType, Field, Schema},
    error::ArrowError,
    json,
    util::{display::FormatOptions, pretty::pretty_format_batches_with_options},
};
use whittle_schemas::table::text::escape;

use super::{Format, engine::Answer};

/// The result, ended by a newline.
pub(super) fn format(answer: &Answer, format: Format) -> Result<String, ArrowError> {
    let batches = if answer.batches.is_empty() {
        vec![RecordBatch::new_empty(Arc::clone(&answer.schema))]
    } else {
        answer.batches.iter().map(shown).collect::<Result<_, _>>()?
    };
    match format {
        Format::Text => text(&batches),
        Format::Json => as_json(&batches),
        Format::Csv => as_csv(&batches),
    }
}

/// The batch with bytes as escaped text, which is how they are shown everywhere.
fn shown(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        if *array.data_type() == DataType::Binary {
            let texts: StringArray = array
                .as_binary::<i32>()
                .iter()
                .map(|bytes| bytes.map(escape))
                .collect();
            fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
            arrays.push(Arc::new(texts));
        } else {
            fields.push(Arc::clone(field));
            arrays.push(Arc::clone(array));
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

fn text(batches: &[RecordBatch]) -> Result<String, ArrowError> {
    let options = FormatOptions::default().with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.6f"));
    let table = pretty_format_batches_with_options(batches, &options)?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    Ok(format!(
        "{table}\n{rows} {}\n",
        if rows == 1 { "row" } else { "rows" }
    ))
}

fn as_json(batches: &[RecordBatch]) -> Result<String, ArrowError> {
    let mut bytes = Vec::new();
    let mut writer = json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, json::writer::JsonArray>(&mut bytes);
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    drop(writer);
    Ok(ended(bytes))
}

fn as_csv(batches: &[RecordBatch]) -> Result<String, ArrowError> {
    let mut bytes = Vec::new();
    let mut writer = csv::WriterBuilder::new()
        .with_header(true)
        .build(&mut bytes);
    for batch in batches {
        writer.write(batch)?;
    }
    drop(writer);
    Ok(ended(bytes))
}

fn ended(bytes: Vec<u8>) -> String {
    let mut text = String::from_utf8(bytes).expect("Arrow writes text as UTF-8");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
