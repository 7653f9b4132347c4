//! Memory in which a record is put together: too large for the stack, and safe when one probe interrupts
//! another on the same CPU. A slot is claimed by inserting its number into a map, the one step that no
//! kernel since 5.10 lets two programs do at once.

use aya_ebpf::helpers::bpf_get_smp_processor_id;
use whittle_schemas::record::{FIXED_BYTES, counter::Reason};

use crate::{
    chunk::Cursor,
    maps::{CLAIMS, SCRATCH},
    path::Walk,
};

/// Slots per CPU: a probe, one that interrupts it, and one that interrupts that, with one to spare.
pub(crate) const SLOTS: u32 = 4;

/// Bytes of a slot: a power of two, so that a mask proves every length.
pub(crate) const SCRATCH_BYTES: usize = 16_384;

/// Where a record is put together: header and body in the first [`FIXED_BYTES`], then the text.
#[repr(C, align(8))]
pub(crate) struct Scratch {
    pub(crate) bytes: [u8; SCRATCH_BYTES - BEHIND_BYTES],
    /// Behind everything that a record can reach, as is what follows.
    pub(crate) walk: Walk,
    pub(crate) cursor: Cursor,
}

const BEHIND_BYTES: usize = size_of::<Walk>() + size_of::<Cursor>();

const _: () = assert!(FIXED_BYTES + 8191 + 4097 + 256 < SCRATCH_BYTES - BEHIND_BYTES);

impl Scratch {
    /// The place `offset` bytes into the text. The mask keeps 4,096 bytes and a name behind it inside.
    #[inline(always)]
    pub(crate) fn text(&mut self, offset: usize) -> *mut u8 {
        // SAFETY: the assertion above.
        unsafe { self.bytes.as_mut_ptr().add(FIXED_BYTES + (offset & 8191)) }
    }

    /// The body at the start.
    #[inline(always)]
    pub(crate) fn body<T>(&mut self) -> *mut T {
        self.bytes.as_mut_ptr().cast()
    }
}

/// Runs `work` with a slot of its own, given as memory and as number.
#[inline(always)]
pub(crate) fn with<R>(
    work: impl FnOnce(&mut Scratch, u32) -> Result<R, Reason>,
) -> Result<R, Reason> {
    let slot = claim().ok_or(Reason::Nested)?;
    let result = match of(slot.index) {
        Some(scratch) => work(scratch, slot.index),
        None => Err(Reason::Nested),
    };
    // Absent only if it was never there.
    let _ = CLAIMS.remove(slot.claim);
    result
}

/// The memory of a claimed slot.
#[inline(always)]
pub(crate) fn of(index: u32) -> Option<&'static mut Scratch> {
    // SAFETY: the claim makes this program the slot's only user.
    SCRATCH
        .get_ptr_mut(index)
        .map(|scratch| unsafe { &mut *scratch })
}

struct Slot {
    index: u32,
    claim: u32,
}

#[inline(always)]
fn claim() -> Option<Slot> {
    // SAFETY: the helper has no precondition.
    let cpu = unsafe { bpf_get_smp_processor_id() } as u32;
    let mut index = 0;
    while index < SLOTS {
        let claim = cpu * SLOTS + index;
        if CLAIMS.insert(claim, 1, BPF_NOEXIST).is_ok() {
            return Some(Slot { index, claim });
        }
        index += 1;
    }
    None
}

/// `BPF_NOEXIST` of `include/uapi/linux/bpf.h`: insert, and fail where the key is there already.
pub(crate) const BPF_NOEXIST: u64 = 1;
