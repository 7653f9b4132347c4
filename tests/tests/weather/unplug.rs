//! A CPU that goes and comes back. In a guest with two of them alone: tests/vm/two.list.

use anyhow::{Context, Result, ensure};
use whittle_schemas::record::Family;
use whittle_tests::{
    accounting,
    weather::{self, program, record, who},
};

#[test]
#[ignore = "takes a CPU away from the machine: tests/vm/two.list runs it in a guest"]
fn what_a_cpu_counted_before_it_went_is_in_the_tables() -> Result<()> {
    ensure!(
        std::env::var_os("WHITTLE_VM").is_some(),
        "this test takes a CPU away: run it in a guest, with `cargo xtask vm --processors 2`"
    );
    let (_guard, folder) = weather::folder()?;
    let data = folder.join("data");
    let users = [100, 101];
    for uid in users {
        std::fs::write(folder.join(format!("of-{uid}")), "")?;
    }
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&folder, mode)?;
    let command = program("unplug.py", &["5"])?;
    let mut recorder = weather::recorder_of_windows(3, &data, &folder, &command)?;
    let weathered = record(&data, &mut recorder)?;
    let tables = &weathered.recording.tables;
    assert_eq!(accounting::lost(tables, Family::File), 0);
    let said = String::from_utf8_lossy(&weathered.recording.output.stdout).into_owned();
    println!("{said}");
    for uid in users {
        let line = said
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{uid} ")));
        let opened: u64 = line
            .context("each process says how often it opened its file")?
            .parse()?;
        let touched = who(tables, &folder.join(format!("of-{uid}")));
        let times: u64 = touched.iter().map(|(row, _)| row.count).sum();
        assert_eq!(times, opened, "by user {uid}");
        ensure!(touched.iter().all(|(_, subject)| subject.uid == uid));
    }
    Ok(())
}
