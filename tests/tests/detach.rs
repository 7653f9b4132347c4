//! What is left of a recording that has ended: whittle does not wait until the kernel has taken the probes off, and then nothing is
//! left. The kernel's word on what a process holds is its folder in /proc.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, test_kill_process_group};
use whittle_tests::recorded;

/// Prints what whittle holds while it records.
const HOLDS: &str = "cat /proc/$PPID/fdinfo/*";

/// More than the kernel takes for the probes, on an emulated processor.
const MOST: Duration = Duration::from_mins(2);

/// The numbers of the links that are described in this text.
fn links(text: &str) -> BTreeSet<u32> {
    let numbers = text.lines().filter_map(|line| {
        let number = line.strip_prefix("link_id:")?;
        number.trim().parse().ok()
    });
    numbers.collect()
}

/// What the paths of a folder are, without those that went while it was read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}

/// The processes of a group.
fn members(group: Pid) -> Vec<PathBuf> {
    let of_group = |process: &PathBuf| {
        let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
        // Behind the name: state, parent, group.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let number = fields.split_whitespace().nth(2);
        number == Some(group.as_raw_nonzero().to_string().as_str())
    };
    let processes = entries(Path::new("/proc")).into_iter();
    processes.filter(of_group).collect()
}

#[test]
fn whittle_ends_before_its_probes_are_gone_and_leaves_nothing() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut whittle = recorded::whittle()?;
    whittle.args(["record", "--format", "none", "--out"]);
    whittle.arg(folder.path().join("data"));
    whittle.args(["--", "sh", "-c", HOLDS]);
    let whittle = whittle
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let group = Pid::from_child(&whittle);
    // Whoever reads what whittle prints sees the end of it.
    let output = whittle.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let links_of_whittle = links(&text);
    ensure!(links_of_whittle.len() > 5, "whittle holds no links: {text}");

    let mut waited = Duration::ZERO;
    while test_kill_process_group(group).is_ok() {
        for member in members(group) {
            for descriptor in entries(&member.join("fd")) {
                // One that is gone meanwhile is none that is kept.
                let Ok(target) = fs::read_link(&descriptor) else {
                    continue;
                };
                let target = target.to_string_lossy();
                ensure!(
                    ["anon_inode:bpf_link", "anon_inode:[perf_event]", "pipe:"]
                        .iter()
                        .any(|kept| target.starts_with(kept)),
                    "{} is kept: {target}",
                    descriptor.display()
                );
            }
        }
        ensure!(waited < MOST, "somebody is left: {:?}", members(group));
        let step = Duration::from_millis(20);
        thread::sleep(step);
        waited += step;
    }
    for process in entries(Path::new("/proc")) {
        for described in entries(&process.join("fdinfo")) {
            let text = fs::read_to_string(&described).unwrap_or_default();
            ensure!(
                links(&text).is_disjoint(&links_of_whittle),
                "{} is a link of whittle's",
                described.display()
            );
        }
    }
    Ok(())
}
