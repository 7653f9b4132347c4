//! Kernel structs that a hook hands over with their types: members are loaded directly, at a tenth of what `kernel::read`
//! costs. The verifier lets nobody compute with such a pointer; two of them may be subtracted.

use core::{arch::asm, hint::black_box};

use aya_ebpf::{
    helpers::generated::{bpf_get_current_task_btf, bpf_task_pt_regs},
    programs::FExitContext,
};

use crate::{
    config::{self, offset},
    folder::Folder,
    kernel, lineage,
    member::{Member, Number},
    path,
    scratch::Scratch,
};

/// The address of a kernel struct, whose type the verifier knows.
#[derive(Clone, Copy)]
pub(crate) struct Typed(*const u8);

impl Typed {
    /// An argument of the hooked function, or behind the last one its result.
    #[inline(always)]
    pub(crate) fn argument(ctx: &FExitContext, index: usize) -> Self {
        Self(ctx.arg(index))
    }

    /// The running task. Only where `config::has_typed_task`.
    #[inline(always)]
    pub(crate) fn current() -> Self {
        // SAFETY: the helper has no precondition.
        Self(unsafe { bpf_get_current_task_btf() }.cast())
    }

    /// A member that is a number.
    #[inline(always)]
    pub(crate) fn load<T: Number, const INDEX: usize>(self, member: Member<INDEX>) -> T {
        // SAFETY: the address is typed, and every T used here is what the kernel's header says.
        unsafe { member.load(self.0) }
    }

    /// A member that is a pointer to a struct.
    #[inline(always)]
    pub(crate) fn follow<const INDEX: usize>(self, member: Member<INDEX>) -> Self {
        Self(self.load::<u64, INDEX>(member) as *const u8)
    }

    /// Whether it is an error pointer.
    #[inline(always)]
    pub(crate) fn is_error(self) -> bool {
        self.0 as u64 > u64::MAX - 4096
    }

    /// The address as what a map is looked up by. The verifier still takes it for typed, and lets nobody compute with it.
    #[inline(always)]
    pub(crate) fn key(self) -> u64 {
        self.0 as u64
    }

    /// The address as a number, to compute with and to pass to global functions.
    #[inline(always)]
    pub(crate) fn number(self) -> u64 {
        if config::has_typed_task() {
            return self.from(Self::current()).wrapping_add(kernel::current());
        }
        let place = black_box(self.0);
        kernel::read_or_zero(&raw const place as u64, 0)
    }

    /// How far it is from another address: a number that both know.
    #[inline(always)]
    fn from(self, other: Self) -> u64 {
        let mut distance = (self.0 as u64).wrapping_sub(other.0 as u64);
        // SAFETY: a register is moved to itself. It keeps the compiler from turning what is done to the distance into what is done to
        // the addresses. With no instruction at all, its line would be said of the next one, which has its own: kernels refuse that.
        unsafe { asm!("{0} = {0}", inout(reg) distance, options(pure, nomem, nostack)) };
        distance
    }
}

/// The running task's registers of user mode. Only where `config::has_task_registers`.
#[inline(always)]
pub(crate) fn registers() -> Typed {
    // SAFETY: neither helper has a precondition.
    Typed(unsafe { bpf_task_pt_regs(bpf_get_current_task_btf()) } as *const u8)
}

/// A task's user, as `bpf_get_current_uid_gid` tells that of the running one.
#[inline(always)]
pub(crate) fn uid(task: Typed) -> u32 {
    let credentials = task.follow(offset!(task_cred));
    credentials.load(offset!(cred_uid))
}

/// The running task's table of descriptors. Only where `config::has_typed_task`; all zero for a task that has given it up.
#[inline(always)]
pub(crate) fn descriptors() -> Descriptors {
    let table = Typed::current()
        .follow(offset!(task_files))
        .follow(offset!(files_fdt));
    Descriptors {
        most: table.load(offset!(fdtable_max_fds)),
        files: table.load(offset!(fdtable_fd)),
    }
}

/// A `struct fdtable`.
pub(crate) struct Descriptors {
    /// How many there is room for.
    pub(crate) most: u32,
    /// Address of the array of `struct file *`.
    pub(crate) files: u64,
}

/// Walks the path of an opened file as far as it is on one mount, and puts into the slot where the walk is then: what is
/// above it has no type here. As `path::walk`'s steps, and with the same text. With `name_alone` it is over after the first.
#[inline(always)]
pub(crate) fn walk(scratch: &mut Scratch, task: Typed, file: Typed, name_alone: bool) {
    let fs = task.follow(offset!(task_fs));
    let root = fs.follow(offset!(fs_root_dentry));
    let root_mnt = fs.follow(offset!(fs_root_mnt));
    // In memory of a map a typed pointer becomes a number.
    scratch.walk.root_dentry = root.0 as u64;
    scratch.walk.root_mnt = root_mnt.0 as u64;
    let mnt = file.follow(offset!(file_path_mnt));
    let mount_root = mnt.follow(offset!(vfsmount_root));
    // A root may be in the middle of a mount, and a file outside of it.
    let end = if mnt.0 == root_mnt.0 {
        root
    } else {
        mount_root
    };
    let mut at = file.follow(offset!(file_path_dentry));
    scratch.walk.bytes = 0;
    let mut step = 0;
    while step < STEPS {
        let parent = at.follow(offset!(dentry_parent));
        // What has nothing above it is left to the other walk, with everything else that ends one.
        if at.0 == end.0 || at.0 == mount_root.0 || at.0 == parent.0 {
            break;
        }
        let length = at.load::<u32, _>(offset!(dentry_name_len)) & 255;
        if length < SHORT {
            add_short(scratch, at, length);
        } else if path::add(scratch, 0, length, at.load(offset!(dentry_name))).is_none() {
            break;
        }
        at = parent;
        step += 1;
        if name_alone {
            break;
        }
    }
    // A name that could not be copied is left to the other walk, too.
    let is_over = name_alone && step > 0;
    scratch.walk.dentry = if is_over { path::OVER } else { at.0 as u64 };
    scratch.walk.mnt = mnt.0 as u64;
    scratch.walk.mount_root = mount_root.0 as u64;
}

/// Shorter names are in the dentry itself: `DNAME_INLINE_LEN` of `include/linux/dcache.h` is 32, and 40 on newer kernels.
const SHORT: u32 = 32;

/// As `path::add`, of a name in the dentry: copied whole, for what is too much is overwritten by what follows it.
#[inline(always)]
fn add_short(scratch: &mut Scratch, dentry: Typed, length: u32) {
    let place = scratch.text(scratch.walk.bytes as usize & 4095);
    // SAFETY: SHORT bytes behind the first 4,096 are inside of the scratch.
    unsafe {
        copy_word::<0>(dentry, place);
        copy_word::<8>(dentry, place);
        copy_word::<16>(dentry, place);
        copy_word::<24>(dentry, place);
    }
    path::end_name(scratch, 0, length);
}

/// Most names of a [`walk`]: the verifier looks at each, and the longest fit into the text.
const STEPS: u32 = 12;

/// Copies eight bytes of a name in its dentry, in one store: the compiler would make eight of it, for a name begins anywhere.
///
/// # Safety
/// The bytes at `place` are inside of a map value.
#[inline(always)]
unsafe fn copy_word<const FROM: usize>(dentry: Typed, place: *mut u8) {
    let value: u64 = Typed(dentry.0.wrapping_add(FROM)).load(offset!(dentry_short_name));
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "*(u64 *)({place} + {from}) = {value}",
            place = in(reg) place,
            from = const FROM,
            value = in(reg) value,
            options(nostack, preserves_flags)
        );
    }
}

/// What kind of file system an opened file is on.
#[inline(always)]
pub(crate) fn magic(file: Typed) -> u32 {
    file.follow(offset!(file_path_dentry))
        .follow(offset!(dentry_inode))
        .follow(offset!(inode_sb))
        .load::<u64, _>(offset!(sb_magic)) as u32
}

/// What makes a file the same one that the running task opened before, and the lineage of the folder that it is in: as `access::object`
/// finds it with `kernel::read`, and for the same values. This is most of what a repeat costs, and each load in it is seven instructions
/// on x86-64.
#[inline(always)]
pub(crate) fn object(task: Typed, file: Typed) -> ([u64; 3], u64) {
    let inode = file.follow(offset!(file_inode));
    let sb = inode.follow(offset!(inode_sb));
    let dentry = file.follow(offset!(file_path_dentry));
    let root = task
        .follow(offset!(task_fs))
        .follow(offset!(fs_root_dentry));
    let mnt = file.follow(offset!(file_path_mnt));
    let event = task
        .follow(offset!(task_nsproxy))
        .follow(offset!(nsproxy_mnt_ns))
        .load(offset!(mnt_ns_event));
    let mut lineage = lineage::start(root.from(sb), mnt.from(sb), event);
    let above = dentry.follow(offset!(dentry_parent));
    let mut at = above;
    let mut step = 0;
    while step < lineage::MOST {
        let parent = at.follow(offset!(dentry_parent));
        lineage = lineage::add_name(lineage, at.load(offset!(dentry_name_hash)));
        if parent.0 == at.0 {
            break;
        }
        at = parent;
        step += 1;
    }
    let folder = lineage | 1;
    let is_hashed = dentry.load::<u64, _>(offset!(dentry_hash_pprev)) != 0;
    let is_unlinked = !is_hashed && above.0 != dentry.0;
    let device: u32 = sb.load(offset!(sb_dev));
    let generation: u32 = inode.load(offset!(inode_generation));
    let object = [
        inode.load(offset!(inode_ino)),
        lineage::name_in(folder, dentry.load(offset!(dentry_name_hash))),
        lineage::device_and_state(device, generation, is_unlinked),
    ];
    (object, folder)
}

/// The folder that an opened file is in, by its lineage: as `Folder::above`.
#[inline(always)]
pub(crate) fn folder(task: Typed, file: Typed, lineage: u64) -> Option<Folder> {
    let dentry = file.follow(offset!(file_path_dentry));
    let mount_root = file
        .follow(offset!(file_path_mnt))
        .follow(offset!(vfsmount_root));
    let root = task
        .follow(offset!(task_fs))
        .follow(offset!(fs_root_dentry));
    let parent = dentry.follow(offset!(dentry_parent));
    if dentry.0 == mount_root.0 || dentry.0 == root.0 || dentry.0 == parent.0 {
        return None;
    }
    let inode = parent.follow(offset!(dentry_inode));
    let device: u32 = inode.follow(offset!(inode_sb)).load(offset!(sb_dev));
    let generation: u32 = inode.load(offset!(inode_generation));
    Some(Folder {
        lineage,
        inode: inode.load(offset!(inode_ino)),
        state: lineage::device_and_state(device, generation, false),
    })
}
