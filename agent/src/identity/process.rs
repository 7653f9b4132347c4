//! What the kernel grants a process, from `/proc/PID/status`: only while it is the same process.

use procfs::process::Process;

use crate::model::{Grants, SubjectSeen};

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
