//! The subject of a process that was found a moment ago, before the map of processes is asked: half of what a repeated open would take
//! is to look it up there. A place holds what `TASKS` holds of one process, or that it holds nothing, or nothing of use.

use crate::{
    config,
    hash::mix,
    maps::{CHOICES, KNOWN},
};

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

/// What is known of a process.
pub(crate) enum Found {
    Subject(u64),
    /// Nobody watches it.
    Nobodys,
    Nothing,
}

/// In both words of a process that nobody watches, beside its tgid, and the choices up to then. Subject ids are times, and have not this bit.
const NOBODYS: u64 = 1 << 63;

/// Looks for a process; asks for its user and control group where it takes them.
#[inline(always)]
pub(crate) fn find(tgid: u32, rest: impl FnOnce() -> (u32, u64)) -> Found {
    let Some(place) = place(tgid) else {
        return Found::Nothing;
    };
    // SAFETY: the place is a map's.
    let (subject, check) = unsafe {
        (
            (&raw const (*place).subject).read_volatile(),
            (&raw const (*place).check).read_volatile(),
        )
    };
    if subject == NOBODYS | u64::from(tgid) {
        return if check == NOBODYS | choices() {
            Found::Nobodys
        } else {
            Found::Nothing
        };
    }
    let (uid, cgroup_id) = rest();
    if subject ^ check == who(tgid, uid, cgroup_id) {
        Found::Subject(subject)
    } else {
        Found::Nothing
    }
}

/// How often the agent has chosen a process until now.
#[inline(always)]
pub(crate) fn choices() -> u64 {
    CHOICES.get_ptr(0).map_or(0, |choices| {
        // SAFETY: the agent writes all of it at once.
        unsafe { choices.read_volatile() }
    })
}

/// Remembers that nobody watches the running process. `choices` were made before it was looked for: with the next one what was found
/// then holds no more.
#[inline(always)]
pub(crate) fn remember_nobodys(tgid: u32, choices: u64) {
    write(tgid, NOBODYS | u64::from(tgid), NOBODYS | choices);
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
