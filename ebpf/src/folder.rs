//! Folders whose path is in the ring: what else is found in one is sent with its name alone. A folder has a place in the usage map as an
//! access has, so that the agent, which empties the map after a window, forgets it with the kernel.

use whittle_schemas::record::{says_folder, usage::UsageId};

use crate::{
    config::offset,
    kernel::read,
    lineage,
    path::Path,
    scratch::{self, Scratch},
    usage::{self, Generation},
};

/// What makes a folder the same.
pub(crate) struct Folder {
    /// Of the names that lead to it, as in [`lineage::Below`]: no zero.
    pub(crate) lineage: u64,
    /// Number of its inode.
    pub(crate) inode: u64,
    /// As [`lineage::device_and_state`] has it.
    pub(crate) state: u64,
}

impl Folder {
    /// The folder that a name is in, by the lineage of that; None where it is in none that the task can see: a root, or the place of a
    /// mount, which is named elsewhere.
    #[inline(always)]
    pub(crate) fn above(path: Path, mount_root: u64, root: u64, lineage: u64) -> Option<Self> {
        let parent: u64 = read(path.dentry, offset!(dentry_parent))?;
        if path.dentry == mount_root || path.dentry == root || path.dentry == parent {
            return None;
        }
        let inode: u64 = read(parent, offset!(dentry_inode))?;
        let sb: u64 = read(inode, offset!(inode_sb))?;
        let (device, generation) = (
            read(sb, offset!(sb_dev))?,
            read(inode, offset!(inode_generation))?,
        );
        Some(Self {
            lineage,
            inode: read(inode, offset!(inode_ino))?,
            state: lineage::device_and_state(device, generation, false),
        })
    }
}

/// Puts the id of a folder into the slot, or that there is none. Gives whether its path was sent.
#[inline(always)]
pub(crate) fn find(slot: u32, generation: Generation, folder: Option<Folder>) -> bool {
    let what = slot | (generation.number() << 8);
    let Folder {
        lineage,
        inode,
        state,
    } = folder.unwrap_or(Folder {
        lineage: 0,
        inode: 0,
        state: 0,
    });
    find_folder(what, lineage, inode, state) != 0
}

/// A global function, which the verifier checks once.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn find_folder(what: u32, lineage: u64, inode: u64, state: u64) -> u32 {
    let Some(scratch) = scratch::of(what & 0xff) else {
        return 0;
    };
    if lineage == 0 {
        scratch.folder = UsageId::NONE;
        return 0;
    }
    let id = usage::folder_id([lineage, inode, state]);
    scratch.folder = id;
    u32::from(usage::is_there(Generation::of_number(what >> 8), id))
}

/// A record was sent, which says the path of the folder in the slot, unless these flags say otherwise.
#[inline(always)]
pub(crate) fn sent(scratch: &Scratch, generation: Generation, walk_flags: u32) {
    let folder = scratch.folder();
    if says_folder(walk_flags) && folder != UsageId::NONE {
        // Without a place its path is sent again.
        usage::keep(generation, folder);
    }
}
