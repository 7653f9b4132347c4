//! Processes in /proc: what the kernel grants one, and what scripts run already when the probes come.

use std::os::unix::ffi::OsStrExt;

use procfs::process::Process;

use crate::model::{Grants, SubjectSeen, interpreter};

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

/// None where the process has ended, or its number belongs to another one by now.
pub(super) fn grants(seen: &SubjectSeen) -> Option<Grants> {
    let process = Process::new(i32::try_from(seen.tgid).ok()?).ok()?;
    if !is_same(&process, seen.start_boottime_ns)? {
        return None;
    }
    let status = process.status().ok()?;
    Some(Grants {
        cap_effective: status.capeff,
        cap_permitted: status.capprm,
        cap_inheritable: status.capinh,
        cap_bounding: status.capbnd,
        cap_ambient: status.capamb,
        seccomp_mode: status.seccomp,
        no_new_privs: status.nonewprivs.map(|value| value != 0),
    })
}

/// A process is its number and its start: `/proc/PID/stat` has that in ticks.
fn is_same(process: &Process, start_boottime_ns: u64) -> Option<bool> {
    let ticks = process.stat().ok()?.starttime;
    let per_second = procfs::ticks_per_second();
    Some(start_boottime_ns / (1_000_000_000 / per_second) == ticks)
}

#[cfg(test)]
mod tests {
    use whittle_schemas::record::subject::SubjectKey;
    use zerocopy::FromZeros;

    use super::*;

    fn seen(tgid: u32, start_boottime_ns: u64) -> SubjectSeen {
        SubjectSeen {
            id: 1,
            key: SubjectKey::new_zeroed(),
            executable: Vec::new(),
            tgid,
            parent_tgid: 0,
            start_boottime_ns,
            boottime_ns: 0,
        }
    }

    #[test]
    fn grants_are_those_of_the_process_and_of_no_other_with_its_number() {
        let tgid = std::process::id();
        let ticks = Process::myself()
            .and_then(|process| process.stat())
            .expect("/proc/self/stat")
            .starttime;
        let start = ticks * (1_000_000_000 / procfs::ticks_per_second());
        let status = std::fs::read_to_string("/proc/self/status").expect("/proc/self/status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("CapEff:\t"))
            .expect("CapEff");
        let found = grants(&seen(tgid, start)).expect("this process lives");
        assert_eq!(format!("{:016x}", found.cap_effective), line);
        assert_eq!(grants(&seen(tgid, start + 60_000_000_000)), None);
    }
}
