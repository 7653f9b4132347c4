//! Which functions of the kernel led to a hook: where a tracepoint does not say what its callers know.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_get_stack;
use whittle_schemas::record::capability::{FRAMES, UNAUDITED_RANGES};

/// First and last address of the functions that check a capability and ask not to be audited; the agent reads them
/// from the kernel's symbols. Unused entries are zero.
#[unsafe(no_mangle)]
static UNAUDITED: [[u64; 2]; UNAUDITED_RANGES] = [[0; 2]; UNAUDITED_RANGES];

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
    frames.into_iter().any(is_inside)
}

#[inline(always)]
fn is_inside(address: u64) -> bool {
    let mut index = 0;
    while index < UNAUDITED_RANGES {
        // SAFETY: the index is inside of the static. Volatile, or the compiler would fold in the zeros that stand here.
        let [first, last] = unsafe { (&raw const UNAUDITED[index]).read_volatile() };
        if first <= address && address <= last && first != 0 {
            return true;
        }
        index += 1;
    }
    false
}
