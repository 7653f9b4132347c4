//! The tables through Parquet and back, and what a reader says of a file that is not one.

use std::sync::Arc;

use arrow::{
    array::{Array, BinaryArray, Int64Array, RecordBatch, StringArray},
    compute::cast,
    datatypes::{DataType, Field, Schema},
};
use bytes::Bytes;
use parquet::arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder};
use proptest::prelude::*;

use super::*;

fn usage(resource: &[u8]) -> UsageRow {
    UsageRow {
        action: "read+write".into(),
        resource: resource.to_vec(),
        outcome: Outcome::Denied,
        error: Some("EACCES".into()),
        ..sample::usage()
    }
}

fn subject() -> SubjectRow {
    SubjectRow {
        executable: b"/usr/bin/python3\xff".to_vec(),
        script: Some(b"/srv/a\nb.py".to_vec()),
        uid: u32::MAX,
        user: Some("nobody".into()),
        job_ids: Some(vec!["17".into(), "a b".into()]),
        principals: Some(Vec::new()),
        cgroup: Some("/user.slice".into()),
        tgid: 4_194_304,
        start_time_us: -5,
        parent_tgid: Some(1),
        cap_effective: Some(0x1ff_ffff_ffff),
        cap_inheritable: Some(0),
        seccomp_mode: Some(2),
        no_new_privs: Some(false),
        ..sample::subject()
    }
}

fn coverage() -> CoverageRow {
    CoverageRow {
        seen: 10,
        recorded: 9,
        lost: 1,
        lost_ring_full: 1,
        lost_subjects: Some(vec!["s-1".into()]),
        lost_unattributed: Some(0),
        seen_by_cpu: Some(vec![9, 0, 1]),
        lost_by_cpu: Some(Vec::new()),
        ..sample::coverage()
    }
}

fn through_parquet<T: Table>(rows: &[T]) -> Vec<T> {
    let mut file = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut file, T::schema(), None).expect("the schema fits Parquet");
    writer
        .write(&T::to_batch(rows))
        .expect("the batch is written");
    writer.close().expect("the footer is written");
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).expect("the file is read");
    let batches = reader.build().expect("the file is read");
    batches
        .flat_map(|batch| {
            T::from_batch(&batch.expect("the batch is read")).expect("the rows are read")
        })
        .collect()
}

#[test]
fn rows_of_every_table_survive_parquet() {
    assert_eq!(
        through_parquet(&[usage(b"/etc/passwd")]),
        [usage(b"/etc/passwd")]
    );
    assert_eq!(through_parquet(&[subject()]), [subject()]);
    assert_eq!(through_parquet(&[coverage()]), [coverage()]);
    let cloud = sample::cloud_usage();
    assert_eq!(through_parquet(std::slice::from_ref(&cloud)), [cloud]);
    let endpoint = sample::endpoint();
    assert_eq!(through_parquet(std::slice::from_ref(&endpoint)), [endpoint]);
    assert_eq!(through_parquet::<UsageRow>(&[]), []);
}

#[test]
fn hostile_paths_survive_parquet_byte_for_byte() {
    let long = [b"/".as_slice(), &[b'x'; 4094]].concat();
    let deep = b"/d".repeat(250);
    let odd = (1..=255).collect::<Vec<u8>>();
    let rows = [
        &long,
        &deep,
        &odd,
        &b"/a b/new\nline".to_vec(),
        &b"/bad\xff\xfeutf8".to_vec(),
        &b"/literal\\n".to_vec(),
    ]
    .map(|path| usage(path));
    assert_eq!(through_parquet(&rows), rows);
}

proptest! {
    #[test]
    fn any_path_survives_a_batch(paths in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..20)) {
        let rows: Vec<_> = paths.iter().map(|path| usage(path)).collect();
        prop_assert_eq!(UsageRow::from_batch(&UsageRow::to_batch(&rows)).expect("the rows are read"), rows);
    }
}

#[test]
fn exact_bytes_are_kept_only_where_the_text_differs() {
    let batch = UsageRow::to_batch(&[usage(b"/plain"), usage(b"/new\nline")]);
    let text = batch
        .column_by_name("resource")
        .expect("a column")
        .as_any()
        .downcast_ref::<StringArray>()
        .expect("text");
    assert_eq!((text.value(0), text.value(1)), ("/plain", r"/new\nline"));
    let exact = batch.column_by_name("resource_bytes").expect("a column");
    let exact = exact.as_any().downcast_ref::<BinaryArray>().expect("bytes");
    assert!(exact.is_null(0));
    assert_eq!(exact.value(1), b"/new\nline");
}

/// The batch with one column replaced, or left out.
fn with_column(batch: &RecordBatch, name: &str, array: Option<&Arc<dyn Array>>) -> RecordBatch {
    let mut columns: Vec<(String, Arc<dyn Array>)> = Vec::new();
    for (field, old) in batch.schema().fields().iter().zip(batch.columns()) {
        match array {
            _ if field.name() != name => columns.push((field.name().clone(), Arc::clone(old))),
            Some(array) => columns.push((name.to_owned(), Arc::clone(array))),
            None => {}
        }
    }
    let fields: Vec<_> = columns
        .iter()
        .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .expect("the columns are equally long")
}

#[test]
fn a_missing_column_is_named_and_a_missing_nullable_one_is_null() {
    let batch = UsageRow::to_batch(&[usage(b"/new\nline")]);
    let error =
        UsageRow::from_batch(&with_column(&batch, "count", None)).expect_err("count is required");
    assert!(
        error
            .to_string()
            .starts_with("column count of table usage is missing"),
        "{error}"
    );

    let rows =
        UsageRow::from_batch(&with_column(&batch, "error", None)).expect("error is nullable");
    assert_eq!(
        rows,
        [UsageRow {
            error: None,
            ..usage(b"/new\nline")
        }]
    );
    let rows = UsageRow::from_batch(&with_column(&batch, "resource_bytes", None))
        .expect("the text has the bytes too");
    assert_eq!(rows, [usage(b"/new\nline")]);
}

#[test]
fn columns_of_another_writer_are_read_where_they_fit() {
    let batch = UsageRow::to_batch(&[usage(b"/a")]);
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let node = cast(batch.column_by_name("node").expect("a column"), &dictionary)
        .expect("text becomes a dictionary");
    let other = with_column(&batch, "node", Some(&node));
    assert_eq!(
        UsageRow::from_batch(&other).expect("a dictionary of text is text"),
        [usage(b"/a")]
    );
}

#[test]
fn a_value_that_the_column_cannot_hold_is_named() {
    let batch = UsageRow::to_batch(&[usage(b"/a")]);
    let error_of = |name: &str, array: Arc<dyn Array>| {
        UsageRow::from_batch(&with_column(&batch, name, Some(&array)))
            .expect_err("the value is unfit")
            .to_string()
    };
    let error = error_of("surface", Arc::new(StringArray::from(vec!["quantum"])));
    assert!(
        error.contains("column surface of table usage holds \"quantum\""),
        "{error}"
    );
    let error = error_of("count", Arc::new(Int64Array::from(vec![-1])));
    assert!(
        error.contains("column count of table usage holds \"-1\""),
        "{error}"
    );
    let error = error_of("count", Arc::new(Int64Array::from(vec![None])));
    assert!(error.contains("is null in row 0"), "{error}");
    let error = error_of(
        "first_seen",
        Arc::new(BinaryArray::from(vec![b"now".as_slice()])),
    );
    assert!(
        error.contains("column first_seen of table usage is Binary"),
        "{error}"
    );
}

#[test]
fn every_column_says_what_it_is() {
    for schema in [
        UsageRow::schema(),
        SubjectRow::schema(),
        CoverageRow::schema(),
    ] {
        for field in schema.fields() {
            assert!(
                field
                    .metadata()
                    .get(COMMENT_KEY)
                    .is_some_and(|comment| comment.ends_with('.')),
                "{}",
                field.name()
            );
        }
        assert_eq!(schema.metadata()[VERSION_KEY], "1");
    }
}

#[test]
fn coverage_with_a_loss_or_a_gap_is_not_complete() {
    let complete = CoverageRow {
        lost: 0,
        lost_ring_full: 0,
        recorded: 10,
        ..coverage()
    };
    assert!(complete.is_complete());
    assert!(!coverage().is_complete());
    assert!(
        !CoverageRow {
            gap_us: 1,
            ..complete.clone()
        }
        .is_complete()
    );
    assert!(
        !CoverageRow {
            gap_reason: Some("recorder ended".into()),
            ..complete.clone()
        }
        .is_complete()
    );
    assert!(
        !CoverageRow {
            backend: "none".into(),
            ..complete
        }
        .is_complete()
    );
}

#[test]
fn a_loss_counts_for_who_lost_and_for_all_where_that_is_not_known() {
    let known = coverage();
    assert!(!known.is_complete() && !known.is_complete_for("s-1"));
    assert!(known.is_complete_for("s-2"));
    for change in [
        |row: &mut CoverageRow| row.lost_unattributed = Some(1),
        |row: &mut CoverageRow| row.lost_unattributed = None,
        |row: &mut CoverageRow| row.lost_subjects = None,
        |row: &mut CoverageRow| row.seen += 1,
        |row: &mut CoverageRow| row.gap_us = 1,
    ] {
        let mut row = known.clone();
        change(&mut row);
        assert!(!row.is_complete_for("s-2"), "{row:?}");
    }
}
