//! A clock that is set back by an hour. In a guest alone: tests/vm/full.list.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result, ensure};
use whittle_tests::weather::{self, program, record, who};

/// Longest window that can be, where one is to last two seconds, on an emulated CPU that has other things to do; in microseconds.
const LONGEST_US: i64 = 600_000_000;

#[test]
#[ignore = "sets the machine's clock: tests/vm/full.list runs it in a guest"]
fn a_clock_that_is_set_back_makes_no_window_longer_and_no_time_wrong() -> Result<()> {
    ensure!(
        std::env::var_os("WHITTLE_VM").is_some(),
        "this test sets the machine's clock: run it in a guest, with `cargo xtask vm -- weather --ignored clock`"
    );
    let (_guard, folder) = weather::folder()?;
    let data = folder.join("data");
    for name in ["before", "after"] {
        fs::write(folder.join(name), "x")?;
    }
    let to = data.to_str().context("a path of this test is text")?;
    let windows = 4;
    let command = program("clock.py", &[to, &windows.to_string()])?;
    let mut recorder = weather::recorder_of_windows(2, &data, &folder, &command)?;
    let weathered = record(&data, &mut recorder)?;
    let tables = &weathered.recording.tables;
    let count: u64 = String::from_utf8_lossy(&weathered.recording.output.stdout)
        .trim()
        .parse()?;

    let spans: BTreeSet<_> = tables
        .coverage
        .iter()
        .map(|row| (row.window_start_us, row.window_end_us))
        .collect();
    println!("{spans:?}");
    ensure!(spans.len() >= windows, "{} windows", spans.len());
    for (start, end) in &spans {
        ensure!(
            (0..LONGEST_US).contains(&(end - start)),
            "a window from {start} to {end}"
        );
    }
    let back = spans.first().zip(spans.last());
    ensure!(
        back.is_some_and(|(first, last)| last.0 - first.0 > LONGEST_US),
        "the clock was not set back"
    );
    for row in &tables.usage {
        // What began before a window's end is in it, and may end after it.
        ensure!(
            row.first_seen_us <= row.last_seen_us
                && row.first_seen_us >= row.window_start_us - LONGEST_US / 10
                && row.last_seen_us <= row.window_end_us + LONGEST_US / 10,
            "{row:?}"
        );
    }
    let times = |name: &str| {
        let touched = who(tables, &folder.join(name));
        touched.iter().map(|(row, _)| row.count).sum::<u64>()
    };
    assert_eq!((times("before"), times("after")), (1, count));
    Ok(())
}
