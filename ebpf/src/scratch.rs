//! Memory in which a record is put together: too large for the stack, and safe when one probe interrupts
//! another on the same CPU. A slot is claimed by adding one to a number in it: who finds itself alone there has it.

use whittle_schemas::record::{
    FIXED_BYTES, Header, counter::Reason, stand_in::SLOTS, usage::UsageId,
};

use crate::{access::Base, chunk::Cursor, count, maps::SCRATCH, path::Walk, script::Arguments};

/// Bytes of a slot behind wherever a body may start: a power of two, so that a mask proves every length.
pub(crate) const SCRATCH_BYTES: usize = 16_384;

/// Where a record is put together: header and body at the end of the first [`FIXED_BYTES`], then the text.
#[repr(C, align(8))]
pub(crate) struct Scratch {
    pub(crate) bytes: [u8; FIXED_BYTES + SCRATCH_BYTES - BEHIND_BYTES],
    /// Behind everything that a record can reach, as is what follows.
    pub(crate) walk: Walk,
    /// What `path` reads at once.
    pub(crate) link: [u64; 3],
    /// The folder that the record's path is in, as `folder` found it.
    pub(crate) folder: UsageId,
    pub(crate) cursor: Cursor,
    pub(crate) base: Base,
    pub(crate) arguments: Arguments,
    /// Programs that have the slot, or are looking whether they do.
    claims: u64,
}

const BEHIND_BYTES: usize = size_of::<Walk>()
    + size_of::<[u64; 3]>()
    + size_of::<UsageId>()
    + size_of::<Cursor>()
    + size_of::<Base>()
    + size_of::<Arguments>()
    + size_of::<u64>();

const _: () = assert!(8191 + 4097 + 256 < SCRATCH_BYTES - BEHIND_BYTES);
const _: () = assert!(size_of::<Scratch>() == FIXED_BYTES + SCRATCH_BYTES);

impl Scratch {
    /// The place `offset` bytes into the text. The mask keeps 4,096 bytes and a name behind it inside.
    #[inline(always)]
    pub(crate) fn text(&mut self, offset: usize) -> *mut u8 {
        // SAFETY: the assertion above.
        unsafe { self.bytes.as_mut_ptr().add(FIXED_BYTES + (offset & 8191)) }
    }

    /// The folder that the record's path is in, as a global function has put it there.
    #[inline(always)]
    pub(crate) fn folder(&self) -> UsageId {
        // SAFETY: a member of this. Volatile, or it might be looked at before that is called.
        unsafe { (&raw const self.folder).read_volatile() }
    }

    /// The header and body of a record, right before the text.
    #[inline(always)]
    pub(crate) fn body<T>(&mut self) -> *mut T {
        let start = FIXED_BYTES - 8 * Header::fixed_of::<T>() as usize;
        // SAFETY: it is not past the text.
        unsafe { self.bytes.as_mut_ptr().add(start).cast() }
    }

    /// All of it, for what is no record.
    #[inline(always)]
    pub(crate) fn memory<T>(&mut self) -> *mut T {
        const { assert!(size_of::<T>() <= SCRATCH_BYTES - BEHIND_BYTES) };
        self.bytes.as_mut_ptr().cast()
    }
}

/// Runs `work` with a slot of its own, given as memory and as number.
#[inline(always)]
pub(crate) fn with<R>(
    work: impl FnOnce(&mut Scratch, u32) -> Result<R, Reason>,
) -> Result<R, Reason> {
    let slot = claim();
    if slot >= SLOTS {
        return Err(Reason::Nested);
    }
    let scratch = of(slot).ok_or(Reason::Nested)?;
    let result = work(scratch, slot);
    // Programs of this kind stay on their CPU: it is the same slot still.
    if let Some(claims) = claims(slot) {
        count::add(claims, u64::MAX);
    }
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

/// The number of a slot that nobody else has, or [`SLOTS`]; the map may have fewer. A global function, whose result can be any number to the verifier: it would
/// look at all that comes after once for each slot.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn claim() -> u32 {
    let mut index = 0;
    while index < SLOTS {
        let Some(claims) = claims(index) else {
            return SLOTS;
        };
        count::add(claims, 1);
        // SAFETY: inside of a map value.
        if unsafe { claims.read_volatile() } == 1 {
            return index;
        }
        count::add(claims, u64::MAX);
        index += 1;
    }
    SLOTS
}

#[inline(always)]
fn claims(index: u32) -> Option<*mut u64> {
    let scratch = SCRATCH.get_ptr_mut(index)?;
    // SAFETY: inside of a map value.
    Some(unsafe { &raw mut (*scratch).claims })
}

/// `BPF_NOEXIST` of `include/uapi/linux/bpf.h`: insert, and fail where the key is there already.
pub(crate) const BPF_NOEXIST: u64 = 1;
