//! Maps at a tenth of their size: what they cannot hold goes another way, or is counted. A ring that is too small is in `accounting`:
//! with one, the map of repeats would not fill.

use anyhow::{Result, ensure};
use whittle_schemas::{record::Family, table::Outcome};
use whittle_tests::{
    accounting,
    weather::{self, record, recorder, who},
    workload,
};

/// Files, and how often one of them is opened again. A tenth of the usage map has 8,192 places, of which not all are found.
const FILES: usize = 8_000;
const AGAIN: usize = 20_000;

#[test]
fn repeats_that_a_small_usage_map_has_no_room_for_are_counted_all_the_same() -> Result<()> {
    let (_guard, folder) = weather::folder()?;
    let data = folder.join("data");
    let many = workload::many(&folder, FILES, AGAIN)?.command;
    let mut whittle = recorder(&data, &folder, &many)?;
    let weathered = record(&data, whittle.env("WHITTLE_MAP_PERCENT", "10"))?;
    let tables = &weathered.recording.tables;
    let full: u64 = tables.coverage.iter().map(|row| row.map_full).sum();
    ensure!(full > 0, "the map was large enough");

    let lost = accounting::lost(tables, Family::File);
    let mut times = 0;
    for number in 0..FILES {
        let path = folder.join(format!("many/{number}"));
        for (row, _) in who(tables, &path) {
            assert_eq!(row.outcome, Outcome::Allowed);
            let most = if number == 0 { AGAIN as u64 } else { 1 };
            assert!(row.count <= most, "{} {}", row.count, path.display());
            times += row.count;
        }
    }
    let made = (FILES + AGAIN) as u64;
    ensure!(
        times <= made && times + lost >= made,
        "{times} recorded and {lost} lost of {made}"
    );
    Ok(())
}
