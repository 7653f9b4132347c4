//! What the kernel grants the running task: its own credentials, seccomp mode, and mount namespace. Read once per
//! program that is started, where the subject is found out.

use whittle_schemas::record::subject::{Granted, SECCOMP_UNKNOWN, SubjectBody};

use crate::{
    config::{self, offset},
    hash::mix,
    kernel::{current, read},
    scratch,
};

/// One number for all grants of the running task; None where its credentials cannot be read.
#[inline(always)]
pub(crate) fn hash() -> Option<u64> {
    let hash = grants_hash();
    (hash != UNREADABLE).then_some(hash)
}

/// Writes the grants of the running task into the body of a subject in a slot, or none.
#[inline(always)]
pub(crate) fn write(slot: u32, wanted: bool) {
    write_grants(slot, u32::from(wanted));
}

/// Of [`grants_hash`]: there is none. No other grants have it, but for one in 2⁶⁴.
const UNREADABLE: u64 = 0;

/// A global function, with a stack of its own: the way to the last step of a path's walk goes through its caller, and
/// has 512 bytes on 6.1.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn grants_hash() -> u64 {
    of_current().map_or(UNREADABLE, |granted| hash_of(&granted))
}

/// A global function, as above.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn write_grants(slot: u32, wanted: u32) -> u32 {
    let Some(scratch) = scratch::of(slot) else {
        return 1;
    };
    // SAFETY: the slot is this program's alone, and holds the body, which is plain integers.
    let body = unsafe { &mut *scratch.body::<SubjectBody>() };
    body.granted = of_current().filter(|_| wanted != 0).unwrap_or(NONE);
    0
}

const NONE: Granted = Granted {
    cap_effective: 0,
    cap_permitted: 0,
    cap_inheritable: 0,
    cap_bounding: 0,
    cap_ambient: 0,
    atomic_flags: 0,
    seccomp_mode: 0,
    mnt_ns: 0,
};

/// The grants of the running task; None where its credentials cannot be read.
#[inline(always)]
fn of_current() -> Option<Granted> {
    let task = current();
    let cred = own_credentials()?;
    Some(Granted {
        cap_effective: read(cred, offset!(cred_effective))?,
        cap_permitted: read(cred, offset!(cred_permitted))?,
        cap_inheritable: read(cred, offset!(cred_inheritable))?,
        cap_bounding: read(cred, offset!(cred_bounding))?,
        cap_ambient: read(cred, offset!(cred_ambient))?,
        atomic_flags: read(task, offset!(task_atomic_flags))?,
        seccomp_mode: if offset!(task_seccomp_mode).offset() == 0 {
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

#[inline(always)]
fn hash_of(granted: &Granted) -> u64 {
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
