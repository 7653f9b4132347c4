//! Spools whose writer was killed, and what time and disks do to them.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use whittle_schemas::{
    record::Family,
    table::{CoverageRow, SubjectRow, UsageRow},
};

use super::{
    RESOURCE, START_US, WINDOW, coverage, deed, files_below, place, rows, somebody, subject,
    tables, usage,
};
use crate::sink::{Append, Error, Frame, Like, Spool, Touched, recover, spool, write_window};

#[test]
fn a_killed_recorder_loses_nothing_that_it_had_spooled() {
    const ROLE: &str = "WHITTLE_TEST_SPOOL_WRITER";
    if let Some(root) = env::var_os(ROLE) {
        write_until_killed(Path::new(&root));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(env::current_exe().expect("a test has a file"))
        .args([
            "--exact",
            "--nocapture",
            "sink::tests::spool::a_killed_recorder_loses_nothing_that_it_had_spooled",
        ])
        .env(ROLE, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test runs itself");
    let promised = rows_promised(&mut child, 500);

    let alive = recover(folder.path(), START_US).expect("the spools are listed");
    assert_eq!(
        (alive.windows.len(), alive.live),
        (0, 1),
        "the spool of a living writer is left alone"
    );
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");

    let recovered = recover(folder.path(), START_US + 20_000_000).expect("the spools are listed");
    assert_eq!(
        (
            recovered.windows.len(),
            recovered.live,
            recovered.failed.len()
        ),
        (1, 0, 0),
        "{recovered:?}"
    );
    let usage = rows::<UsageRow>(folder.path());
    assert!(
        usage.len() >= promised,
        "{} rows, but {promised} were promised",
        usage.len()
    );
    for (number, row) in usage.iter().enumerate() {
        assert_eq!(row.resource, format!("/file-{number}").into_bytes());
        assert_eq!(
            (row.window_start_us, row.window_end_us),
            (START_US, START_US + 20_000_000)
        );
    }
    let coverage = rows::<CoverageRow>(folder.path());
    assert_eq!(coverage.len(), Family::ALL.len());
    for row in &coverage {
        assert_eq!(
            row.gap_reason.as_deref(),
            Some("recorder ended before the window did")
        );
        assert_eq!(
            (row.gap_us, row.seen),
            (15_000_000, row.recorded + row.lost)
        );
    }
    let of_files = coverage
        .iter()
        .find(|row| row.family == "file")
        .expect("each family has a row");
    assert_eq!(
        (of_files.recorded, of_files.backend.as_str()),
        (2 * usage.len() as u64, "syscall")
    );
    assert_eq!(
        fs::read_dir(folder.path().join(".spool"))
            .expect("the folder is there")
            .count(),
        0
    );

    let again = recover(folder.path(), START_US).expect("the spools are listed");
    assert!(again.windows.is_empty(), "a window is recovered once");
}

/// Says after each row how many are spooled, without an end.
fn write_until_killed(root: &Path) -> ! {
    let mut spool = Spool::create(root, &place(), START_US, Some(START_US + 60_000_000))
        .expect("the spool is made");
    for number in 0_u64.. {
        spool
            .append(&Frame::Usage(usage(format!("/file-{number}"))))
            .expect("there is room");
        println!("spooled {}", number + 1);
    }
    unreachable!("the counter does not end")
}

/// Reads until the child has promised this many rows, and returns how many it has.
fn rows_promised(child: &mut Child, enough: usize) -> usize {
    let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
    for line in output.lines() {
        let line = line.expect("the output is text");
        let promised = line
            .rsplit_once("spooled ")
            .and_then(|(_, number)| number.parse().ok())
            .unwrap_or(0);
        if promised >= enough {
            return promised;
        }
    }
    panic!("the writer ended before it was killed")
}

/// A spool whose writer is gone, with the rows of [`tables`]; its path.
fn dead_spool(root: &Path) -> PathBuf {
    let mut spool = Spool::create(root, &place(), START_US, None).expect("the spool is made");
    for row in tables().usage {
        spool.append(&Frame::Usage(row)).expect("there is room");
    }
    for _ in 0..2 {
        spool
            .append(&Frame::Subject(Box::new(subject())))
            .expect("there is room");
        spool
            .append(&Frame::Coverage(coverage(Family::File)))
            .expect("there is room");
    }
    files_below(&root.join(".spool")).remove(0)
}

#[test]
fn a_recovered_window_counts_what_was_never_spooled_as_lost() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    dead_spool(folder.path());
    recover(folder.path(), 0).expect("the spools are listed");
    assert_eq!(
        rows::<SubjectRow>(folder.path()).len(),
        1,
        "a later row of the same subject replaces the earlier"
    );
    let coverage = rows::<CoverageRow>(folder.path());
    let of_files = coverage
        .iter()
        .find(|row| row.family == "file")
        .expect("each family has a row");
    // The kernel counted 10 and lost 3; the rows hold 4, so that 3 more are gone.
    assert_eq!(
        (of_files.seen, of_files.recorded, of_files.lost),
        (10, 4, 6)
    );
    assert_eq!((of_files.lost_ring_full, of_files.lost_unresolved), (3, 3));
}

#[test]
fn a_spool_cut_or_damaged_anywhere_keeps_the_rows_before() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = fs::read(dead_spool(folder.path())).expect("the spool is read");
    let check = |bytes: &[u8], what: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let spool = dead_spool(folder.path());
        fs::write(&spool, bytes).expect("the spool is replaced");
        let recovered = recover(folder.path(), 0).expect("the spools are listed");
        assert!(
            recovered
                .failed
                .iter()
                .all(|error| matches!(error, Error::Version { .. })),
            "{what}: {recovered:?}"
        );
        let usage = rows::<UsageRow>(folder.path());
        assert_eq!(
            usage.iter().map(|row| &row.resource).collect::<Vec<_>>(),
            tables()
                .usage
                .iter()
                .map(|row| &row.resource)
                .take(usage.len())
                .collect::<Vec<_>>(),
            "{what}"
        );
        usage.len()
    };
    assert_eq!(check(&whole, "whole"), 2);
    for cut in (0..whole.len()).step_by(37) {
        check(&whole[..cut], &format!("cut at {cut}"));
        let mut damaged = whole.clone();
        damaged[cut] ^= 0x41;
        check(&damaged, &format!("damaged at {cut}"));
    }
}

#[test]
fn a_spool_of_another_version_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spool = dead_spool(folder.path());
    fs::write(&spool, b"whittle spool 9\nwhatever").expect("the spool is replaced");
    let recovered = recover(folder.path(), 0).expect("the spools are listed");
    assert!(
        matches!(&recovered.failed[..], [Error::Version { path }] if *path == spool),
        "{recovered:?}"
    );
    assert!(spool.exists());
}

#[test]
fn a_spool_whose_window_is_written_is_only_removed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spool = dead_spool(folder.path());
    write_window(folder.path(), &place(), WINDOW, &tables()).expect("the window is written");
    let recovered = recover(folder.path(), 0).expect("the spools are listed");
    assert!(recovered.windows.is_empty() && recovered.failed.is_empty() && !spool.exists());
    assert_eq!(rows::<CoverageRow>(folder.path()), tables().coverage);
}

#[test]
fn a_spool_stops_growing_at_its_bound_and_counts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut spool = Spool::create(folder.path(), &place(), START_US, None)
        .expect("the spool is made")
        .bounded_to(2000);
    let appended: Vec<_> = (0..100)
        .map(|_| {
            spool
                .append(&Frame::Usage(usage("/a")))
                .expect("there is room on the disk")
        })
        .collect();
    let spooled = appended
        .iter()
        .filter(|append| **append == Append::Spooled)
        .count();
    assert!((1..100).contains(&spooled));
    assert_eq!(spool.refused(), 100 - spooled as u64);
    let path = files_below(&folder.path().join(".spool")).remove(0);
    assert!(fs::metadata(&path).expect("it is there").len() <= 2000);
    spool.sync().expect("it is made durable");
    spool.remove().expect("it is removed");
    assert!(!path.exists());
}

#[test]
fn the_encoding_of_a_spool_changes_only_with_its_version() {
    let (who, deed) = (somebody(), deed());
    let touched = Touched::new(&who, &deed, RESOURCE, "syscall", START_US);
    let frames = [
        Frame::Window {
            place: place(),
            start_us: START_US,
            planned_end_us: Some(1),
        },
        Frame::Touched(touched),
        Frame::Usage(usage("/a")),
        Frame::Subject(Box::new(subject())),
        Frame::Coverage(coverage(Family::Socket)),
        Frame::Like(Like::new(RESOURCE, 7)),
    ];
    let bytes: Vec<u8> = frames
        .iter()
        .flat_map(|frame| postcard::to_stdvec(frame).expect("it is encoded"))
        .collect();
    let encoding = (spool::MAGIC, bytes.len(), crc32fast::hash(&bytes));
    let known = (b"whittle spool 6\n", 353, 3_047_415_378);
    assert_eq!(
        encoding, known,
        "the rows changed: count up the digit in MAGIC, then put the new figures here"
    );
}

#[test]
fn a_spool_that_holds_nothing_says_nothing_about_coverage() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    drop(Spool::create(folder.path(), &place(), START_US, None).expect("the spool is made"));
    let recovered = recover(folder.path(), 0).expect("the spools are listed");
    assert!(recovered.windows.is_empty() && recovered.failed.is_empty());
    assert!(
        rows::<CoverageRow>(folder.path()).is_empty()
            && files_below(&folder.path().join(".spool")).is_empty()
    );

    drop(
        Spool::create(folder.path(), &place(), START_US, Some(START_US + 5))
            .expect("the spool is made"),
    );
    recover(folder.path(), START_US + 9).expect("the spools are listed");
    let coverage = rows::<CoverageRow>(folder.path());
    assert!(coverage.len() == Family::ALL.len() && coverage.iter().all(|row| row.gap_us == 5));
}

#[test]
fn calls_to_a_cloud_that_were_spooled_have_a_coverage_when_they_are_recovered() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut spool = Spool::create(folder.path(), &place(), START_US, None).expect("it is new");
    let call = UsageRow {
        source: "cloud/openssl".to_owned(),
        count: 3,
        ..usage("/unused")
    };
    spool
        .append(&Frame::Usage(call))
        .expect("the disk has room");
    drop(spool);
    recover(folder.path(), START_US).expect("the spools are listed");
    let coverage = rows::<CoverageRow>(folder.path());
    let cloud: Vec<_> = coverage
        .iter()
        .filter(|row| row.family == "cloud")
        .collect();
    let [row] = &cloud[..] else {
        panic!("one row about cloud, not {cloud:?}");
    };
    assert_eq!(
        (row.backend.as_str(), row.seen, row.recorded),
        ("openssl", 3, 3)
    );
    assert!(!row.is_complete());
}
