//! Processes that take each other's CPU all the time. Where the kernel preempts probes (Linux 7), several of them are inside of the same one.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use whittle_schemas::{record::Family, table::Tables};
use whittle_tests::{
    left_out::LeftOut,
    weather::{self, program, record, recorder},
    workload,
};

const PROCESSES: u64 = 6;

/// Of so many accesses that a family saw, or of fewer, it may lose one. Without stand-ins Linux 7.3 loses one in 10.
const OF: u64 = 200;

#[test]
fn of_processes_that_take_each_others_cpu_hardly_anything_is_lost_and_nothing_mixed_up()
-> Result<()> {
    let (_guard, folder) = weather::folder()?;
    let turns = 10 * workload::scale()? as u64;
    for number in 0..PROCESSES {
        std::fs::write(folder.join(format!("of-{number}")), "")?;
    }
    let path = folder.display().to_string();
    let arguments = [&path, &PROCESSES.to_string(), &turns.to_string()];
    let peer = program("turns.py", &arguments.map(String::as_str))?;
    let data = folder.join("data");
    let weathered = record(&data, &mut recorder(&data, &folder, &peer)?)?;
    let program = String::from_utf8(weathered.recording.output.stdout)?;
    let tables = &weathered.recording.tables;

    let (mut files, mut sockets) = (BTreeMap::new(), BTreeMap::new());
    for number in 0..PROCESSES {
        let file = format!("{path}/of-{number}");
        files.insert(format!("read {file}"), turns);
        files.insert(format!("chown {file}"), turns);
        files.insert(format!("mkdir {file}-folder"), turns);
        files.insert(format!("rmdir {file}-folder"), turns);
        sockets.insert(format!("send 127.0.0.1:{}/udp", 20_000 + number), turns);
    }
    let runs = PROCESSES * turns.div_ceil(50);
    let programs = BTreeMap::from([(format!("execute {}", program.trim()), runs)]);
    let capabilities = BTreeMap::from([("use CAP_CHOWN".to_owned(), PROCESSES * turns)]);
    let all = [
        (Family::File, files),
        (Family::Socket, sockets),
        (Family::Process, programs),
        (Family::Capability, capabilities),
    ];
    for (family, expected) in all {
        let rows = tables.coverage.iter();
        let rows = rows.filter(|row| row.family == family.name());
        let seen: u64 = rows.map(|row| row.seen).sum();
        if seen == 0 {
            // This host has no hooks for it, which `families` holds it to.
            ensure!(family == Family::Capability, "{} is blind", family.name());
            continue;
        }
        let left_out = LeftOut::of(tables, &[family]);
        println!("{}: {} of {seen} left out", family.name(), left_out.0);
        left_out.explains_times(&times(tables, family, &expected), &expected)?;
        ensure!(
            left_out.0 <= seen.div_ceil(OF),
            "{} lost {} of {seen}, and one in {OF} is the most",
            family.name(),
            left_out.0
        );
    }
    Ok(())
}

/// How often each of these was recorded, and whatever else was done to files that are called so.
fn times(
    tables: &Tables,
    family: Family,
    expected: &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let mut times = BTreeMap::new();
    for row in &tables.usage {
        let what = format!("{} {}", row.action, String::from_utf8_lossy(&row.resource));
        if expected.contains_key(&what) || family == Family::File && what.contains("/of-") {
            *times.entry(what).or_default() += row.count;
        }
    }
    times
}
