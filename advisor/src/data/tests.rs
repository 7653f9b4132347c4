//! Data roots as users have them: whole, damaged, foreign, and left by a recorder that was killed.

use std::{fs, path::Path};

use whittle_agent::sink::{Frame, Place, Spool, Window, write_window};
use whittle_schemas::table::Table;

use super::*;
use crate::report::sample;

/// A data root with a window for each of these times, in microseconds.
fn root_with_windows(starts_us: &[i64]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary folder");
    for &start_us in starts_us {
        let window = Window {
            start_us,
            end_us: start_us + 1,
        };
        write_window(root.path(), &place(), window, &sample::tables())
            .expect("the window is written");
    }
    root
}

fn place() -> Place {
    Place {
        cluster: "local".into(),
        node: "laptop".into(),
    }
}

#[test]
fn rows_of_all_windows_are_read() {
    let root = root_with_windows(&[1, 2, 86_400_000_001]);
    let rows = read(root.path()).expect("the folders are listed");
    assert_eq!((rows.files, rows.damaged.len()), (9, 0));
    let sample = sample::tables();
    assert_eq!(
        rows.tables.usage,
        [&sample.usage[..], &sample.usage, &sample.usage].concat()
    );
    assert_eq!(rows.tables.subjects.len(), 3 * sample.subjects.len());
    assert_eq!(rows.tables.coverage.len(), 3 * sample.coverage.len());
}

#[test]
fn a_file_cut_in_half_is_named_and_the_others_are_read() {
    let root = root_with_windows(&[1, 2, 3]);
    let cut = files(root.path(), "usage")
        .expect("the folders are listed")
        .remove(1);
    let bytes = fs::read(&cut).expect("the file is read");
    fs::write(&cut, &bytes[..bytes.len() / 2]).expect("the file is cut");

    let rows = read(root.path()).expect("the folders are listed");
    assert_eq!(rows.tables.usage.len(), 2 * sample::tables().usage.len());
    let sentence = damage_sentence(&rows.damaged, rows.files).expect("one is damaged");
    assert_eq!(
        sentence,
        format!(
            "{} is cut short or damaged; the other 8 files were read",
            cut.display()
        )
    );

    let (whole, damaged) =
        with_whole_end(files(root.path(), "usage").expect("the folders are listed"));
    assert_eq!((whole.len(), damaged.len()), (2, 1));
}

#[test]
fn no_damage_to_a_file_takes_the_reader_down() {
    let root = root_with_windows(&[1]);
    for table in ["usage", "coverage"] {
        let path = files(root.path(), table)
            .expect("the folders are listed")
            .remove(0);
        let whole = fs::read(&path).expect("the file is read");
        for at in (0..whole.len()).step_by(41) {
            fs::write(&path, &whole[..at]).expect("the file is cut");
            let rows = read(root.path()).expect("the folders are listed");
            assert_eq!(rows.damaged.len(), 1, "cut at {at}");

            let mut flipped = whole.clone();
            flipped[at] ^= 0xff;
            fs::write(&path, flipped).expect("the file is damaged");
            read(root.path()).expect("the folders are listed");
        }
        fs::write(&path, &whole).expect("the file is put back");
    }
}

#[test]
fn a_parquet_file_of_something_else_is_named_with_its_missing_column() {
    let root = root_with_windows(&[1]);
    let coverage = files(root.path(), "coverage")
        .expect("the folders are listed")
        .remove(0);
    fs::copy(&coverage, root.path().join("usage/stray.parquet")).expect("the file is copied");
    let rows = read(root.path()).expect("the folders are listed");
    let sentence = damage_sentence(&rows.damaged, rows.files).expect("one is passed over");
    assert!(
        sentence.contains("column subject_id of table usage is missing"),
        "{sentence}"
    );
}

#[test]
fn files_that_are_being_written_are_passed_over() {
    let root = root_with_windows(&[1]);
    fs::write(root.path().join("usage/.half.parquet.tmp"), "PAR1").expect("a file is made");
    fs::write(root.path().join("usage/.half.parquet"), "PAR1").expect("a file is made");
    assert_eq!(
        files(root.path(), "usage")
            .expect("the folders are listed")
            .len(),
        1
    );
    assert!(
        files(root.path(), "grants")
            .expect("the folders are listed")
            .is_empty()
    );
}

#[test]
fn a_folder_that_is_not_a_data_root_is_refused_with_a_sentence() {
    let missing = open(Path::new("/nonexistent/data"))
        .expect_err("it is missing")
        .to_string();
    assert_eq!(
        missing,
        "/nonexistent/data does not exist: name the folder that `whittle record --out` wrote"
    );
    let foreign = tempfile::tempdir().expect("a temporary folder");
    let foreign = open(foreign.path())
        .expect_err("it is not whittle's")
        .to_string();
    assert!(
        foreign.contains("is not a whittle data folder"),
        "{foreign}"
    );
}

#[test]
fn a_window_whose_recorder_was_killed_is_recovered_on_opening() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let mut spool = Spool::create(root.path(), &place(), 1, None).expect("the spool is made");
    let row = sample::tables().usage.remove(0);
    spool
        .append(&Frame::Usage(row.clone()))
        .expect("there is room");
    assert_eq!(
        open(root.path()).expect("it is a data root").sentences,
        ["a recorder is still writing here: its running window is not shown yet"]
    );
    drop(spool);
    assert_eq!(
        open(root.path()).expect("it is a data root").sentences,
        ["one window of a recorder that ended early was recovered"]
    );
    let rows = read(root.path()).expect("the folders are listed");
    assert_eq!(rows.tables.usage[0].resource, row.resource);
    assert!(rows.tables.coverage.iter().all(|row| !row.is_complete()));
    assert!(
        open(root.path())
            .expect("it is a data root")
            .sentences
            .is_empty()
    );
    assert_eq!(
        files(
            root.path(),
            <whittle_schemas::table::CoverageRow as Table>::NAME
        )
        .expect("listed")
        .len(),
        1
    );
}
