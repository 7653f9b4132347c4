//! The path that a caller asked for: of what is refused or fails, and of a script, it is all that there is.

use aya_ebpf::helpers::generated::{bpf_probe_read_kernel_str, bpf_probe_read_user_str};
use whittle_schemas::record::{ASKED_BYTES, ASKED_TRUNCATED, Text, counter::Reason};

use crate::{path, scratch::Scratch};

/// One byte more than the longest path and its NUL: a helper that fills it has cut the path short.
const ROOM: u32 = ASKED_BYTES as u32 + 1;

/// Memory that a path string is read from.
#[derive(Clone, Copy)]
pub(crate) enum Asked {
    /// The caller's own memory.
    User(u64),
    /// A copy that the kernel made.
    Kernel(u64),
}

/// Reads the path that the caller asked for to the start of the text.
#[inline(always)]
pub(crate) fn read(scratch: &mut Scratch, from: Asked) -> Result<Text, Reason> {
    let place = scratch.text(0);
    // SAFETY: ROOM bytes behind any place in the text are inside of the scratch.
    let bytes = unsafe {
        match from {
            Asked::User(address) => {
                bpf_probe_read_user_str(place.cast(), ROOM, address as *const _)
            }
            Asked::Kernel(address) => {
                bpf_probe_read_kernel_str(place.cast(), ROOM, address as *const _)
            }
        }
    };
    if bytes <= 0 {
        return Err(Reason::ObjectUnknown);
    }
    let mut text = path::EMPTY;
    text.asked_bytes = (bytes as u32 - 1) & (ASKED_BYTES as u32 - 1);
    if bytes as usize > ASKED_BYTES {
        text.asked_bytes = ASKED_BYTES as u32 - 1;
        text.walk_flags = ASKED_TRUNCATED;
    }
    Ok(text)
}

/// Whether the asked path is relative, and so means nothing without the directory it starts from.
#[inline(always)]
pub(crate) fn is_relative(scratch: &mut Scratch) -> bool {
    // SAFETY: the text has at least one byte: the NUL.
    unsafe { scratch.text(0).read() != b'/' }
}
