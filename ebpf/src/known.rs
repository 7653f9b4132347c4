//! The subject of a process that was found a moment ago, before the map of processes is asked: half of what a repeated open would take
//! is to look it up there. A place holds what `TASKS` holds of one process, or nothing of use.

use crate::{config, hash::mix, maps::KNOWN};

/// Places: a process has the one of the lowest bits of its tgid.
pub(crate) const PLACES: u32 = 4_096;

/// What is known of a process: all zero, nothing.
#[repr(C)]
pub(crate) struct Known {
    subject: u64,
    /// [`who`] has it, and the subject, in one: what two processes wrote at once is neither's.
    check: u64,
}

/// Who is asked for: a process, and what its subject was found out with. Never the same for two of them.
#[inline(always)]
fn who(tgid: u32, uid: u32, cgroup_id: u64) -> u64 {
    let user = u64::from(tgid) | (u64::from(uid) << 32);
    let user = mix(user ^ config::hash_seed(), 0xff51_afd7_ed55_8ccd);
    mix(user ^ cgroup_id, 0xc4ce_b9fe_1a85_ec53)
}

/// The subject id of a watched process; None where nothing is known of it.
#[inline(always)]
pub(crate) fn subject(tgid: u32, uid: u32, cgroup_id: u64) -> Option<u64> {
    let place = place(tgid)?;
    // SAFETY: the place is a map's.
    let (subject, check) = unsafe {
        (
            (&raw const (*place).subject).read_volatile(),
            (&raw const (*place).check).read_volatile(),
        )
    };
    (subject ^ check == who(tgid, uid, cgroup_id)).then_some(subject)
}

/// Remembers what was found, which stands in `TASKS`.
#[inline(always)]
pub(crate) fn remember(tgid: u32, uid: u32, cgroup_id: u64, subject: u64) {
    write(tgid, subject, subject ^ who(tgid, uid, cgroup_id));
}

/// Forgets a process: its program is another one now, or it has ended, or not begun.
#[inline(always)]
pub(crate) fn forget(tgid: u32) {
    write(tgid, 0, 0);
}

#[inline(always)]
fn write(tgid: u32, subject: u64, check: u64) {
    if let Some(place) = place(tgid) {
        // SAFETY: the place is a map's.
        unsafe {
            (&raw mut (*place).subject).write_volatile(subject);
            (&raw mut (*place).check).write_volatile(check);
        }
    }
}

#[inline(always)]
fn place(tgid: u32) -> Option<*mut Known> {
    KNOWN.get_ptr_mut(tgid & (PLACES - 1))
}
