//! Processes: what the kernel grants one, and what scripts run already when the probes come.

use std::os::unix::ffi::OsStrExt;

use procfs::process::Process;

use whittle_schemas::record::subject::{Granted, NO_NEW_PRIVS, SECCOMP_UNKNOWN};

use crate::model::{Grants, interpreter};

/// A process that ran before the probes were there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Process id.
    pub tgid: u32,
    /// The script that it runs, absolute; None for a program.
    pub script: Option<Vec<u8>>,
}

/// Every process of this host but kernel threads, which have no executable. One that ends meanwhile is left out.
#[must_use]
pub fn running() -> Vec<Running> {
    let Ok(processes) = procfs::process::all_processes() else {
        return Vec::new();
    };
    processes
        .filter_map(Result::ok)
        .filter_map(|process| described(&process))
        .collect()
}

fn described(process: &Process) -> Option<Running> {
    let executable = process.exe().ok()?;
    let arguments = std::fs::read(format!("/proc/{}/cmdline", process.pid)).ok()?;
    let arguments: Vec<_> = arguments
        .split(|byte| *byte == 0)
        .map(<[u8]>::to_vec)
        .collect();
    let script = interpreter::script(executable.file_name()?.as_bytes(), &arguments);
    let script = script.map(|name| absolute(name, process));
    Some(Running {
        tgid: u32::try_from(process.pid).ok()?,
        script,
    })
}

/// A relative path starts from where the process is now: it may have moved since it was started.
fn absolute(name: Vec<u8>, process: &Process) -> Vec<u8> {
    if name.starts_with(b"/") || name.starts_with(b"-m ") {
        return name;
    }
    match process.cwd() {
        Ok(folder) => [folder.as_os_str().as_bytes(), b"/", &name].concat(),
        Err(_) => name,
    }
}

/// What the kernel granted a process when it was first seen, by what the probe read of it: the process may have ended
/// before `/proc` could be read.
pub(super) fn grants(granted: &Granted) -> Grants {
    Grants {
        cap_effective: granted.cap_effective,
        cap_permitted: granted.cap_permitted,
        cap_inheritable: granted.cap_inheritable,
        cap_bounding: granted.cap_bounding,
        cap_ambient: granted.cap_ambient,
        seccomp_mode: (granted.seccomp_mode != SECCOMP_UNKNOWN).then_some(granted.seccomp_mode),
        no_new_privs: granted.atomic_flags & NO_NEW_PRIVS != 0,
    }
}
