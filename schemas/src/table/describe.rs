//! The tables as a document for people: `schemas/published/tables.md` is generated here, and a test
//! holds the published file to it.

use std::fmt::Write;

use arrow::datatypes::{DataType, TimeUnit};

use super::{COMMENT_KEY, CoverageRow, EndpointRow, SCHEMA_VERSION, SubjectRow, Table, UsageRow};

/// All tables in Markdown.
#[must_use]
pub fn describe() -> String {
    let mut page = format!(
        "# Tables\n\nGenerated from the schemas (`cargo test -p whittle-schemas --features table` says how). \
         Schema version {SCHEMA_VERSION}; changes are in CHANGELOG.md.\n\n\
         Parquet, zstd, below `<root>/<table>/cluster=<c>/date=<YYYY-MM-DD>/node=<n>/`; times are UTC.\n\
         Null means: not observed.\n"
    );
    table::<UsageRow>(&mut page);
    table::<SubjectRow>(&mut page);
    table::<CoverageRow>(&mut page);
    table::<EndpointRow>(&mut page);
    page
}

fn table<T: Table>(page: &mut String) {
    let mut line =
        |text: String| writeln!(page, "{text}").expect("writing to a String does not fail");
    line(format!("\n## {}\n\n{}\n", T::NAME, T::COMMENT.trim()));
    line("| column | type | null | what it is |\n|---|---|---|---|".to_owned());
    for field in T::schema().fields() {
        let comment = field.metadata().get(COMMENT_KEY).map_or("", String::as_str);
        let null = if field.is_nullable() { "yes" } else { "" };
        line(format!(
            "| {} | {} | {null} | {comment} |",
            field.name(),
            type_name(field.data_type())
        ));
    }
}

/// The type in the words of SQL engines.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "text".to_owned(),
        DataType::Int64 => "int64".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Binary => "bytes".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp, µs UTC".to_owned(),
        DataType::List(item) => format!("list of {}", type_name(item.data_type())),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use super::*;

    #[test]
    fn the_published_description_is_the_one_of_these_schemas() {
        let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("published/tables.md");
        if env::var_os("WHITTLE_PUBLISH").is_some() {
            fs::write(&published, describe()).expect("schemas/published can be written");
        }
        let text = fs::read_to_string(&published).unwrap_or_default();
        assert!(
            text == describe(),
            "schemas/published/tables.md is stale: run `WHITTLE_PUBLISH=1 cargo test -p whittle-schemas --features table` \
             and add a line to CHANGELOG.md beside it"
        );
    }
}
