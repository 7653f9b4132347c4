//! Which functions of the kernel led to a hook: where a tracepoint does not say what its callers know.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_get_stack;
use whittle_schemas::record::capability::{FRAMES, UNAUDITED_RANGES};

use crate::maps::UNAUDITED;

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
