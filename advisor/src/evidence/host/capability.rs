//! Capabilities: those that a process holds or could gain, and those that the kernel was asked for.

use std::collections::{BTreeMap, BTreeSet};

use whittle_schemas::table::{Surface, UsageRow};

use super::{
    super::model::{Confidence, Evidence, Observation, Status},
    Host, entry, of_grant,
};

/// Names by number, as in `linux/capability.h`.
const NAMES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// One entry for each capability that is granted or was asked for.
pub(super) fn evidence(host: &Host<'_>, observation: &Observation) -> Vec<Evidence> {
    let held = [
        host.bits(|row| row.cap_permitted),
        host.bits(|row| row.cap_effective),
        host.bits(|row| row.cap_ambient),
    ];
    let held = held.into_iter().flatten().reduce(|all, one| all | one);
    // Through a set-uid program a process gains what the bounding set leaves, unless it gave that up.
    let may_gain = host.rows.iter().any(|row| row.no_new_privs != Some(true));
    let bounding = host.bits(|row| row.cap_bounding).filter(|_| may_gain);
    let of_held = held.map(names).unwrap_or_default();
    let of_bounding = bounding.map(names).unwrap_or_default();
    let mut used: BTreeMap<String, Vec<&UsageRow>> = BTreeMap::new();
    for row in host.of_surface(Surface::Capability) {
        let name = String::from_utf8_lossy(&row.resource).into_owned();
        used.entry(name).or_default().push(row);
    }
    let mut all: BTreeSet<String> = used.keys().cloned().collect();
    all.extend(of_held.iter().chain(&of_bounding).cloned());
    let of_name = |name: String| {
        let sum = Host::sum(used.get(&name).into_iter().flatten().copied());
        if of_held.contains(&name) {
            return of_grant("use", &name, &sum, observation.silence());
        }
        if of_bounding.contains(&name) && !sum.is_use() {
            let (status, confidence, reason) = observation.silence();
            let reason = format!("{reason}; it is in the bounding set only, to be gained by exec");
            return of_grant("use", &name, &sum, (status, confidence, reason));
        }
        let (status, reason) = if !sum.is_use() {
            (Status::Attempted, "denied each time: it is not held")
        } else if held.is_none() || of_bounding.contains(&name) {
            (Status::Used, "it was used")
        } else {
            (
                Status::Ungranted,
                "used, and in none of the capability sets that were seen",
            )
        };
        entry("use", &name, &sum, status, Confidence::Observed, reason)
    };
    all.into_iter().map(of_name).collect()
}

fn names(bits: u64) -> BTreeSet<String> {
    let numbers = (0..64_usize).filter(|number| bits >> number & 1 == 1);
    numbers
        .map(|number| {
            let name = NAMES.get(number).map(|name| (*name).to_owned());
            name.unwrap_or_else(|| format!("CAP_{number}"))
        })
        .collect()
}
