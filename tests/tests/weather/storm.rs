//! More different files than a window holds, and a folder of ten thousand.

use std::{collections::BTreeSet, fs};

use anyhow::{Result, ensure};
use whittle_schemas::record::Family;
use whittle_schemas::table::Surface;
use whittle_tests::{
    accounting,
    weather::{self, program, record, recorder},
};

#[test]
fn a_storm_of_different_files_is_recorded_or_counted_as_lost_in_bounded_memory() -> Result<()> {
    let (_guard, folder) = weather::folder()?;
    let (data, count) = (folder.join("data"), weather::storm()?);
    let storm = program("storm.py", &["many", &count.to_string()])?;
    let weathered = record(&data, &mut recorder(&data, &folder, &storm)?)?;
    let tables = &weathered.recording.tables;

    // Each file is opened and removed by the one program, once.
    let prefix = [folder.as_os_str().as_encoded_bytes(), b"/many/"].concat();
    let files: Vec<_> = tables
        .usage
        .iter()
        .filter(|row| row.surface == Surface::File && row.resource.starts_with(&prefix))
        .collect();
    let by: BTreeSet<_> = files.iter().map(|row| &row.subject_id).collect();
    assert_eq!(by.len(), 1, "one program made the storm");
    for row in &files {
        let path = String::from_utf8_lossy(&row.resource);
        assert_eq!(row.count, 1, "{} {path}", row.action);
    }
    let recorded = files.len() as u64;
    let lost = accounting::lost(tables, Family::File);
    println!("{count} files: {recorded} accesses recorded, {lost} lost");
    ensure!(
        recorded + lost >= 2 * count as u64,
        "{recorded} recorded and {lost} lost of {}",
        2 * count
    );
    let windows: BTreeSet<_> = tables
        .coverage
        .iter()
        .map(|row| row.window_start_us)
        .collect();
    if recorded > 100_000 {
        ensure!(windows.len() > 1, "a window has to end when it is full");
    }
    Ok(())
}

#[test]
fn a_walk_through_ten_thousand_files_is_recorded_one_by_one() -> Result<()> {
    let (_guard, folder) = weather::folder()?;
    let data = folder.join("data");
    for number in 0..100 {
        let below = folder.join(format!("tree/{number}"));
        fs::create_dir_all(&below)?;
        for number in 0..100 {
            fs::write(below.join(number.to_string()), "x")?;
        }
    }
    let walk = program("walk.py", &["tree"])?;
    let weathered = record(&data, &mut recorder(&data, &folder, &walk)?)?;
    assert_eq!(weathered.recording.output.stdout, b"10000\n");
    let tables = &weathered.recording.tables;
    assert_eq!(accounting::lost(tables, Family::File), 0);
    let prefix = [folder.as_os_str().as_encoded_bytes(), b"/tree"].concat();
    let rows = tables
        .usage
        .iter()
        .filter(|row| row.resource.starts_with(&prefix));
    let read: BTreeSet<_> = rows
        .map(|row| (row.action.as_str(), row.count, &row.resource))
        .collect();
    // The folder itself, those in it, and the files in these.
    assert_eq!(read.len(), 1 + 100 + 10_000);
    assert!(read.iter().all(|row| (row.0, row.1) == ("read", 1)));
    Ok(())
}
