//! One run of QEMU: software emulation, the serial console as output, a time limit, and how it ended.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::kernel::Kernel;
use crate::command;

const QEMU: &str = "qemu-system-x86_64";
/// Older ones corrupt the memory of guests with two processors.
const OLDEST_QEMU: u32 = 10;
const KERNEL_COMMAND_LINE: &str =
    "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on";
/// `bpf` lets LSM programs attach; Debian leaves it out.
const SECURITY_MODULES: [&str; 4] = ["landlock", "lockdown", "yama", "bpf"];

/// What is booted.
pub(crate) struct Guest<'a> {
    pub(crate) kernel: &'a Kernel,
    pub(crate) initramfs: &'a Path,
    pub(crate) root: &'a Path,
    pub(crate) payload: &'a Path,
    /// What it runs: a file of the payload.
    pub(crate) list: &'a str,
    pub(crate) processors: Processors,
}

/// The list that each payload has.
pub(crate) const RUN_LIST: &str = "run.list";

/// What the guest runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Processors {
    /// One, as fast as it goes.
    One,
    /// Two, so that one of them can be taken away.
    Two,
    /// One, on which each instruction takes so much of the guest's time, and waiting takes none of ours: what happens in it does
    /// not depend on how fast and how busy this machine is.
    Counted(InstructionTime),
}

/// What an instruction takes: a power of two, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InstructionTime {
    /// Its logarithm.
    shift: u32,
}

impl InstructionTime {
    pub(crate) const NANOSECOND: Self = Self { shift: 0 };

    /// Of so many nanoseconds.
    ///
    /// # Errors
    /// QEMU has powers of two alone, up to 1,024.
    pub(crate) fn of(nanoseconds: u32) -> Result<Self> {
        ensure!(
            nanoseconds.is_power_of_two() && nanoseconds <= 1_024,
            "an instruction cannot take {nanoseconds} ns: give a power of two, 1,024 at most"
        );
        Ok(Self {
            shift: nanoseconds.ilog2(),
        })
    }
}

impl Processors {
    fn add_to(self, qemu: &mut Command) {
        match self {
            Self::One => qemu.args(["-accel", "tcg", "-smp", "1"]),
            Self::Two => qemu.args(["-accel", "tcg", "-smp", "2"]),
            Self::Counted(InstructionTime { shift }) => qemu
                .args(["-accel", "tcg,thread=single", "-smp", "1", "-icount"])
                .arg(format!("shift={shift},sleep=off")),
        };
    }
}

impl Guest<'_> {
    /// Boots it and passes each line of its console on until it is off. Fails when a command failed in it, or time ran out.
    pub(crate) fn run(&self, time_limit: Duration, on_line: &mut dyn FnMut(&str)) -> Result<()> {
        run(&mut self.command(), time_limit, on_line)
    }

    /// As [`Self::run`], with a socket on which a debugger can stop it and go through it step by step.
    pub(crate) fn run_debugged(
        &self,
        socket: &Path,
        time_limit: Duration,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<()> {
        let mut qemu = self.command();
        qemu.arg("-gdb")
            .arg(format!("unix:{},server=on,wait=off", socket.display()));
        run(&mut qemu, time_limit, on_line)
    }

    fn command(&self) -> Command {
        let mut qemu = Command::new(QEMU);
        self.processors.add_to(&mut qemu);
        qemu.args(["-cpu", "max", "-m", "2048"])
            .args([
                "-nodefaults",
                "-display",
                "none",
                "-serial",
                "stdio",
                "-no-reboot",
            ])
            .arg("-kernel")
            .arg(&self.kernel.image)
            .arg("-initrd")
            .arg(self.initramfs)
            .arg("-append")
            // What the kernel does not know is in the environment of init.
            .arg(self.kernel_command_line())
            .args([
                "-drive",
                &format!(
                    "file={},if=virtio,format=raw,snapshot=on",
                    self.root.display()
                ),
            ])
            .args([
                "-drive",
                &format!(
                    "file={},if=virtio,format=raw,read-only=on",
                    self.payload.display()
                ),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        qemu
    }

    fn kernel_command_line(&self) -> String {
        let mut modules = SECURITY_MODULES.to_vec();
        modules.extend(self.kernel.security_modules.iter().map(String::as_str));
        let modules = modules.join(",");
        format!(
            "{KERNEL_COMMAND_LINE} lsm={modules} whittle_list={}",
            self.list
        )
    }
}

/// Runs QEMU as [`Guest::run`] says.
fn run(qemu: &mut Command, time_limit: Duration, on_line: &mut dyn FnMut(&str)) -> Result<()> {
    let mut qemu = qemu
        .spawn()
        .with_context(|| format!("cannot start {QEMU}"))?;
    let outcome = follow(&mut qemu, Instant::now() + time_limit, on_line);
    // A guest that has reached its end switches off; one that has not must not stay behind.
    let switched_off = matches!(outcome, Ok(Some(_)));
    if !switched_off {
        qemu.kill().context("cannot stop QEMU")?;
    }
    qemu.wait().context("QEMU is lost")?;
    match outcome? {
        Some(0) => Ok(()),
        Some(failed) => bail!("commands that failed in the guest: {failed}"),
        None => bail!("the guest ended before its list did"),
    }
}

/// Passes the console on. Gives the number of failed commands once the guest has said it and the console is closed.
fn follow(
    qemu: &mut Child,
    deadline: Instant,
    on_line: &mut dyn FnMut(&str),
) -> Result<Option<u32>> {
    let console = qemu.stdout.take().context("QEMU has no standard output")?;
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let mut console = BufReader::new(console);
        let mut line = Vec::new();
        while console
            .read_until(b'\n', &mut line)
            .is_ok_and(|bytes| bytes > 0)
        {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if sender.send(text).is_err() {
                break;
            }
        }
    });
    let mut failed = None;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                on_line(&line);
                failed = failed.or_else(|| failures(&line));
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(failed),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                bail!("the guest was not done in time; --time-out gives it more")
            }
        }
    }
}

/// The number in `whittle-vm: N failed, …`, which `tests/vm/init.sh` says last.
fn failures(line: &str) -> Option<u32> {
    line.strip_prefix("whittle-vm: ")?
        .split_once(" failed, ")?
        .0
        .parse()
        .ok()
}

/// The whole seconds in the same line.
pub(super) fn up_for(line: &str) -> Option<&str> {
    let (_, seconds) = line
        .strip_prefix("whittle-vm: ")?
        .split_once(" failed, guest up for ")?;
    Some(seconds.split_once('.')?.0)
}

/// Fails when QEMU is missing or too old.
pub(crate) fn require_qemu() -> Result<()> {
    const INSTALL: &str =
        "install qemu-system-x86 10 or newer, on bookworm from bookworm-backports as .ci/run does";
    let version = command::output(Command::new(QEMU).arg("--version")).context(INSTALL)?;
    let major = version
        .split_whitespace()
        .skip_while(|word| *word != "version")
        .nth(1);
    let major: u32 = major
        .and_then(|number| number.split('.').next()?.parse().ok())
        .unwrap_or_default();
    ensure!(major >= OLDEST_QEMU, "{QEMU} is version {major}: {INSTALL}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::failures;

    #[test]
    fn only_the_last_line_of_the_guest_says_how_it_ended() {
        assert_eq!(
            failures("whittle-vm: 0 failed, guest up for 9.10 s"),
            Some(0)
        );
        assert_eq!(
            failures("whittle-vm: 12 failed, guest up for 9.10 s"),
            Some(12)
        );
        assert_eq!(failures("whittle-vm: peers --nocapture"), None);
        assert_eq!(failures("test result: FAILED. 0 failed, ok"), None);
    }
}
