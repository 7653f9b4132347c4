//! Queries over a small recorded run, and over data that is damaged or not there.

use std::{fs, path::Path};

use whittle_agent::sink::{Place, Window, root, write_window};
use whittle_schemas::table::{Outcome, Tables};

use super::{
    engine::{Answer, ask, ask_within},
    output, *,
};
use crate::{data, report::sample};

fn write(root: &Path, node: &str, start_us: i64, tables: &Tables) {
    let place = Place {
        cluster: "a b/c".into(),
        node: node.into(),
    };
    write_window(
        root,
        &place,
        Window {
            start_us,
            end_us: start_us + 1,
        },
        tables,
    )
    .expect("the window is written");
}

fn answer(root: &Path, sql: &str) -> Answer {
    ask(root, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn csv(root: &Path, sql: &str) -> String {
    output::format(&answer(root, sql), Format::Csv).expect("it is written")
}

#[test]
fn counts_are_those_of_the_rows() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let sample = sample::tables();
    write(root.path(), "n*[1]?", 1, &sample);
    write(root.path(), "100%20", 86_400_000_001, &sample);
    let denied = sample
        .usage
        .iter()
        .filter(|row| row.outcome == Outcome::Denied)
        .count();
    assert_eq!(
        csv(
            root.path(),
            "SELECT count(*) AS n FROM usage WHERE outcome = 'denied'"
        ),
        format!("n\n{}\n", 2 * denied)
    );
    let total: u64 = sample.usage.iter().map(|row| row.count).sum();
    assert_eq!(
        csv(root.path(), "SELECT sum(count) AS n FROM usage"),
        format!("n\n{}\n", 2 * total)
    );
    let joined =
        "SELECT DISTINCT s.executable FROM usage u JOIN subjects s USING (subject_id) ORDER BY 1";
    assert_eq!(
        csv(root.path(), joined),
        "executable\n/usr/bin/python3.11\n/usr/bin/true\n"
    );
    let families = "SELECT family, seen FROM coverage GROUP BY 1, 2 ORDER BY 1";
    assert_eq!(
        csv(root.path(), families),
        "family,seen\nfile,119\nprocess,1\nsocket,4\n"
    );
}

#[test]
fn every_form_shows_times_bytes_and_nulls() {
    let root = tempfile::tempdir().expect("a temporary folder");
    write(root.path(), "n", 1, &sample::tables());
    let sql = "SELECT window_start, resource, resource_bytes, error FROM usage WHERE resource_bytes IS NOT NULL";
    let answer = answer(root.path(), sql);
    insta::assert_snapshot!(output::format(&answer, Format::Text).expect("it is written"));
    insta::assert_snapshot!(output::format(&answer, Format::Json).expect("it is written"));
    insta::assert_snapshot!(output::format(&answer, Format::Csv).expect("it is written"));
}

#[test]
fn a_result_without_rows_still_has_its_columns() {
    let root = tempfile::tempdir().expect("a temporary folder");
    root::prepare(root.path()).expect("an empty folder is prepared");
    assert_eq!(
        csv(root.path(), "SELECT action, count FROM usage"),
        "action,count\n"
    );
    assert_eq!(
        csv(root.path(), "SELECT count(*) AS n FROM subjects"),
        "n\n0\n"
    );
    let json = output::format(&answer(root.path(), "SELECT * FROM coverage"), Format::Json);
    assert_eq!(json.expect("it is written"), "[]\n");
}

#[test]
fn a_query_may_only_read() {
    let root = tempfile::tempdir().expect("a temporary folder");
    write(root.path(), "n", 1, &sample::tables());
    let outside = root.path().join("outside.csv");
    for sql in [
        "DROP TABLE usage",
        "CREATE TABLE x AS SELECT * FROM usage",
        "INSERT INTO usage SELECT * FROM usage",
        "DELETE FROM usage",
        &format!("COPY (SELECT 1) TO '{}'", outside.display()),
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "SELECT * FROM '/etc/passwd'",
        "SET datafusion.execution.batch_size = 1",
        "SELECT 1; SELECT 2",
        "SELEC 1",
        "SELECT nothing FROM usage",
        "",
    ] {
        let error = ask(root.path(), sql)
            .err()
            .unwrap_or_else(|| panic!("{sql} is refused"));
        assert!(matches!(error, Error::Refused(_)), "{sql}: {error}");
        assert!(!error.to_string().contains('\n'), "{sql}: {error}");
    }
    assert!(!outside.exists());
}

#[test]
fn a_file_cut_in_half_is_left_out_with_a_warning() {
    let root = tempfile::tempdir().expect("a temporary folder");
    write(root.path(), "n", 1, &sample::tables());
    write(root.path(), "n", 2, &sample::tables());
    let cut = data::files(root.path(), "usage")
        .expect("the folders are listed")
        .remove(0);
    let bytes = fs::read(&cut).expect("the file is read");
    fs::write(&cut, &bytes[..bytes.len() / 2]).expect("the file is cut");
    let answer = answer(root.path(), "SELECT * FROM usage");
    let rows: usize = answer
        .batches
        .iter()
        .map(arrow::array::RecordBatch::num_rows)
        .sum();
    assert_eq!(rows, sample::tables().usage.len());
    assert_eq!(
        answer.warnings,
        [format!(
            "{} is cut short or damaged; the one other file was read",
            cut.display()
        )]
    );
}

#[test]
fn damage_anywhere_in_a_file_never_takes_the_program_down() {
    let root = tempfile::tempdir().expect("a temporary folder");
    write(root.path(), "n", 1, &sample::tables());
    let path = data::files(root.path(), "usage")
        .expect("the folders are listed")
        .remove(0);
    let whole = fs::read(&path).expect("the file is read");
    for at in (0..whole.len()).step_by(97) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0xff;
        fs::write(&path, flipped).expect("the file is damaged");
        if let Err(error) = ask(root.path(), "SELECT * FROM usage") {
            assert!(
                !error.to_string().contains('\n'),
                "flipped at {at}: {error}"
            );
        }
    }
}

#[test]
fn a_query_takes_no_more_memory_than_it_may() {
    let root = tempfile::tempdir().expect("a temporary folder");
    write(root.path(), "node", 1, &sample::tables());
    let sql = "SELECT resource, count(*) FROM usage GROUP BY 1 ORDER BY 2";
    assert!(ask_within(1 << 26, root.path(), sql).is_ok());
    let error = ask_within(64, root.path(), sql).err();
    let is_too_large = matches!(error, Some(Error::TooLarge(_)));
    assert!(is_too_large, "nobody can group in 64 bytes: {error:?}");
}
