//! What led to a hook, call or functions of the kernel: where a tracepoint does not say what its callers know.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_get_stack;
use whittle_schemas::record::capability::{FRAMES, UNAUDITED_RANGES};

use crate::{
    config::{self, offset},
    maps::UNAUDITED,
    syscall::Call,
    typed::{self, Typed},
    uring,
};

/// Whether the running system call asks for `CAP_SYS_ADMIN` for nothing but to know whether there is memory enough
/// (`cap_vm_enough_memory`), which is not audited: most checks are of these, and to look at the callers takes two microseconds. These
/// lead to no other check of it by `mm` and `kernel/fork.c` of 7.3: what else takes it there `clone` cannot ask for.
#[inline(always)]
pub(crate) fn are_asking_for_memory() -> bool {
    if !config::has_task_registers() || Call::is_compat() || !uring::is_call() {
        return false;
    }
    let registers = typed::registers();
    let number: u64 = registers.load(offset!(regs_orig_ax));
    match number {
        MUNMAP | MPROTECT | BRK | MREMAP => true,
        // A file's memory may be a device's.
        MMAP => registers.load::<u64, _>(offset!(regs_r10)) & MAP_ANONYMOUS != 0,
        // Whom a limit of processes is for may pass it with the capability: everybody but root.
        FORK | VFORK => typed::uid(Typed::current()) == 0,
        CLONE => {
            let flags: u64 = registers.load(offset!(regs_di));
            flags & NEW_NAMESPACES == 0 && typed::uid(Typed::current()) == 0
        }
        _ => false,
    }
}

const MMAP: u64 = 9;
const MPROTECT: u64 = 10;
const MUNMAP: u64 = 11;
const BRK: u64 = 12;
const MREMAP: u64 = 25;
const CLONE: u64 = 56;
const FORK: u64 = 57;
const VFORK: u64 = 58;

/// Of `include/uapi/asm-generic/mman-common.h`.
const MAP_ANONYMOUS: u64 = 0x20;

/// The flags `CLONE_NEW*` of `include/uapi/linux/sched.h` that `clone` takes.
const NEW_NAMESPACES: u64 = 0x7e02_0000;

/// Whether one of those functions is among the callers that are next to the tracepoint.
#[inline(always)]
pub(crate) fn are_unaudited(ctx: *mut c_void) -> bool {
    let mut frames = [0u64; FRAMES];
    // SAFETY: the buffer is as long as said.
    let bytes = unsafe {
        bpf_get_stack(
            ctx,
            frames.as_mut_ptr().cast(),
            size_of_val(&frames) as u32,
            0,
        )
    };
    if bytes < 0 {
        return false;
    }
    UNAUDITED
        .get(0)
        .is_some_and(|ranges| frames.into_iter().any(|address| is_inside(ranges, address)))
}

#[inline(always)]
fn is_inside(ranges: &[[u64; 2]; UNAUDITED_RANGES], address: u64) -> bool {
    let mut index = 0;
    while index < UNAUDITED_RANGES {
        let [first, last] = ranges[index];
        if first <= address && address <= last && first != 0 {
            return true;
        }
        index += 1;
    }
    false
}
