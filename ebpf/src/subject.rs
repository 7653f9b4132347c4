//! Who acts: finds the kernel subject of the running task, and announces new ones.

use aya_ebpf::helpers::{
    bpf_get_current_cgroup_id, bpf_get_current_pid_tgid, bpf_get_current_uid_gid,
    bpf_get_smp_processor_id, bpf_ktime_get_boot_ns,
};
use whittle_schemas::record::{
    Family, KIND_SUBJECT, Text,
    counter::Reason,
    process::{TASK_STARTING, Task},
    subject::{PART_EXECUTABLE, SubjectBody, SubjectKey},
};

use crate::{
    config::{self, offset},
    emit, grants,
    hash::mix,
    kernel::{current, read},
    known::{self, Found},
    lineage,
    maps::{SUBJECTS, TASKS},
    path::{self, Path},
    scratch::{self, BPF_NOEXIST, Scratch},
    sighting::Sighting,
    typed::{self, Typed},
    wake::Urgency,
};

/// The watched process that is running; None where nobody watches it.
#[inline(always)]
pub(crate) fn watched() -> Option<*mut Task> {
    let tgid = tgid();
    if let Some(task) = TASKS.get_ptr_mut(tgid) {
        // SAFETY: the pointer is into a live map value: its process is running this.
        let starting = unsafe { (*task).flags } & TASK_STARTING != 0;
        return if starting { None } else { Some(task) };
    }
    if !config::watch_all() || tgid == config::agent_tgid() {
        return None;
    }
    // A failed insert leaves the process unseen this time; the next access tries again.
    let _ = TASKS.insert(
        tgid,
        Task {
            subject: 0,
            cgroup_id: 0,
            uid: 0,
            flags: 0,
            script: 0,
        },
        BPF_NOEXIST,
    );
    TASKS.get_ptr_mut(tgid)
}

/// Ends the time in which the running process is not watched yet, if it is in it: it is now the program that was to
/// be started. Says whether it was.
#[inline(always)]
pub(crate) fn started() -> bool {
    let Some(task) = TASKS.get_ptr_mut(tgid()) else {
        return false;
    };
    // SAFETY: as in `watched`. The process has one thread: exec has ended all others.
    unsafe {
        let was_starting = (*task).flags & TASK_STARTING != 0;
        (*task).flags &= !TASK_STARTING;
        was_starting
    }
}

/// The subject id of a watched process, found out again where its user or control group changed.
#[inline(always)]
pub(crate) fn of(task: *mut Task) -> Result<u64, Reason> {
    // SAFETY: the helper has no precondition.
    let cgroup_id = unsafe { bpf_get_current_cgroup_id() };
    of_user(task, uid(), cgroup_id)
}

#[inline(always)]
fn of_user(task: *mut Task, uid: u32, cgroup_id: u64) -> Result<u64, Reason> {
    // SAFETY: the pointer is into a live map value: its process is running this.
    let known = unsafe { task.read() };
    if known.subject != 0 && known.uid == uid && known.cgroup_id == cgroup_id {
        return Ok(known.subject);
    }
    find()
}

/// Counts an access of the running task as seen, and finds its subject, at the lowest price; None where nobody watches it. Only where
/// `config::has_typed_task`.
#[inline(always)]
pub(crate) fn of_typed(task: Typed, family: Family) -> Option<(Sighting, Result<u64, Reason>)> {
    let tgid = task.load(offset!(task_tgid));
    // SAFETY: the helper has no precondition.
    let rest = || (typed::uid(task), unsafe { bpf_get_current_cgroup_id() });
    match known::find(tgid, rest) {
        Found::Subject(subject) => {
            return Some((Sighting::by(core::ptr::null_mut(), family), Ok(subject)));
        }
        Found::Nobodys => return None,
        Found::Nothing => {}
    }
    // Before the process is looked for: what the agent chooses meanwhile is not missed.
    let choices = known::choices();
    let Some(sighting) = Sighting::of(family) else {
        // Not one that is to be watched from its next exec on.
        if !config::watch_all() && TASKS.get_ptr(tgid).is_none() {
            known::remember_nobodys(tgid, choices);
        }
        return None;
    };
    let (uid, cgroup_id) = rest();
    let subject = of_user(sighting.task, uid, cgroup_id);
    if let Ok(subject) = subject {
        known::remember(tgid, uid, cgroup_id, subject);
    }
    Some((sighting, subject))
}

/// The subject of the running process, where it was found out and nothing has changed it since; else 0.
#[inline(always)]
pub(crate) fn known_of_running() -> u64 {
    let Some(task) = TASKS.get_ptr(tgid()) else {
        return 0;
    };
    // SAFETY: as in `watched`.
    let known = unsafe { task.read() };
    // SAFETY: the helper has no precondition.
    let cgroup_id = unsafe { bpf_get_current_cgroup_id() };
    if known.uid == uid() && known.cgroup_id == cgroup_id {
        known.subject
    } else {
        0
    }
}

/// Finds the subject out from the executable, and remembers it for the process.
#[inline(always)]
pub(crate) fn find() -> Result<u64, Reason> {
    match find_subject() {
        found if found > LAST_REASON => Ok(found),
        RING_FULL => Err(Reason::RingFull),
        NESTED => Err(Reason::Nested),
        _ => Err(Reason::SubjectUnknown),
    }
}

const RING_FULL: u64 = Reason::RingFull as u64;
const NESTED: u64 = Reason::Nested as u64;

/// Ids are times in nanoseconds: none is as small as a reason's number.
const LAST_REASON: u64 = 255;

/// A global function, which the verifier checks once and not again for each caller: gives the id, or the
/// number of the reason why there is none.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn find_subject() -> u64 {
    let Some(task) = TASKS.get_ptr_mut(tgid()) else {
        return Reason::SubjectUnknown as u64;
    };
    match try_find(task) {
        Ok(id) => id,
        Err(reason) => reason as u64,
    }
}

#[inline(always)]
fn try_find(task: *mut Task) -> Result<u64, Reason> {
    let exe = executable().ok_or(Reason::SubjectUnknown)?;
    // SAFETY: as in `of`.
    let script = unsafe { (*task).script };
    let grants = grants::hash().ok_or(Reason::SubjectUnknown)?;
    let key = key(exe, script, grants).ok_or(Reason::SubjectUnknown)?;
    let id = match known(&key) {
        Some(id) => id,
        None => announce(exe, &key)?,
    };
    // SAFETY: as in `of`; two threads that do this at once write the same.
    unsafe {
        (*task).subject = id;
        (*task).uid = key.uid;
        (*task).cgroup_id = key.cgroup_id;
    }
    known::remember(tgid(), key.uid, key.cgroup_id, id);
    Ok(id)
}

/// The executable file of the running task, as `struct file`.
#[inline(always)]
pub(crate) fn executable() -> Option<u64> {
    let mm: u64 = read(current(), offset!(task_mm))?;
    read::<u64>(mm, offset!(mm_exe_file)).filter(|file| *file != 0)
}

#[inline(always)]
fn key(exe: u64, script: u64, grants: u64) -> Option<SubjectKey> {
    let inode: u64 = read(exe, offset!(file_inode))?;
    let sb: u64 = read(inode, offset!(inode_sb))?;
    Some(SubjectKey {
        // SAFETY: the helper has no precondition.
        cgroup_id: unsafe { bpf_get_current_cgroup_id() },
        inode: read(inode, offset!(inode_ino))?,
        lineage: lineage::of(Path::of_file(exe)?)?,
        script,
        grants,
        device: read(sb, offset!(sb_dev))?,
        uid: uid(),
    })
}

/// Announces a subject, then gives it an id: in this order, so that no id is in use that the agent never heard of.
#[inline(always)]
fn announce(exe: u64, key: &SubjectKey) -> Result<u64, Reason> {
    let id = new_id();
    scratch::with(|scratch, slot| {
        let mut text = path::EMPTY;
        path::walk(
            slot,
            Path::of_file(exe).ok_or(Reason::SubjectUnknown)?,
            &mut text,
        );
        send(scratch, slot, id, *key, text, PART_EXECUTABLE)
    })?;
    let entry = SubjectId {
        check: check(key),
        id,
    };
    if SUBJECTS.insert(key, entry, BPF_NOEXIST).is_ok() {
        return Ok(id);
    }
    // Another CPU was quicker, and its id stands; or the map has no room at all.
    known(key).ok_or(Reason::SubjectUnknown)
}

/// What the subject map holds.
#[repr(C)]
pub(crate) struct SubjectId {
    /// Of the key, by [`check`]. First in memory, so that it is written before the id.
    check: u64,
    id: u64,
}

/// The id of a subject that was announced, and not forgotten since.
#[inline(always)]
fn known(key: &SubjectKey) -> Option<u64> {
    let entry = SUBJECTS.get_ptr(key)?;
    // The kernel gives the memory of an entry that makes room to another key at once, this program may be looking at it or not.
    // Read in the other order than it is written, an id that is another key's has that key's check.
    // SAFETY: the memory stays the map's.
    let (id, found) = unsafe {
        let id = (&raw const (*entry).id).read_volatile();
        (id, (&raw const (*entry).check).read_volatile())
    };
    (found == check(key)).then_some(id)
}

#[inline(always)]
fn check(key: &SubjectKey) -> u64 {
    let who = key.cgroup_id ^ key.script.rotate_left(16) ^ u64::from(key.uid).rotate_left(40);
    let what = key.inode ^ key.lineage.rotate_left(8) ^ u64::from(key.device).rotate_left(48);
    mix(
        who ^ mix(what ^ key.grants, 0xff51_afd7_ed55_8ccd),
        0xc4ce_b9fe_1a85_ec53,
    )
}

/// Sends one part of a subject.
#[inline(always)]
pub(crate) fn send(
    scratch: &mut Scratch,
    slot: u32,
    id: u64,
    key: SubjectKey,
    text: Text,
    part: u32,
) -> Result<(), Reason> {
    let leader: u64 = read(current(), offset!(task_group_leader)).unwrap_or(0);
    let parent: u64 = read(leader, offset!(task_real_parent)).unwrap_or(0);
    // The body is put together where it is sent from, which saves stack.
    // SAFETY: the slot is this program's alone, and has room for the body, which is plain integers.
    let body = unsafe { &mut *scratch.body::<SubjectBody>() };
    body.header = emit::header::<SubjectBody>(KIND_SUBJECT, 0, &text);
    body.subject = id;
    body.key = key;
    body.text = text;
    body.start_boottime_ns = read(leader, offset!(task_start_boottime)).unwrap_or(0);
    body.parent_tgid = read(parent, offset!(task_tgid)).unwrap_or(0);
    body.part = part;
    grants::write(slot, part == PART_EXECUTABLE);
    emit::send_as_it_is::<SubjectBody>(scratch, &text, Urgency::Now)
}

/// A number that no other call gives: the time, and the CPU for calls at the same time.
#[inline(always)]
pub(crate) fn new_id() -> u64 {
    // SAFETY: neither helper has a precondition.
    unsafe { (bpf_ktime_get_boot_ns() << 10) | u64::from(bpf_get_smp_processor_id() & 1023) }
}

#[inline(always)]
pub(crate) fn tgid() -> u32 {
    (bpf_get_current_pid_tgid() >> 32) as u32
}

#[inline(always)]
fn uid() -> u32 {
    bpf_get_current_uid_gid() as u32
}
