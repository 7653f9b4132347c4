//! Crowds: a fork bomb in a control group that bounds it, many users, and control groups that come and go.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result, ensure};
use whittle_schemas::record::Family;
use whittle_tests::{
    accounting,
    weather::{self, Weathered, program, record, recorder, who},
    workload,
};

/// Records a program of `peers/weather` with maps of a tenth of their size.
fn with_small_maps(folder: &Path, name: &str, arguments: &[&str]) -> Result<Weathered> {
    let data = folder.join("data");
    let mut recorder = recorder(&data, folder, &program(name, arguments)?)?;
    record(&data, recorder.env("WHITTLE_MAP_PERCENT", "10"))
}

#[test]
fn a_fork_bomb_is_counted_process_by_process() -> Result<()> {
    let (_guard, folder) = weather::folder()?;
    let data = folder.join("data");
    fs::write(folder.join("touched"), "")?;
    let processes = 10 * workload::scale()?;
    let bomb = program("bomb.py", &[&processes.to_string(), "100"])?;
    let weathered = record(&data, &mut recorder(&data, &folder, &bomb)?)?;
    let said = format!("{processes} 1\n");
    assert_eq!(
        String::from_utf8_lossy(&weathered.recording.output.stdout),
        said,
        "the bomb has to go off, and to be bounded"
    );
    let tables = &weathered.recording.tables;
    assert_eq!(accounting::lost(tables, Family::File), 0);
    let touched = who(tables, &folder.join("touched"));
    let times: u64 = touched.iter().map(|(row, _)| row.count).sum();
    assert_eq!(times, processes as u64);
    for (_, subject) in touched {
        let script = subject.script.as_deref().unwrap_or_default();
        assert!(script.ends_with(b"/bomb.py"), "{subject:?}");
    }
    Ok(())
}

#[test]
fn each_of_more_users_than_the_map_of_subjects_holds_is_told_apart() -> Result<()> {
    let (_guard, folder) = weather::folder()?;
    // A tenth of the map holds 1,638.
    let (users, again) = (1_700, 100);
    let weathered = with_small_maps(
        &folder,
        "users.py",
        &["made", &users.to_string(), &again.to_string()],
    )?;
    let tables = &weathered.recording.tables;
    for family in [Family::Process, Family::File] {
        assert_eq!(accounting::lost(tables, family), 0, "{}", family.name());
    }
    for number in 0..users {
        let uid = 100_000 + number;
        let touched = who(tables, &folder.join(format!("made/by-{uid}")));
        let times: u64 = touched.iter().map(|(row, _)| row.count).sum();
        assert_eq!(times, if number < again { 2 } else { 1 }, "by user {uid}");
        for (_, subject) in touched {
            assert_eq!(subject.uid, uid, "{subject:?}");
        }
    }
    Ok(())
}

#[test]
fn a_file_that_was_made_in_a_short_lived_control_group_is_no_other_groups() -> Result<()> {
    let (_guard, folder) = weather::folder()?;
    // 200 in a second, or what the machine can, until a tenth of the map of subjects is full.
    let groups = 1_700;
    let weathered = with_small_maps(&folder, "groups.py", &["made", &groups.to_string()])?;
    let per_second = String::from_utf8_lossy(&weathered.recording.output.stdout).into_owned();
    let tables = &weathered.recording.tables;
    for family in [Family::Process, Family::File] {
        assert_eq!(accounting::lost(tables, family), 0, "{}", family.name());
    }
    let mut unknown = 0;
    for number in 0..groups {
        let path = folder.join(format!("made/by-{number}"));
        let touched = who(tables, &path);
        let [(row, _)] = touched.as_slice() else {
            anyhow::bail!("{}: {touched:?}", path.display());
        };
        assert_eq!(row.count, 1);
        let units: BTreeSet<_> = tables
            .subjects
            .iter()
            .filter(|subject| subject.subject_id == row.subject_id)
            .map(|subject| subject.systemd_unit.as_deref())
            .collect();
        let own = format!("weather-{number}.service");
        let unit = units.first().context("the subject is in the table")?;
        ensure!(
            units.len() == 1 && unit.is_none_or(|unit| unit == own),
            "{own}: {units:?}"
        );
        unknown += usize::from(unit.is_none());
    }
    println!(
        "{} groups a second; {unknown} of {groups} not told",
        per_second.trim()
    );
    Ok(())
}
