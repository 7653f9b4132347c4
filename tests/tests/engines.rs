//! What whittle writes as Parquet, other engines read: `duckdb` with a reader of its own, and `pyarrow` with that of Arrow's C++. They find the
//! rows that are there, and by the statistics of the files no fewer.

use std::{collections::BTreeMap, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use whittle_schemas::table::{Table, UsageRow, text::escape, word::Word};
use whittle_tests::{recorded, weather};
use xtask::setup::venv;

const ENGINES: [&str; 2] = ["DuckDB", "Arrow"];

/// A row as `read.py` prints it.
fn line(row: &UsageRow) -> String {
    let text = escape(&row.resource);
    let exact = (text.as_bytes() != row.resource).then(|| hex(&row.resource));
    let times = [
        row.window_start_us,
        row.window_end_us,
        row.first_seen_us,
        row.last_seen_us,
    ];
    let columns = [
        json!(text),
        json!(exact),
        json!(row.subject_id),
        json!(row.surface.as_str()),
        json!(row.action),
        json!(row.outcome.as_str()),
        json!(row.error),
        json!(row.count),
        json!(row.source),
    ];
    let columns: Vec<Value> = columns
        .into_iter()
        .chain(times.map(|time| json!(time)))
        .collect();
    Value::from(columns).to_string()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String does not fail");
        text
    })
}

#[test]
fn duckdb_and_arrow_find_the_rows_that_were_written() -> Result<()> {
    let python = venv::installed()?;
    let (_guard, folder) = weather::folder()?;
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("engines");
    let data = folder.join("data");
    let command = [python.clone(), scripts.join("open.py")].map(Into::into);
    let recording = recorded::record(&data, &folder, &command)?;
    let rows = recording.tables.usage;
    ensure!(rows.len() > 6_000, "{} rows", rows.len());
    let mut times: Vec<_> = rows.iter().map(|row| row.last_seen_us).collect();
    times.sort_unstable();
    let since = times[times.len() / 2];
    let named = rows
        .iter()
        .find(|row| row.count > 1)
        .context("a repeat")?
        .resource
        .clone();

    let output = Command::new(&python)
        .arg(scripts.join("read.py"))
        .args([since.to_string(), escape(&named)])
        .args(recorded::files(&data, UsageRow::NAME)?)
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut answers = BTreeMap::new();
    for text in String::from_utf8(output.stdout)?.lines() {
        let said: Value = serde_json::from_str(text)?;
        let engine = said["engine"].as_str().context("an engine")?.to_owned();
        match said.get("row") {
            Some(row) => found.entry(engine).or_default().push(row.to_string()),
            None => {
                answers.insert(engine, (said["late"].as_u64(), said["named"].as_u64()));
            }
        }
    }
    let late = rows.iter().filter(|row| row.last_seen_us >= since).count() as u64;
    let times = rows.iter().filter(|row| row.resource == named);
    let times: u64 = times.map(|row| row.count).sum();
    let mut expected: Vec<_> = rows.iter().map(line).collect();
    expected.sort();
    for engine in ENGINES {
        let mut found = found.remove(engine).context(engine)?;
        found.sort();
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{engine}");
        }
        assert_eq!(found.len(), expected.len(), "{engine}");
        assert_eq!(answers[engine], (Some(late), Some(times)), "{engine}");
    }
    Ok(())
}
