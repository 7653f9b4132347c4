//! What the kernel keeps per process: its subject, inherited over fork and renewed at exec.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Value of the task map; the key is the tgid. An entry means that the process is watched.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Task {
    /// Kernel subject id; 0 until it is known, and the next access then finds it out.
    pub subject: u64,
    /// Control group (v2) in which the subject was found out.
    pub cgroup_id: u64,
    /// Real user id with which the subject was found out.
    pub uid: u32,
    /// `TASK_` bits.
    pub flags: u32,
    /// Hash of the script that an interpreter runs; 0 without one, [`SCRIPT_UNKNOWN`] where it could not be read.
    pub script: u64,
}

const _: () = assert!(size_of::<Task>() == 32);

/// [`Task::flags`]: watched from its next exec on. What it does until then is its starter's.
pub const TASK_STARTING: u32 = 1;
/// [`Task::flags`]: the process has used an OpenSSL object. Not inherited.
pub const TASK_USES_TLS: u32 = 2;

/// [`Task::script`] of an interpreter whose script could not be read or announced. No hash has this value.
pub const SCRIPT_UNKNOWN: u64 = 1;

/// Value of the interpreter map; the key is the executable's file name. Says how its command line
/// leads to the script. Bit `n` of a mask stands for the option letter `b'A' + n`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Interpreter {
    /// Options that take the next argument as their value (`-W ignore`).
    pub value_letters: u64,
    /// Options after which there is no script, because the code is on the command line (`-c`, `-e`).
    pub inline_letters: u64,
    /// Options whose value names what is run (`-m module`).
    pub module_letters: u64,
}

/// Bytes of an interpreter's file name, NUL-padded; longer ones do not match.
pub const INTERPRETER_NAME_BYTES: usize = 16;
