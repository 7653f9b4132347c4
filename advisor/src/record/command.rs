//! Finding the program, and starting it in a process that waits until it is watched.
//!
//! The process is whittle itself under a hidden subcommand. It says through a pipe that it is ready, waits for
//! the answer, and becomes the command: not one access of the command comes before the watch, and not one of
//! whittle's own after it.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, PipeReader, PipeWriter, Read, Write},
    os::{
        fd::AsRawFd,
        unix::{
            fs::PermissionsExt,
            process::{CommandExt, ExitStatusExt},
        },
    },
    path::{Path, PathBuf},
    process::{self, Command, ExitCode},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fd::{AsFd, BorrowedFd, OwnedFd},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

/// Name of the hidden subcommand.
pub const START: &str = "start-when-watched";

/// Arguments of the hidden subcommand.
#[derive(Clone, Debug, clap::Args)]
pub struct StartArgs {
    /// Pipe to write one byte to: ready.
    pub ready: PathBuf,
    /// Pipe to read one byte from: go.
    pub gate: PathBuf,
    /// The program's file.
    pub program: PathBuf,
    /// Its arguments, its own name first.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}

/// Why the command cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing of that name.
    #[error("there is no command {}: check its name and PATH", .0.display())]
    NotFound(PathBuf),
    /// It is there, and not executable.
    #[error("{} cannot be executed: it is no program, or lacks the permission (chmod +x)", .0.display())]
    NotExecutable(PathBuf),
    /// The process cannot be made.
    #[error(
        "no process can be made for the command ({0}): check the limits on processes and memory"
    )]
    Process(#[from] io::Error),
}

impl Error {
    /// The status that shells give in the same case.
    pub(super) fn status(&self) -> u8 {
        match self {
            Self::NotFound(_) => 127,
            Self::NotExecutable(_) => 126,
            Self::Process(_) => 1,
        }
    }
}

/// Finds the program as `execvp` does: a name with a slash is a path, any other is looked for in PATH.
pub(super) fn find(name: &OsStr) -> Result<PathBuf, Error> {
    let path = Path::new(name);
    if name.as_encoded_bytes().contains(&b'/') {
        return if is_executable(path) {
            Ok(path.to_owned())
        } else if path.exists() {
            Err(Error::NotExecutable(path.to_owned()))
        } else {
            Err(Error::NotFound(path.to_owned()))
        };
    }
    let folders = env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    let mut candidates = env::split_paths(&folders).map(|folder| folder.join(name));
    let mut there = None;
    let found = candidates.find(|candidate| {
        if candidate.is_file() {
            there.get_or_insert_with(|| candidate.clone());
        }
        is_executable(candidate)
    });
    match (found, there) {
        (Some(program), _) => Ok(program),
        (None, Some(there)) => Err(Error::NotExecutable(there)),
        (None, None) => Err(Error::NotFound(path.to_owned())),
    }
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// A descriptor of this process, as a path that its children can open.
fn own_descriptor(descriptor: &impl AsRawFd) -> String {
    format!("/proc/{}/fd/{}", process::id(), descriptor.as_raw_fd())
}

fn wait_until_ready(readiness: &PipeReader, pidfd: &OwnedFd) -> io::Result<()> {
    let mut either =
        [readiness.as_fd(), pidfd.as_fd()].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
    rustix::io::retry_on_intr(|| poll(&mut either, None))?;
    if either[0].revents().is_empty() {
        return Err(io::Error::other(
            "it ended before it could become the command",
        ));
    }
    Ok(())
}

/// The command's process.
pub(super) struct Child {
    process: process::Child,
    pidfd: OwnedFd,
    gate: Option<PipeWriter>,
}

impl Child {
    /// Makes the process, and waits until all that is left for it to do is to become the command.
    pub(super) fn prepare(program: &Path, command: &[OsString]) -> Result<Self, Error> {
        let (gate, opener) = io::pipe()?;
        let (readiness, ready) = io::pipe()?;
        // The process opens these two through /proc, so that the command inherits nothing.
        let process = Command::new("/proc/self/exe")
            .arg(START)
            .arg(own_descriptor(&ready))
            .arg(own_descriptor(&gate))
            .arg(program)
            .args(command)
            .spawn()?;
        let pid = Pid::from_child(&process);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from)?;
        wait_until_ready(&readiness, &pidfd)?;
        Ok(Self {
            process,
            pidfd,
            gate: Some(opener),
        })
    }

    pub(super) fn tgid(&self) -> u32 {
        self.process.id()
    }

    /// Lets the command run.
    pub(super) fn go(&mut self) -> Result<(), Error> {
        if let Some(mut gate) = self.gate.take() {
            gate.write_all(&[1])?;
        }
        Ok(())
    }

    /// Waits for the end; gives the exit status, or 128 and the signal's number.
    pub(super) fn wait(&mut self) -> io::Result<u8> {
        // A command that was never let go must not be waited for.
        self.gate = None;
        let status = self.process.wait()?;
        let number = status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Ok(u8::try_from(number & 255).unwrap_or(u8::MAX))
    }

    /// Sends a signal. A command that has just ended needs none.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }
}

impl AsFd for Child {
    /// Readable when the command has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// The hidden subcommand: becomes the command once it is watched.
#[must_use]
pub fn start(args: &StartArgs) -> ExitCode {
    if wait_to_be_watched(args).is_err() {
        return ExitCode::FAILURE;
    }
    let Some((name, rest)) = args.command.split_first() else {
        return ExitCode::FAILURE;
    };
    let error = Command::new(&args.program).arg0(name).args(rest).exec();
    eprintln!(
        "whittle: {} cannot be executed ({error}): check its format and its interpreter",
        args.program.display()
    );
    ExitCode::from(if error.kind() == io::ErrorKind::NotFound {
        127
    } else {
        126
    })
}

/// Without the answer the recorder is gone, and the command must not run unwatched.
fn wait_to_be_watched(args: &StartArgs) -> io::Result<()> {
    let mut gate = File::open(&args.gate)?;
    let mut ready = File::options().write(true).open(&args.ready)?;
    ready.write_all(&[1])?;
    drop(ready);
    gate.read_exact(&mut [0])
}
