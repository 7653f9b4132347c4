//! Windows onto disks that take them, and onto ones that do not.

use std::{ffi::CString, fs, fs::File, io::Seek, io::Write, path::PathBuf, sync::Arc};

use ::parquet::arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder};
use arrow::compute::concat_batches;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use whittle_schemas::table::{
    CoverageRow, Outcome, SubjectRow, Surface, Table, Tables, UsageRow, sample, word::Word,
};

use super::{START_US, WINDOW, files_below, place, rows, tables, usage};
use crate::sink::{Alike, Error, Frame, Spool, Window, recover, root, write_usage, write_window};

#[test]
fn a_window_is_written_where_the_design_says_and_reads_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("data");
    let files = write_window(&root, &place(), WINDOW, &tables()).expect("the window is written");
    let partition = "cluster=local/date=2026-09-21/node=laptop";
    let name = format!("{START_US}-{}.parquet", std::process::id());
    let expected = ["usage", "subjects", "endpoints", "coverage"]
        .map(|table| root.join(table).join(partition).join(&name));
    assert_eq!(files, expected);
    assert_eq!(rows::<UsageRow>(&root), tables().usage);
    assert_eq!(rows::<SubjectRow>(&root), tables().subjects);
    assert_eq!(rows::<CoverageRow>(&root), tables().coverage);
}

#[test]
fn the_parquet_file_names_its_table_and_schema_version() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files =
        write_window(folder.path(), &place(), WINDOW, &tables()).expect("the window is written");
    let file = File::open(&files[0]).expect("the file is there");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("it is Parquet");
    let metadata = reader
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .expect("it has metadata");
    let value = |key: &str| {
        metadata
            .iter()
            .find(|entry| entry.key == key)
            .and_then(|entry| entry.value.clone())
    };
    assert_eq!(value("whittle.table").as_deref(), Some("usage"));
    assert_eq!(value("whittle.schema_version").as_deref(), Some("1"));
}

/// A tmpfs on a folder of its own, gone when dropped.
struct Tmpfs {
    folder: tempfile::TempDir,
}

impl Tmpfs {
    fn new(flags: MountFlags, size: &str) -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test mounts a tmpfs: run it as root"
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = CString::new(format!("size={size}")).expect("no NUL in it");
        mount(
            "whittle-test",
            folder.path(),
            "tmpfs",
            flags,
            Some(options.as_c_str()),
        )
        .expect("root may mount a tmpfs");
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        unmount(self.folder.path(), UnmountFlags::DETACH)
            .expect("what was mounted can be unmounted");
    }
}

#[test]
fn a_full_disk_is_said_to_be_full_and_what_was_there_stays_readable() {
    let tmpfs = Tmpfs::new(MountFlags::empty(), "512k");
    let root = tmpfs.path();
    write_window(&root, &place(), WINDOW, &tables()).expect("the first window fits");
    let mut spool = Spool::create(&root, &place(), START_US, None).expect("a spool fits");
    let before = files_below(&root);
    let kept = rows::<UsageRow>(&root);

    let mut ballast = File::create(tmpfs.folder.path().join("ballast")).expect("a file is made");
    while ballast.write_all(&[0; 4096]).is_ok() {}

    let later = Window {
        start_us: START_US + 1,
        end_us: START_US + 2,
    };
    let error = write_window(&root, &place(), later, &tables()).expect_err("the disk is full");
    assert!(
        matches!(&error, Error::DiskFull { path } if path.starts_with(&root)),
        "{error}"
    );
    let mut spooled = 0;
    let error = loop {
        match spool.append(&Frame::Usage(usage("/spooled"))) {
            Ok(_) => spooled += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, Error::DiskFull { .. }), "{error}");
    assert_eq!(files_below(&root), before, "no temporary file stays");
    assert_eq!(rows::<UsageRow>(&root), kept);

    drop(ballast);
    fs::remove_file(tmpfs.folder.path().join("ballast")).expect("the ballast goes");
    spool
        .append(&Frame::Usage(usage("/after")))
        .expect("there is room again");
    drop(spool);
    let other = Window {
        start_us: START_US + 3,
        ..later
    };
    write_window(&root, &place(), other, &tables()).expect("there is room again");
    assert_eq!(rows::<UsageRow>(&root).len(), 2 * kept.len());

    // The coverage of the first window stands under the spool's name; without it, the spool is recovered.
    fs::remove_dir_all(root.join("coverage")).expect("the folder goes");
    let recovered = recover(&root, START_US).expect("the spools are listed");
    assert_eq!(
        (recovered.windows.len(), recovered.windows[0].torn_bytes),
        (1, 0),
        "{recovered:?}"
    );
    let after: Vec<_> = rows::<UsageRow>(&root)
        .into_iter()
        .map(|row| row.resource)
        .collect();
    assert_eq!(
        after.iter().filter(|path| *path == b"/spooled").count(),
        spooled
    );
    assert_eq!(
        after.iter().filter(|path| *path == b"/after").count(),
        1,
        "a torn frame hides no later one"
    );
}

#[test]
fn a_read_only_disk_is_said_to_be_read_only() {
    let tmpfs = Tmpfs::new(MountFlags::RDONLY, "64k");
    let error = write_window(&tmpfs.path(), &place(), WINDOW, &tables())
        .expect_err("nothing can be written");
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    let error =
        Spool::create(&tmpfs.path(), &place(), 0, None).expect_err("nothing can be written");
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
}

#[test]
fn a_file_in_the_place_of_a_partition_is_said_to_be_no_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    root::prepare(folder.path()).expect("an empty folder is prepared");
    fs::write(folder.path().join("usage"), "").expect("a file is made");
    let error =
        write_window(folder.path(), &place(), WINDOW, &tables()).expect_err("usage is no folder");
    assert!(matches!(&error, Error::NotAFolder { .. }), "{error}");
}

/// Rows of every kind of value: few and many, none, long runs and none, texts that stand apart and are the same.
fn many() -> Vec<UsageRow> {
    let row = |index: i64| UsageRow {
        subject_id: format!("s-{}", index % 300),
        principal: (index % 7 == 0).then(|| format!("role-{}", index / 5_000)),
        surface: Surface::ALL[usize::try_from(index / 1_000).expect("it is positive") % 2],
        action: ["read", "write"][usize::try_from(index % 2).expect("it is positive")].to_owned(),
        resource: match index % 10 {
            9 => vec![b'/', 0xff, index.to_le_bytes()[0]],
            _ => format!("/srv/{}/file-{index}", index / 100).into_bytes(),
        },
        resource_detail: (index > 2_500).then(|| "d".repeat(100)),
        outcome: Outcome::ALL[usize::try_from(index % 3).expect("it is positive")],
        error: (index % 3 != 0).then(|| "EACCES".to_owned()),
        count: u64::try_from(index).expect("it is positive"),
        first_seen_us: START_US + index,
        last_seen_us: START_US + 2 * index,
        region: (index == 4_999).then(|| "eu-west-1".to_owned()),
        ..sample::usage()
    };
    (0..5_000).map(row).collect()
}

#[test]
fn usage_reads_back_as_rows_and_as_the_general_writer_would_have_written_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (rows, cloud) = (many(), sample::cloud_usage());
    let tables = Tables {
        usage: vec![cloud.clone()],
        ..Tables::default()
    };
    let borrowed = rows.iter().map(|row| Alike::from(row.borrowed()));
    let files = write_usage(folder.path(), &place(), WINDOW, borrowed, &tables)
        .expect("the window is written");
    let all: Vec<_> = rows.into_iter().chain([cloud]).collect();
    assert_eq!(super::rows::<UsageRow>(folder.path()), all);

    let read = |file: File| {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("it is Parquet");
        let schema = Arc::clone(reader.schema());
        let reader = reader.with_batch_size(all.len()).build();
        let batches = reader
            .expect("it is Parquet")
            .map(|batch| batch.expect("it is whole"));
        concat_batches(&schema, &batches.collect::<Vec<_>>()).expect("all have one schema")
    };
    let mut general = tempfile::tempfile().expect("a temporary file");
    let mut writer = ArrowWriter::try_new(&mut general, UsageRow::schema(), None)
        .expect("the schema is one of Parquet's");
    writer
        .write(&UsageRow::to_batch(&all))
        .expect("there is room");
    writer.close().expect("there is room");
    general.rewind().expect("it is a file");
    let written = File::open(&files[0]).expect("the file is there");
    let (written, general) = (read(written), read(general));
    assert_eq!(written.columns(), general.columns());
    assert_eq!(written.schema().fields(), general.schema().fields());
}

#[test]
fn the_statistics_of_usage_are_of_its_least_and_most() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rows = many();
    let borrowed = rows.iter().map(|row| Alike::from(row.borrowed()));
    let files = write_usage(
        folder.path(),
        &place(),
        WINDOW,
        borrowed,
        &Tables::default(),
    )
    .expect("the window is written");
    let file = File::open(&files[0]).expect("the file is there");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("it is Parquet");
    let group = reader.metadata().row_group(0);
    let check = |name: &str, nulls: u64, least: &[u8], most: &[u8]| {
        let mut columns = group.columns().iter();
        let column = columns.find(|column| column.column_path().string() == name);
        let statistics = column.and_then(|column| column.statistics());
        let statistics = statistics.unwrap_or_else(|| panic!("{name} has statistics"));
        assert_eq!(statistics.null_count_opt(), Some(nulls), "{name}");
        assert_eq!(statistics.min_bytes_opt(), Some(least), "{name}");
        assert_eq!(statistics.max_bytes_opt(), Some(most), "{name}");
    };
    check("subject_id", 0, b"s-0", b"s-99");
    check("error", 1_667, b"EACCES", b"EACCES");
    check("count", 0, &0_i64.to_le_bytes(), &4_999_i64.to_le_bytes());
    let start = START_US.to_le_bytes();
    check("window_start", 0, &start, &start);
}
