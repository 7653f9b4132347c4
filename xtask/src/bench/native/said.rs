//! What programs said of what they measured: lines of `NAME=NUMBER`, of tests/bench/load.c and of whittle's log.

use std::{
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, test_kill_process_group};

/// All that a run said.
pub(super) struct Said(String);

/// Runs a command to its end.
pub(super) fn by(command: &mut Command) -> Result<Said> {
    run(command).map(|(said, _)| said)
}

/// As [`by`], to the end of all that it left behind: probes are taken off when whittle has ended.
pub(super) fn by_group(command: &mut Command) -> Result<Said> {
    let (said, group) = run(command.process_group(0))?;
    while test_kill_process_group(group).is_ok() {
        thread::sleep(Duration::from_millis(10));
    }
    Ok(said)
}

/// What the process said, and which one it was.
fn run(command: &mut Command) -> Result<(Said, Pid)> {
    let process = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let number = Pid::from_child(&process);
    let output = process.wait_with_output().context("cannot wait for it")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {errors}");
    let said = String::from_utf8_lossy(&output.stdout);
    Ok((Said(format!("{said}\n{errors}")), number))
}

impl Said {
    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// A number of the line with this mark.
    pub(super) fn number(&self, mark: &str, name: &str) -> Result<u64> {
        let mut values = self.values(mark, name);
        let found = values.next();
        found.with_context(|| format!("no {name} of {mark} in\n{}", self.0))
    }

    /// The sum of a number over all lines with this mark.
    pub(super) fn sum(&self, mark: &str, name: &str) -> u64 {
        self.values(mark, name).sum()
    }

    fn values<'a>(&'a self, mark: &'a str, name: &'a str) -> impl Iterator<Item = u64> + 'a {
        let lines = self.0.lines().filter(move |line| line.contains(mark));
        lines.filter_map(move |line| {
            let mut words = line.split(' ').filter_map(|word| word.split_once('='));
            words.find(|(word, _)| *word == name)?.1.parse().ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Said;

    #[test]
    fn numbers_are_found_by_their_line_and_name() {
        let said = Said::of(
            "whittle-time us=12 cpu_us=34\n DEBUG rows: window ring=1 seen=5\n DEBUG rows: window ring=2 seen=7\n",
        );
        assert_eq!(said.number("whittle-time", "us").ok(), Some(12));
        assert_eq!(said.number("whittle-time", "cpu_us").ok(), Some(34));
        assert_eq!(said.sum(": window ", "seen"), 12);
        assert!(said.number("whittle-time", "agent_us").is_err());
    }
}
