//! `cargo xtask test`: everything that has to hold before a change goes in, step by step, with what each step
//! took. A step that fails does not keep the others from running.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::places;
use crate::toolchain::Toolchain;

/// Options of `cargo xtask test`.
#[derive(Args)]
pub struct Options {
    /// Leave the virtual machines out
    #[arg(long)]
    no_vm: bool,
    /// Run this step alone; may be given several times
    #[arg(long, value_enum, value_name = "STEP")]
    only: Vec<Step>,
}

/// A step. Their order is the order in which they run: what fails fastest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// The format of every file
    Fmt,
    /// Clippy with warnings as errors, for the host and for the BPF target
    Clippy,
    /// Unit, replay and native tests; these load probes into this kernel
    Test,
    /// Hostile input for every decoder and reader, from the stored corpus
    Fuzz,
    /// Rebuild the BPF object and compare it with the committed one
    Ebpf,
    /// The tests of tests/vm/run.list, and of further lists, in virtual machines with other kernels
    Vm,
}

struct Outcome {
    step: Step,
    took: Duration,
    failure: Option<String>,
    results: Vec<String>,
}

/// Runs the steps that the options ask for.
///
/// # Errors
/// When one failed, or when the tests are asked for without root.
pub fn run(options: &Options) -> Result<()> {
    let steps: Vec<Step> = Step::value_variants()
        .iter()
        .copied()
        .filter(|step| options.asks_for(*step))
        .collect();
    ensure!(
        !steps.contains(&Step::Test) || rustix::process::geteuid().is_root(),
        "the native tests load probes into the kernel, which needs root; run this as root, or name other steps with --only"
    );
    let outcomes: Vec<Outcome> = steps.into_iter().map(perform).collect();
    print_closing(&outcomes);
    let failed: Vec<String> = outcomes
        .iter()
        .filter(|outcome| outcome.failure.is_some())
        .map(|outcome| name(outcome.step))
        .collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

impl Options {
    fn asks_for(&self, step: Step) -> bool {
        (self.only.is_empty() || self.only.contains(&step)) && !(self.no_vm && step == Step::Vm)
    }
}

fn perform(step: Step) -> Outcome {
    println!("== {}", name(step));
    let started = Instant::now();
    let mut results = Vec::new();
    let outcome = commands(step).and_then(|commands| {
        commands
            .into_iter()
            .try_for_each(|mut command| follow(&mut command, &mut results))
    });
    let failure = outcome.err().map(|error| format!("{error:#}"));
    if let Some(failure) = &failure {
        println!("== {} failed: {failure}", name(step));
    }
    Outcome {
        step,
        took: started.elapsed(),
        failure,
        results,
    }
}

/// The command lines of a step.
fn commands(step: Step) -> Result<Vec<Command>> {
    const HOST: [&str; 3] = ["--workspace", "--exclude", "whittle-ebpf"];
    Ok(match step {
        Step::Fmt => {
            let targets = cargo(&["fmt", "--check", "--manifest-path", "fuzz/Cargo.toml"]);
            vec![cargo(&["fmt", "--all", "--check"]), targets]
        }
        Step::Clippy => {
            let mut host = cargo(&["clippy", "--all-targets"]);
            host.args(HOST).args(["--", "-D", "warnings"]);
            vec![host, clippy_of_probes()?]
        }
        Step::Test => {
            // The tests of the programs run the program that a plain build leaves.
            let mut build = cargo(&["build"]);
            build.args(HOST);
            let mut test = cargo(&["test", "--no-fail-fast"]);
            test.args(HOST);
            vec![build, test]
        }
        Step::Fuzz => vec![xtask(&["fuzz", "--seconds", "5"])],
        Step::Ebpf => vec![xtask(&["ebpf", "--check"])],
        Step::Vm => vec![xtask(&["vm"])],
    })
}

/// The probes compile for the BPF target alone, with the nightly toolchain.
fn clippy_of_probes() -> Result<Command> {
    let mut clippy = Toolchain::nightly()?.cargo();
    clippy
        .args([
            "clippy",
            "--package",
            "whittle-ebpf",
            "--target",
            "bpfel-unknown-none",
            "-Z",
            "build-std=core",
        ])
        .args(["--profile", "bpf", "--target-dir"])
        .arg(places::repository().join("target/bpf"))
        .args(["--", "-D", "warnings"]);
    Ok(clippy)
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments);
    command
}

fn xtask(arguments: &[&str]) -> Command {
    // Not by its path: a build of the workspace may have put another one there meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command.args(arguments);
    command
}

/// Runs `command`, passes its output on, and keeps what the test programs in it say at their end.
fn follow(command: &mut Command, results: &mut Vec<String>) -> Result<()> {
    let shown = command
        .get_args()
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ");
    let mut child = command
        .current_dir(places::repository())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let output = child
        .stdout
        .take()
        .context("the step has no standard output")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line.with_context(|| format!("cannot read the output of `{shown}`"))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        // Before it stands the kernel's name, where the program ran in a guest.
        if let Some((before, result)) = line.trim().split_once("test result: ") {
            results.push(format!("{before}{result}"));
        }
    }
    let status = child.wait().with_context(|| format!("`{shown}` is lost"))?;
    ensure!(status.success(), "`{shown}`: {status}");
    Ok(())
}

fn print_closing(outcomes: &[Outcome]) {
    println!();
    for outcome in outcomes {
        for result in &outcome.results {
            println!("test result: {result}");
        }
    }
    println!("\nstep        seconds  outcome");
    for outcome in outcomes {
        let said = outcome
            .failure
            .as_deref()
            .unwrap_or("passed")
            .lines()
            .next()
            .unwrap_or_default();
        println!(
            "{:<10} {:>8.1}  {said}",
            name(outcome.step),
            outcome.took.as_secs_f64()
        );
    }
}

fn name(step: Step) -> String {
    step.to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_test_programs_are_kept_and_a_failure_is_told() {
        let mut results = Vec::new();
        let mut passing = Command::new("sh");
        passing.args(["-c", "echo 'test result: ok. 3 passed; 0 failed'; echo '  test result: ok. 1 passed'; echo no"]);
        follow(&mut passing, &mut results).expect("the command succeeds");
        assert_eq!(results, ["ok. 3 passed; 0 failed", "ok. 1 passed"]);
        let mut failing = Command::new("sh");
        failing.args(["-c", "exit 3"]);
        let error = follow(&mut failing, &mut results).expect_err("the command fails");
        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }

    #[test]
    fn no_vm_leaves_out_the_vm_and_nothing_else() {
        let options = Options {
            no_vm: true,
            only: Vec::new(),
        };
        let left_out: Vec<Step> = Step::value_variants()
            .iter()
            .copied()
            .filter(|step| !options.asks_for(*step))
            .collect();
        assert_eq!(left_out, [Step::Vm]);
    }
}
