//! What the kernel grants the running task: its own credentials, seccomp mode, and mount namespace. Read once per
//! program that is started, where the subject is found out.

use whittle_schemas::record::subject::{Granted, SECCOMP_UNKNOWN};

use crate::{
    config::{self, offset},
    hash::mix,
    kernel::{current, read},
};

/// The grants of the running task; None where its credentials cannot be read.
#[inline(always)]
pub(crate) fn of_current() -> Option<Granted> {
    let task = current();
    let cred = own_credentials()?;
    Some(Granted {
        cap_effective: read(cred, offset!(cred_effective))?,
        cap_permitted: read(cred, offset!(cred_permitted))?,
        cap_inheritable: read(cred, offset!(cred_inheritable))?,
        cap_bounding: read(cred, offset!(cred_bounding))?,
        cap_ambient: read(cred, offset!(cred_ambient))?,
        atomic_flags: read(task, offset!(task_atomic_flags))?,
        seccomp_mode: if offset!(task_seccomp_mode) == 0 {
            SECCOMP_UNKNOWN
        } else {
            read(task, offset!(task_seccomp_mode))?
        },
        mnt_ns: mount_namespace(task).unwrap_or(0),
    })
}

/// The task's own `struct cred`, which stays the same while it acts with other ones (`override_creds`).
#[inline(always)]
pub(crate) fn own_credentials() -> Option<u64> {
    read(current(), offset!(task_real_cred))
}

#[inline(always)]
fn mount_namespace(task: u64) -> Option<u32> {
    let proxy: u64 = read(task, offset!(task_nsproxy))?;
    let namespace: u64 = read(proxy, offset!(nsproxy_mnt_ns))?;
    read(namespace, offset!(mnt_ns_inum))
}

/// One number for all of it.
#[inline(always)]
pub(crate) fn hash(granted: &Granted) -> u64 {
    let words = [
        granted.cap_effective,
        granted.cap_permitted,
        granted.cap_inheritable,
        granted.cap_bounding,
        granted.cap_ambient,
        granted.atomic_flags,
        u64::from(granted.seccomp_mode) | (u64::from(granted.mnt_ns) << 32),
    ];
    words.into_iter().fold(config::hash_seed(), |lane, word| {
        mix(lane.rotate_left(27) ^ word, 0xff51_afd7_ed55_8ccd)
    })
}
