//! strace as the other observer: how it is run, and its log as accesses. `line` and `call` read the
//! log's grammar, `address`, `change`, `executable` and `word` turn arguments into resources and actions, `trace`
//! knows the calls.

pub mod address;
pub mod call;
pub(crate) mod change;
pub mod counts;
pub mod executable;
pub mod line;
pub mod trace;
pub mod word;

use std::{ffi::OsString, path::Path};

pub use self::trace::{Trace, read};

/// The calls that matter beside changes: those that are compared, those that move a working directory, and the one by which a program
/// asks for the address that strace could not tell.
const CALLS: &str = "open,creat,openat,openat2,open_by_handle_at,execve,execveat,connect,bind,listen,accept,accept4,sendto,sendmsg,\
                     sendmmsg,getsockname,chdir,fchdir,clone,clone3,fork,vfork";

/// The command that runs `command` and all its children under strace, which writes its log to `log`.
/// All text in the log is hex, so that no path can look like something else. `--seccomp-bpf` would be
/// quicker, but with it strace 6.1 misses the first call after an exec from a second thread. `-s` bounds arrays of messages too.
#[must_use]
pub fn command(log: &Path, command: &[OsString]) -> Vec<OsString> {
    // Not each kernel's strace knows the newest names.
    let changes: Vec<_> = change::names().map(|name| format!("?{name}")).collect();
    let calls = format!("--trace={CALLS},{}", changes.join(","));
    let options = ["strace", "-f", "-yy", "-xx", "-s", "64", &calls, "-o"];
    let options = options.into_iter().map(OsString::from);
    options
        .chain([log.into(), "--".into()])
        .chain(command.iter().cloned())
        .collect()
}

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A line of a form that is not known.
    #[error(
        "strace printed a line that this parser does not know, and it has to be taught it: {0}"
    )]
    Line(String),
    /// An argument of a form that is not known.
    #[error(
        "strace printed an argument of {call} that this parser does not know, and it has to be taught it: {argument}"
    )]
    Argument {
        /// System call.
        call: String,
        /// The argument.
        argument: String,
    },
}
