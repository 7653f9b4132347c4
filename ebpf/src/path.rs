//! Walks a path from its dentry to the root of the task, across mounts, as `prepend_path` of
//! `fs/d_path.c` does (same shape on 5.10 to 7.3). The components arrive leaf first, each ended by `/`.

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use whittle_schemas::record::{
    ASKED_BYTES, Text, WALK_BELOW, WALK_DELETED, WALK_DETACHED, WALK_ESCAPED, WALK_FAULT,
    WALK_STEPS, WALK_TRUNCATED,
};

use crate::{
    config::offset,
    kernel::{current, read, read_into},
    scratch::{self, Scratch},
};

/// A dentry as seen through a mount: `struct path`, as two addresses.
#[derive(Clone, Copy)]
pub(crate) struct Path {
    pub(crate) dentry: u64,
    pub(crate) mnt: u64,
}

impl Path {
    /// Where a `struct file` was opened.
    #[inline(always)]
    pub(crate) fn of_file(file: u64) -> Option<Self> {
        Some(Self {
            dentry: read(file, offset!(file_path_dentry))?,
            mnt: read(file, offset!(file_path_mnt))?,
        })
    }

    /// The running task's working directory.
    #[inline(always)]
    pub(crate) fn working_directory() -> Option<Self> {
        let fs: u64 = read(current(), offset!(task_fs))?;
        Some(Self {
            dentry: read(fs, offset!(fs_pwd_dentry))?,
            mnt: read(fs, offset!(fs_pwd_mnt))?,
        })
    }

    #[inline(always)]
    fn root() -> Option<Self> {
        let fs: u64 = read(current(), offset!(task_fs))?;
        Some(Self {
            dentry: read(fs, offset!(fs_root_dentry))?,
            mnt: read(fs, offset!(fs_root_mnt))?,
        })
    }
}

/// No text.
pub(crate) const EMPTY: Text = Text {
    asked_bytes: 0,
    walked_bytes: 0,
    walk_flags: 0,
    magic: 0,
};

/// Walks `path` into a slot, behind what `text` says is there already, and adds it to `text`.
#[inline(always)]
pub(crate) fn walk(slot: u32, path: Path, text: &mut Text) {
    let walked = walk_path(slot, path.dentry, path.mnt, text.asked_bytes);
    text.magic = magic(path.dentry);
    text.walked_bytes = walked as u32 & 8191;
    text.walk_flags |= (walked >> 32) as u32;
}

/// The walk: gives the bytes in the low half, the `WALK_` flags in the high half. A global function, which
/// the verifier checks once and not again for each caller: on 5.10 those take plain numbers only.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_path(slot: u32, dentry: u64, mnt: u64, start: u32) -> u64 {
    if begin_walk(slot, dentry, mnt) == 0 {
        return u64::from(WALK_FAULT) << 32;
    }
    let mut walked = walk_on(slot, start);
    if is_unlinked(Path { dentry, mnt }) {
        walked |= u64::from(WALK_DELETED) << 32;
    }
    walked
}

/// Puts a walk that begins into the slot; gives 0 for a fault. A global function, with a stack of its own: the way to the last step of a walk
/// goes through its caller, and has 512 bytes on 6.1.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn begin_walk(slot: u32, dentry: u64, mnt: u64) -> u32 {
    let Some(scratch) = scratch::of(slot) else {
        return 0;
    };
    let (Some(root), Some(mount_root)) = (Path::root(), read(mnt, offset!(vfsmount_root))) else {
        return 0;
    };
    scratch.walk = Walk {
        dentry,
        mnt,
        mount: mnt.wrapping_sub(offset!(mount_mnt).offset()),
        mount_root,
        root_dentry: root.dentry,
        root_mnt: root.mnt,
        bytes: 0,
        pad: 0,
    };
    1
}

/// The walk from where it is, to its end.
#[inline(always)]
fn walk_on(slot: u32, start: u32) -> u64 {
    let mut stretch = 0;
    let mut end = WALK_TRUNCATED;
    while stretch < WALK_STEPS / STRETCH {
        let result = walk_stretch(slot, start);
        if result & ENDED != 0 {
            end = result & !ENDED;
            break;
        }
        stretch += 1;
    }
    // Asked for again: each step had the memory to itself.
    let bytes = scratch::of(slot).map_or(0, |scratch| scratch.walk.bytes);
    u64::from(bytes) | (u64::from(end) << 32)
}

/// Steps of a [`walk_stretch`]. The verifier looks at each turn of a loop: at those of two loops, one in the other, and not at their
/// product.
const STRETCH: u32 = 32;

const _: () = assert!(WALK_STEPS.is_multiple_of(STRETCH));

/// So many steps, or as many as there are to the end: as [`walk_step`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_stretch(slot: u32, start: u32) -> u32 {
    let mut step = 0;
    while step < STRETCH {
        let result = walk_step(slot, start);
        if result & ENDED != 0 {
            return result;
        }
        step += 1;
    }
    0
}

/// Instead of where a walk is: it ended in a folder whose path was sent.
pub(crate) const OVER: u64 = 0;

/// As [`walk_path`], for a walk that has come as far as the slot says, on the mount that it began on.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_rest(slot: u32) -> u64 {
    let Some(scratch) = scratch::of(slot) else {
        return u64::from(WALK_FAULT) << 32;
    };
    if scratch.walk.dentry == OVER {
        return u64::from(scratch.walk.bytes) | (u64::from(WALK_BELOW) << 32);
    }
    scratch.walk.mount = scratch.walk.mnt.wrapping_sub(offset!(mount_mnt).offset());
    walk_on(slot, 0)
}

/// As [`walk`], of the name alone, and without what is there already: in a folder whose path was sent.
#[inline(always)]
pub(crate) fn name(slot: u32, path: Path, text: &mut Text) {
    let walked = walk_name(slot, path.dentry);
    text.magic = magic(path.dentry);
    text.walked_bytes = walked as u32 & 8191;
    text.walk_flags |= (walked >> 32) as u32;
}

/// As [`walk_path`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_name(slot: u32, dentry: u64) -> u64 {
    let fault = u64::from(WALK_FAULT) << 32;
    let Some(scratch) = scratch::of(slot) else {
        return fault;
    };
    scratch.walk.bytes = 0;
    let Some(link) = Link::above(dentry, &mut scratch.link) else {
        return fault;
    };
    if add(scratch, 0, link.length & 255, link.name).is_none() {
        return fault;
    }
    let mut flags = WALK_BELOW;
    if is_unlinked(Path { dentry, mnt: 0 }) {
        flags |= WALK_DELETED;
    }
    u64::from(scratch.walk.bytes) | (u64::from(flags) << 32)
}

/// Walks on from where a slot says that the walk is, and adds it to `text`, which has no other path.
#[inline(always)]
pub(crate) fn walk_on_from(slot: u32, text: &mut Text) {
    let walked = walk_rest(slot);
    text.walked_bytes = walked as u32 & 8191;
    text.walk_flags |= (walked >> 32) as u32;
}

/// Where a walk is, from one step to the next.
#[repr(C)]
pub(crate) struct Walk {
    pub(crate) dentry: u64,
    pub(crate) mnt: u64,
    /// The `struct mount` around `mnt`.
    mount: u64,
    /// The root of what is mounted there.
    pub(crate) mount_root: u64,
    /// The task's root, where the walk ends.
    pub(crate) root_dentry: u64,
    pub(crate) root_mnt: u64,
    pub(crate) bytes: u32,
    pad: u32,
}

/// Bit of [`walk_step`]'s result beside the `WALK_` flags: the walk is over.
const ENDED: u32 = 1 << 31;

/// One step towards the root: a component, or a mount crossed. Gives 0, or [`ENDED`] and how. A global function
/// too: the verifier looks at the step once and not at each of [`WALK_STEPS`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_step(slot: u32, start: u32) -> u32 {
    let Some(scratch) = scratch::of(slot) else {
        return ENDED | WALK_FAULT;
    };
    match try_step(scratch, start as usize & 4095) {
        Some(Step::On) => 0,
        Some(Step::Ended(flags)) => ENDED | flags,
        None => ENDED | WALK_FAULT,
    }
}

/// What a step leads to.
enum Step {
    On,
    /// The walk is over, with these `WALK_` flags.
    Ended(u32),
}

/// None: a fault.
#[inline(always)]
fn try_step(scratch: &mut Scratch, start: usize) -> Option<Step> {
    let dentry = scratch.walk.dentry;
    if dentry == scratch.walk.root_dentry && scratch.walk.mnt == scratch.walk.root_mnt {
        return Some(Step::Ended(0));
    }
    if dentry == scratch.walk.mount_root {
        return cross(scratch);
    }
    // Read into the slot: the way to here has 512 bytes of stack on 6.1.
    let link = Link::above(dentry, &mut scratch.link)?;
    let end = add(scratch, start, link.length & 255, link.name)?;
    if end >= ASKED_BYTES - 1 {
        return Some(Step::Ended(WALK_TRUNCATED));
    }
    let parent = link.parent;
    if parent == dentry {
        // Pipes, memfd and the like have a name and nothing above it.
        return Some(Step::Ended(WALK_DETACHED));
    }
    scratch.walk.dentry = parent;
    Some(Step::On)
}

/// How a dentry hangs below its parent: `d_parent` and `d_name` of `struct dentry`.
struct Link {
    parent: u64,
    length: u32,
    /// Where the name is.
    name: u64,
}

impl Link {
    /// Reads it, into this memory and at once, where one stands behind the other, as from 5.10 to 7.3; None for a fault.
    #[inline(always)]
    fn above(dentry: u64, memory: &mut [u64; 3]) -> Option<Self> {
        let parent = offset!(dentry_parent).offset();
        let is_in_one = offset!(dentry_name_len).offset() == parent + 12
            && offset!(dentry_name).offset() == parent + 16;
        if is_in_one {
            read_into(memory, dentry, offset!(dentry_parent))?;
            let [parent, of_name, name] = *memory;
            return Some(Self {
                parent,
                length: (of_name >> 32) as u32,
                name,
            });
        }
        Some(Self {
            parent: read(dentry, offset!(dentry_parent))?,
            length: read(dentry, offset!(dentry_name_len))?,
            name: read(dentry, offset!(dentry_name))?,
        })
    }
}

/// Adds a name of at most 255 bytes to what was walked; gives where it ends, and None for a fault.
#[inline(always)]
pub(crate) fn add(scratch: &mut Scratch, start: usize, length: u32, name: u64) -> Option<usize> {
    let at = scratch.walk.bytes as usize & 4095;
    // SAFETY: `start` and `at` are below 4096 and the length below 256: together inside of the scratch.
    let copied =
        unsafe { bpf_probe_read_kernel(scratch.text(start + at).cast(), length, name as *const _) };
    if copied != 0 {
        return None;
    }
    Some(end_name(scratch, start, length))
}

/// Ends a name that was put behind what was walked; gives where it ends.
#[inline(always)]
pub(crate) fn end_name(scratch: &mut Scratch, start: usize, length: u32) -> usize {
    let end = (scratch.walk.bytes as usize & 4095) + length as usize;
    // SAFETY: `start` is below 4096, and `end` below 4096 + 256: inside of the scratch.
    unsafe { scratch.text(start + end).write(b'/') };
    scratch.walk.bytes = end as u32 + 1;
    end
}

/// From the root of a mount to the place where it is mounted.
#[inline(always)]
fn cross(scratch: &mut Scratch) -> Option<Step> {
    let mount = scratch.walk.mount;
    let (parent, mountpoint) = above_mount(mount, &mut scratch.link)?;
    if parent == mount {
        let namespace: u64 = read(mount, offset!(mount_ns))?;
        // Error pointers mark what was never mounted (MNT_NS_INTERNAL) or is mounted no more.
        let nowhere = namespace == 0 || namespace > u64::MAX - 4096;
        return Some(Step::Ended(if nowhere {
            WALK_DETACHED
        } else {
            WALK_ESCAPED
        }));
    }
    scratch.walk.dentry = mountpoint;
    let mnt = parent + offset!(mount_mnt).offset();
    scratch.walk.mount_root = read(mnt, offset!(vfsmount_root))?;
    scratch.walk.mount = parent;
    scratch.walk.mnt = mnt;
    Some(Step::On)
}

/// What a mount is in, and where: `mnt_parent` and `mnt_mountpoint` of `struct mount`, read as [`Link::above`] does.
#[inline(always)]
fn above_mount(mount: u64, memory: &mut [u64; 3]) -> Option<(u64, u64)> {
    if offset!(mount_mountpoint).offset() == offset!(mount_parent).offset() + 8 {
        read_into(memory, mount, offset!(mount_parent))?;
        let [parent, mountpoint, _] = *memory;
        return Some((parent, mountpoint));
    }
    Some((
        read(mount, offset!(mount_parent))?,
        read(mount, offset!(mount_mountpoint))?,
    ))
}

/// Whether the name was removed: `d_unlinked` of `include/linux/dcache.h`.
#[inline(always)]
pub(crate) fn is_unlinked(path: Path) -> bool {
    let hashed: Option<u64> = read(path.dentry, offset!(dentry_hash_pprev));
    let parent: Option<u64> = read(path.dentry, offset!(dentry_parent));
    hashed == Some(0) && parent != Some(path.dentry)
}

#[inline(always)]
fn magic(dentry: u64) -> u32 {
    let inode: Option<u64> = read(dentry, offset!(dentry_inode));
    inode
        .and_then(|inode| read::<u64>(inode, offset!(inode_sb)))
        .and_then(|sb| read(sb, offset!(sb_magic)))
        .unwrap_or(0)
}
