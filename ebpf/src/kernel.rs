//! Reading kernel memory. Pointers are plain numbers here: a wrong one gives an error, never a fault.

use aya_ebpf::helpers::{bpf_get_current_task, bpf_probe_read_kernel, generated};
use whittle_schemas::record::counter::Reason;

use crate::{
    config::{self, offset},
    member::{Distance, Member},
    typed,
};

/// The running task's `struct task_struct`.
#[inline(always)]
pub(crate) fn current() -> u64 {
    // SAFETY: the helper has no precondition.
    unsafe { bpf_get_current_task() }
}

/// Reads the `T` that is so far from `base`; None where the kernel says that it cannot be read.
#[inline(always)]
pub(crate) fn read<T>(base: u64, distance: impl Distance) -> Option<T> {
    // SAFETY: the helper checks the address itself; every T used here is plain integers.
    unsafe { bpf_probe_read_kernel(distance.beyond(base) as *const T) }.ok()
}

/// As [`read`], into memory that need not be on the stack.
#[inline(always)]
pub(crate) fn read_into<T>(value: &mut T, base: u64, distance: impl Distance) -> Option<()> {
    let (size, from) = (size_of::<T>() as u32, distance.beyond(base));
    // SAFETY: as above; `value` has `size` bytes.
    let failed = unsafe {
        generated::bpf_probe_read_kernel((&raw mut *value).cast(), size, from as *const _)
    };
    (failed == 0).then_some(())
}

/// As [`read`], with zeros for what cannot be read: the helper clears it. See `syscall::read_user_or_zero`.
#[inline(always)]
pub(crate) fn read_or_zero<T: Default>(base: u64, distance: impl Distance) -> T {
    let mut value = T::default();
    let (size, from) = (size_of::<T>() as u32, distance.beyond(base));
    // SAFETY: `value` has `size` bytes; every T used here is plain integers.
    unsafe { generated::bpf_probe_read_kernel((&raw mut value).cast(), size, from as *const _) };
    value
}

/// A member of a struct that a hook passed in, loaded directly: the verifier knows its type.
#[inline(always)]
pub(crate) fn argument<const INDEX: usize>(base: *const u8, member: Member<INDEX>) -> u64 {
    // SAFETY: `base` is a typed argument of the hook, whose members used here have 64 bits.
    unsafe { member.load(base) }
}

/// The `struct file` behind a descriptor of the running task.
#[inline(always)]
pub(crate) fn file_of(descriptor: u64) -> Result<u64, Reason> {
    find_file(descriptor)
        .filter(|file| *file != 0)
        .ok_or(Reason::ObjectUnknown)
}

#[inline(always)]
fn find_file(descriptor: u64) -> Option<u64> {
    if config::has_typed_task() {
        let descriptors = typed::descriptors();
        if descriptor >= u64::from(descriptors.most) {
            return None;
        }
        return read(descriptors.files + descriptor * 8, 0);
    }
    let files: u64 = read(current(), offset!(task_files))?;
    let table: u64 = read(files, offset!(files_fdt))?;
    let most: u32 = read(table, offset!(fdtable_max_fds))?;
    if descriptor >= u64::from(most) {
        return None;
    }
    let descriptors: u64 = read(table, offset!(fdtable_fd))?;
    read(descriptors + descriptor * 8, 0)
}
