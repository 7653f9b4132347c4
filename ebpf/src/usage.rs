//! The usage map: a repeat costs one lookup and one add, and ends here. Keys are never taken out of a generation that counts, so
//! that a free place ends a search; the agent empties one that no program looks at any more.

use core::arch::asm;

use aya_ebpf::helpers::generated::bpf_jiffies64;
use whittle_schemas::record::{
    FLAG_SECOND_GENERATION, Family,
    counter::Reason,
    usage::{CLAIM, FAMILY_BITS, FOLDER, PROBES, UsageId, UsageKey, UsageSlot, WORDS},
};

use crate::{
    config, count,
    maps::{GENERATION, USAGE},
};

/// The generation that an access belongs to, whole: its counters, its map and its record. Read once, when
/// the access reaches the probe.
#[derive(Clone, Copy)]
pub(crate) struct Generation(u32);

impl Generation {
    /// The one that counts now.
    #[inline(always)]
    pub(crate) fn now() -> Self {
        Self::of_number(GENERATION.get(0).copied().unwrap_or(0))
    }

    /// 0 or 1.
    #[inline(always)]
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// The generation of this number, as one global function passes it to another.
    #[inline(always)]
    pub(crate) fn of_number(number: u32) -> Self {
        let mut number = number & 1;
        // SAFETY: a register is moved to itself. It keeps the compiler from making a branch of each use of what is one of two numbers: the
        // verifier would follow both to the end, time and again.
        unsafe { asm!("{0} = {0}", inout(reg) number, options(pure, nomem, nostack)) };
        Self(number)
    }

    /// The header flags of a record that belongs to it.
    #[inline(always)]
    pub(crate) fn flags(self) -> u8 {
        if self.0 == 0 {
            0
        } else {
            FLAG_SECOND_GENERATION
        }
    }
}

/// What makes accesses by the same words the same. Words that are not given are zero.
#[inline(always)]
pub(crate) fn id<const COUNT: usize>(family: Family, words: [u64; COUNT]) -> UsageId {
    id_of(family as u64, words)
}

/// As [`id`], of a folder.
#[inline(always)]
pub(crate) fn folder_id(words: [u64; 3]) -> UsageId {
    id_of(FOLDER, words)
}

#[inline(always)]
fn id_of<const COUNT: usize>(family: u64, words: [u64; COUNT]) -> UsageId {
    const { assert!(COUNT <= WORDS) };
    let (mut first, mut second) = (0_u64, 0_u64);
    let mut index = 0;
    while index < COUNT {
        first = first.wrapping_add(words[index].wrapping_mul(factor(index)));
        second = second.wrapping_add(words[index].wrapping_mul(factor(WORDS + index)));
        index += 1;
    }
    UsageId([first, (second & !FAMILY_BITS) | family])
}

/// The word of an access beside subject and object.
#[inline(always)]
pub(crate) fn ended(action: u16, errno: i32) -> u64 {
    u64::from(action) | (u64::from(errno as u32) << ERRNO_SHIFT)
}

/// Where the errno is in the word of [`ended`]: above all that is masked in an id.
const ERRNO_SHIFT: u32 = 32;

/// Which of the words is that of [`ended`].
pub(crate) const ENDED: usize = 1;

/// Makes of a key that of the same access with another end. What two sums of products differ by is the product of what they differ in.
#[inline(always)]
pub(crate) fn set_errno(key: &mut UsageKey, errno: i32) {
    let change = u64::from(errno as u32)
        .wrapping_sub(u64::from(key.errno as u32))
        .wrapping_shl(ERRNO_SHIFT);
    let UsageId([first, second]) = key.id;
    key.id = UsageId([
        first.wrapping_add(change.wrapping_mul(factor(ENDED))),
        second.wrapping_add(change.wrapping_mul(factor(WORDS + ENDED))),
    ]);
    key.errno = errno;
}

/// Odd, and random for each load.
#[unsafe(no_mangle)]
static USAGE_FACTORS: [u64; 2 * WORDS] = [0; 2 * WORDS];

#[inline(always)]
fn factor(index: usize) -> u64 {
    // SAFETY: callers pass an index within it. Volatile, or the compiler would fold in the zeros that stand here.
    unsafe {
        (&raw const USAGE_FACTORS)
            .cast::<u64>()
            .add(index)
            .read_volatile()
    }
}

/// Counts a repeat. False: this access is the first of its kind in this window, and goes to the ring.
#[inline(always)]
pub(crate) fn repeat(generation: Generation, id: UsageId) -> bool {
    let UsageId([first, second]) = id;
    count_repeat(generation.number(), first, second) != 0
}

/// A global function, which the verifier checks once and not again for each caller.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn count_repeat(generation: u32, first: u64, second: u64) -> u32 {
    u32::from(repeat_here(
        Generation::of_number(generation),
        UsageId([first, second]),
    ))
}

/// As [`repeat`], inlined, where a call would be much of what it costs.
#[inline(always)]
pub(crate) fn repeat_here(generation: Generation, id: UsageId) -> bool {
    let Some(slot) = find(generation, id) else {
        return false;
    };
    count::add(slot.claims_and_repeats(), 1);
    // SAFETY: the helper has no precondition.
    slot.set_last(unsafe { bpf_jiffies64() });
    true
}

/// Whether an id has a place. Nothing is counted there.
#[inline(always)]
pub(crate) fn is_there(generation: Generation, id: UsageId) -> bool {
    find(generation, id).is_some()
}

/// The place that an id has.
#[inline(always)]
fn find(generation: Generation, id: UsageId) -> Option<Slot> {
    let mut at = Place::home(generation, id);
    let mut step = 0;
    while step < PROBES {
        let slot = at.slot()?;
        if slot.holds(id) {
            return Some(slot);
        }
        if slot.is_free() {
            return None;
        }
        at.next();
        step += 1;
    }
    None
}

/// Takes a place for an id that is no access's, where there is one.
#[inline(always)]
pub(crate) fn keep(generation: Generation, id: UsageId) {
    let UsageId([first, second]) = id;
    take_place(generation.number(), first, second);
}

/// Takes a place for the repeats of an access whose record is in the ring. Without one each of them goes
/// to the ring as well, so nothing is lost.
#[inline(always)]
pub(crate) fn begin(generation: Generation, family: Family, id: UsageId) {
    let UsageId([first, second]) = id;
    if take_place(generation.number(), first, second) == 0 {
        count::up(generation, family, Reason::MapFull);
    }
}

/// Whether the id has a place now. Another CPU may have been as quick, with the same id: the repeats then go to the first of
/// the two places, and the agent adds up what stands in both. A global function, which the verifier checks once.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn take_place(generation: u32, first: u64, second: u64) -> u32 {
    let id = UsageId([first, second]);
    let mut at = Place::home(Generation::of_number(generation), id);
    let mut step = 0;
    while step < PROBES {
        let Some(slot) = at.slot() else {
            return 0;
        };
        if slot.is_free() {
            count::add(slot.claims_and_repeats(), CLAIM);
            if slot.claims() == 1 {
                slot.write(id);
                return 1;
            }
        } else if slot.holds(id) {
            return 1;
        }
        at.next();
        step += 1;
    }
    0
}

/// A place of the table, by its number.
struct Place {
    first: u32,
    number: u32,
    mask: u32,
}

impl Place {
    /// Where an id is looked for first.
    #[inline(always)]
    fn home(generation: Generation, id: UsageId) -> Self {
        let mask = config::usage_mask();
        Self {
            first: generation.number() * (mask + 1),
            // The low bits of a sum of products say little.
            number: (id.0[0] >> 40) as u32,
            mask,
        }
    }

    #[inline(always)]
    fn slot(&self) -> Option<Slot> {
        let slot = USAGE.get_ptr_mut(self.first + (self.number & self.mask))?;
        Some(Slot(slot))
    }

    #[inline(always)]
    fn next(&mut self) {
        self.number += 1;
    }
}

/// A slot of the table. Programs on other CPUs read and write it meanwhile: everything here is one load or store, in the order
/// of the program, which x86-64 keeps.
#[derive(Clone, Copy)]
struct Slot(*mut UsageSlot);

impl Slot {
    #[inline(always)]
    fn word(self, index: usize) -> *mut u64 {
        self.0.cast::<u64>().wrapping_add(index)
    }

    /// Whether it counts this.
    #[inline(always)]
    fn holds(self, id: UsageId) -> bool {
        // One branch for both: the verifier follows each.
        // SAFETY: the id's two numbers are the slot's first, inside of a map value.
        let differences = unsafe {
            (self.word(0).read_volatile() ^ id.0[0]) | (self.word(1).read_volatile() ^ id.0[1])
        };
        differences == 0
    }

    /// Writes the id, its first number last: from then on the slot counts it.
    #[inline(always)]
    fn write(self, id: UsageId) {
        // SAFETY: as above.
        unsafe {
            self.word(1).write_volatile(id.0[1]);
            self.word(0).write_volatile(id.0[0]);
        }
    }

    /// Whether nobody wanted it yet.
    #[inline(always)]
    fn is_free(self) -> bool {
        // SAFETY: inside of a map value.
        unsafe { self.claims_and_repeats().read_volatile() == 0 }
    }

    #[inline(always)]
    fn claims(self) -> u64 {
        // SAFETY: inside of a map value.
        unsafe { self.claims_and_repeats().read_volatile() / CLAIM }
    }

    #[inline(always)]
    fn claims_and_repeats(self) -> *mut u64 {
        // SAFETY: inside of a map value.
        unsafe { &raw mut (*self.0).claims_and_repeats }
    }

    #[inline(always)]
    fn set_last(self, jiffies: u64) {
        // SAFETY: inside of a map value.
        unsafe { (&raw mut (*self.0).last_jiffies).write_volatile(jiffies) };
    }
}
