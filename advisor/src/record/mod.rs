//! `whittle record`: runs a command, watches it and its descendants, writes the tables, prints the report.
//! `command` finds and starts the program, `signals` passes signals on; the recording is the agent's.

mod command;
mod signals;

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::ValueEnum;
use rustix::fd::AsFd;
use whittle_agent::{
    clock,
    kernel::{Backend, Limits, Scope, Wanted},
    pipeline::{Config, RecordError, Recorder},
    sink::{self, Place},
};

use crate::{
    data,
    evidence::Grants,
    format,
    report::{
        self, Summary,
        evidence::{self, GrantArgs},
        render,
    },
};

pub use command::{START, StartArgs, start};

/// Run a command and record what it and its descendants touch.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  whittle record -- ./my-job --fast           record a job, say what it touched
  whittle record --out /var/tmp/job -- make   write the tables there
  whittle record --grants account.json -- ./my-job
                                              used versus granted, at its end
  whittle record --format json -- true 2>report.json

The command keeps its standard input, output and error. The report goes to standard error, after \
the command's own output.

The exit status is the command's: 127 where there is no such command, 126 where it cannot be \
executed, 128 and the signal's number where a signal ended it, and 1 where the recording failed.

Recording needs root, or CAP_BPF and CAP_PERFMON.")]
pub struct Args {
    /// Folder for the tables; made where it does not exist.
    #[arg(long, value_name = "DIR", default_value = data::DEFAULT_ROOT)]
    pub out: PathBuf,
    /// Form of the report: text, json or none.
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub format: Format,
    /// List every file by its whole path instead of folding folders.
    #[arg(long)]
    pub all: bool,
    /// Grants to hold it against.
    #[command(flatten)]
    pub grants: GrantArgs,
    /// Do not read what programs say through OpenSSL, so that cloud calls over TLS stay unseen.
    #[arg(long)]
    pub no_tls: bool,
    /// How the probes are triggered, trampoline, kprobe or syscall; by default what this kernel does best.
    #[arg(
        long,
        value_enum,
        env = "WHITTLE_BACKEND",
        hide_env = true,
        hide_possible_values = true
    )]
    pub backend: Option<BackendName>,
    /// Count the system calls too: which ones, not their arguments. Costs a little at each of them.
    #[arg(long)]
    pub syscalls: bool,
    /// Length of a window, in seconds: how often the tables are written.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub window: u32,
    /// The ring's size in bytes: a power of two, at least 4096.
    #[arg(long, value_name = "BYTES", env = "WHITTLE_RING_BYTES", hide = true)]
    pub ring_bytes: Option<u32>,
    /// Size of the kernel's maps, in hundredths.
    #[arg(long, value_name = "PERCENT", env = "WHITTLE_MAP_PERCENT", hide = true, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=400))]
    pub map_percent: u32,
    /// The command and its arguments, after `--`.
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub command: Vec<std::ffi::OsString>,
}

/// Form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// None.
    None,
}

/// A backend, as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackendName {
    /// At the exit of kernel functions.
    Trampoline,
    /// At the exit of system calls, and at kernel functions that more leads to.
    Kprobe,
    /// At the exit of system calls.
    Syscall,
}

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command cannot be started.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// The grants cannot be read.
    #[error(transparent)]
    Grants(#[from] evidence::LoadError),
    /// The recording failed before the command was started.
    #[error("{0}")]
    Start(#[source] RecordError),
    /// The recording failed while the command ran, or when it was written.
    #[error(
        "the command ended with status {status}, but its recording is not whole ({cause}): `whittle report --data {}` shows what there is of it", out.display()
    )]
    Record {
        /// Where what was recorded is.
        out: PathBuf,
        /// What it ended with.
        status: u8,
        /// What failed.
        cause: Box<RecordError>,
    },
    /// Signals or the command's end cannot be waited for.
    #[error(
        "the command cannot be waited for ({0}): run it again, and report it where that does not help"
    )]
    Wait(#[from] io::Error),
}

impl Error {
    /// The exit status that goes with the error.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Command(error) => error.status(),
            Self::Grants(_) | Self::Start(_) | Self::Record { .. } | Self::Wait(_) => 1,
        }
    }
}

/// Runs the command to its end and prints the report.
///
/// # Errors
/// See [`Error`]; the exit status goes with it.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let program = command::find(&args.command[0])?;
    let grants = args.grants.load()?;
    recover(&args.out);
    let mut recorder = Recorder::start(config(args)).map_err(Error::Start)?;
    recorder.expect(&program);
    let mut signals = signals::Signals::catch()?;
    let mut child = command::Child::prepare(&program, &args.command)?;
    recorder
        .watch_from_exec(child.tgid())
        .map_err(Error::Start)?;
    child.go()?;
    let status = loop {
        let until = [child.as_fd(), signals.as_fd()];
        match recorder.run(&until) {
            Ok(0) => break child.wait()?,
            Ok(_) => signals.pass_on(&child),
            Err(cause) => {
                return Err(Error::Record {
                    out: args.out.clone(),
                    status: child.wait()?,
                    cause: cause.into(),
                });
            }
        }
    };
    let failed = |cause: RecordError| Error::Record {
        out: args.out.clone(),
        status,
        cause: cause.into(),
    };
    let left = recorder.watched().map_err(failed)?.len();
    let recording = recorder.finish().map_err(failed)?;
    if recording.undecodable > 0 {
        eprintln!(
            "whittle: {} records of the probes could not be decoded, and the coverage says what that lost: report this as a defect of whittle",
            recording.undecodable
        );
    }
    if left > 0 {
        eprintln!(
            "whittle: {left} processes that the command started are still running; what they do from now on is not recorded"
        );
    }
    show(args, grants, &recording.files);
    Ok(ExitCode::from(status))
}

fn config(args: &Args) -> Config {
    let mut limits = Limits {
        map_percent: args.map_percent,
        ..Limits::default()
    };
    if let Some(bytes) = args.ring_bytes {
        limits.ring_bytes = bytes;
    }
    Config {
        root: args.out.clone(),
        place: Place {
            cluster: "local".to_owned(),
            node: node(),
        },
        scope: Scope::Chosen,
        limits,
        wanted: Wanted {
            backend: args.backend.map(|backend| match backend {
                BackendName::Trampoline => Backend::Trampoline,
                BackendName::Kprobe => Backend::Kprobe,
                BackendName::Syscall => Backend::Syscall,
            }),
            syscalls: args.syscalls,
            tls: !args.no_tls,
        },
        window: Duration::from_secs(args.window.into()),
    }
}

fn node() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// Writes down what recorders that died left in the folder. A folder that does not exist yet holds nothing,
/// and one that cannot be used is reported by the recording itself.
fn recover(out: &Path) {
    if !out.exists() {
        return;
    }
    let Ok(recovered) = sink::recover(out, clock::now_us()) else {
        return;
    };
    for window in &recovered.windows {
        eprintln!(
            "whittle: recovered {} files that an interrupted recording left in {}",
            window.files.len(),
            out.display()
        );
    }
}

/// Prints the report of this recording alone. The tables are already written: a report that cannot be
/// printed is no failure of the recording.
fn show(args: &Args, grants: Option<Grants>, files: &[PathBuf]) {
    let form = match args.format {
        Format::None => return,
        Format::Json => format::Format::Json,
        Format::Text => format::Format::Text,
    };
    let rows = data::read_files(&args.out, files);
    let summary = Summary::of(&rows.tables, None).without(rows.damaged.len());
    let style = report::style_for(io::stderr().is_terminal(), args.all);
    let held = grants.map(|grants| {
        let assessed = args
            .grants
            .assess(&rows.tables, grants, None, rows.damaged.len());
        assessed.map(|report| evidence::render(&report, &summary, form, style))
    });
    let mut text = match (held, form) {
        (Some(Ok(text)), _) => text,
        (Some(Err(error)), format::Format::Text) => {
            format!("whittle: {error}\n\n{}", render(&summary, style))
        }
        (Some(Err(error)), format::Format::Json) => format!("whittle: {error}\n"),
        (None, format::Format::Json) => report::json(&summary),
        (None, format::Format::Text) => render(&summary, style),
    };
    if form == format::Format::Text {
        let out = args.out.display();
        text = format!("{text}\nTables are in {out}: try `whittle report --data {out}`.\n");
    }
    // Nobody is left to tell.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
