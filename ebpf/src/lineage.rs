//! What makes a file or a folder the same one, in numbers: the names that lead to it, as the running task sees them, its device, and
//! whether its name was removed.

use crate::{
    config::offset,
    kernel::{current, read},
    path::Path,
};

/// A number that stands for a directory: its device and inode.
#[inline(always)]
pub(crate) fn identity(path: Path) -> Option<u64> {
    let inode: u64 = read(path.dentry, offset!(dentry_inode))?;
    let sb: u64 = read(inode, offset!(inode_sb))?;
    let device: u32 = read(sb, offset!(sb_dev))?;
    let number: u64 = read(inode, offset!(inode_ino))?;
    Some(number ^ (u64::from(device) << 32))
}

/// The last word of a file's object: its device, whether its name was removed, and from which time on it has its inode's number, for most
/// file systems give that to the next file when it is gone. Names alone do not tell those apart: their hashes have 32 bits, in which
/// ten thousand of a folder's names may well have two alike. One bit between stays 0, for what is no file.
#[inline(always)]
pub(crate) fn device_and_state(device: u32, generation: u32, is_unlinked: bool) -> u64 {
    u64::from(device) | (u64::from(is_unlinked) << 32) | (u64::from(generation) << 34)
}

/// Whether the name was removed, by what [`device_and_state`] gave.
#[inline(always)]
pub(crate) fn is_removed(device_and_state: u64) -> bool {
    device_and_state >> 32 & 1 != 0
}

/// Most folders above a name whose names count for [`of`].
pub(crate) const MOST: u64 = 24;

/// A number that stands for a name and the folders above it, as the running task sees them: an inode keeps its
/// number when a folder above it is renamed, a process in a chroot sees the same dentry under another path, and one file system may be
/// mounted at many places, of which the names count, too.
#[inline(always)]
pub(crate) fn of(path: Path) -> Option<u64> {
    match lineage_of(path.dentry, lineage_of_mount(path.mnt, root_dentry()?)) {
        0 => None,
        lineage => Some(lineage),
    }
}

/// As [`of`], for a while: in the next window, or when the [`mount_event`] is another one, the same number may be another place's.
#[inline(always)]
pub(crate) fn for_now(path: Path) -> Option<u64> {
    let start = start(root_dentry()?, path.mnt, mount_event());
    match lineage_of(path.dentry, start) {
        0 => None,
        lineage => Some(lineage),
    }
}

#[inline(always)]
fn root_dentry() -> Option<u64> {
    let fs: u64 = read(current(), offset!(task_fs))?;
    read(fs, offset!(fs_root_dentry))
}

/// A number that is another one whenever something was mounted, moved or unmounted where the running task can see it: `event` of
/// `struct mnt_namespace`, which `touch_mnt_namespace` of `fs/namespace.c` counts up (5.10 to 7.3). A moment after that the `struct mount` of
/// another place may be where this one was.
#[inline(always)]
fn mount_event() -> u64 {
    let event = || {
        let proxy: u64 = read(current(), offset!(task_nsproxy))?;
        let namespace: u64 = read(proxy, offset!(nsproxy_mnt_ns))?;
        read(namespace, offset!(mnt_ns_event))
    };
    event().unwrap_or(0)
}

/// What a lineage begins with: the task's root, the mount, and the [`mount_event`].
#[inline(always)]
pub(crate) fn start(root: u64, mnt: u64, event: u64) -> u64 {
    root.wrapping_mul(0xc4ce_b9fe_1a85_ec53)
        .wrapping_add(mnt)
        .wrapping_add(event.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// The lineage of a name, and of the folder that it is in.
pub(crate) struct Below {
    pub(crate) name: u64,
    pub(crate) folder: u64,
    /// The task's root.
    pub(crate) root: u64,
}

/// As [`for_now`], for an object that says on which file system it is, by the address of its `struct super_block`.
#[inline(always)]
pub(crate) fn below(path: Path, sb: u64) -> Option<Below> {
    let root = root_dentry()?;
    let (parent, hash) = parent_and_hash(path.dentry)?;
    let start = start(
        root.wrapping_sub(sb),
        path.mnt.wrapping_sub(sb),
        mount_event(),
    );
    match lineage_of(parent, start) {
        0 => None,
        folder => Some(Below {
            name: name_in(folder, hash),
            folder,
            root,
        }),
    }
}

/// The lineage of a name in a folder of that lineage.
#[inline(always)]
pub(crate) fn name_in(folder: u64, hash: u32) -> u64 {
    add_name(folder, hash) | 1
}

/// A global function, as `path::walk_path` is. 0: a fault.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn lineage_of(dentry: u64, root: u64) -> u64 {
    let mut lineage = root;
    let mut at = dentry;
    let mut step = 0;
    while step < MOST {
        let Some((parent, hash)) = parent_and_hash(at) else {
            return 0;
        };
        lineage = add_name(lineage, hash);
        if parent == at {
            break;
        }
        at = parent;
        step += 1;
    }
    lineage | 1
}

/// The lineage of the place where a mount is, on the mount that it is in; 0 for a fault. A global function, as above.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn lineage_of_mount(mnt: u64, root: u64) -> u64 {
    let mount = mnt.wrapping_sub(offset!(mount_mnt).offset());
    let (Some(parent), Some(mountpoint)) = (
        read::<u64>(mount, offset!(mount_parent)),
        read(mount, offset!(mount_mountpoint)),
    ) else {
        return 0;
    };
    lineage_of(mountpoint, start(root, parent, 0))
}

/// A dentry's parent, and the hash of its name: as `path::Link` is read, of which this is a part, for the stack on the way to here is
/// as short.
#[inline(always)]
fn parent_and_hash(dentry: u64) -> Option<(u64, u32)> {
    if offset!(dentry_name_hash).offset() == offset!(dentry_parent).offset() + 8 {
        let [parent, name] = read::<[u64; 2]>(dentry, offset!(dentry_parent))?;
        return Some((parent, name as u32));
    }
    let parent = read(dentry, offset!(dentry_parent))?;
    Some((parent, read(dentry, offset!(dentry_name_hash))?))
}

/// Adds the name of one folder more, by the kernel's hash of it: a polynomial of the hashes modulo 2^64. Those are hashes of the
/// name and of the address of the folder's own dentry, which nobody chooses, so that it takes no more to keep paths apart, and a repeat
/// pays for each folder.
#[inline(always)]
pub(crate) fn add_name(lineage: u64, hash: u32) -> u64 {
    lineage
        .wrapping_mul(0xff51_afd7_ed55_8ccd)
        .wrapping_add(u64::from(hash))
}
