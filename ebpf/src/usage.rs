//! The usage map: a repeat costs one lookup and one add, and ends here. Keys are never taken out of a generation that counts, so
//! that a free place ends a search; the agent empties one that no program looks at any more.

use aya_ebpf::helpers::bpf_ktime_get_boot_ns;
use whittle_schemas::record::{
    FLAG_SECOND_GENERATION, Family,
    counter::Reason,
    usage::{CLAIM, PROBES, UsageKey, UsageSlot},
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
        Self(GENERATION.get(0).copied().unwrap_or(0) & 1)
    }

    /// 0 or 1.
    #[inline(always)]
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// The generation of this number, as one global function passes it to another.
    #[inline(always)]
    pub(crate) fn of_number(number: u32) -> Self {
        Self(number & 1)
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

/// Counts a repeat. False: this access is the first of its kind in this window, and goes to the ring.
#[inline(always)]
pub(crate) fn repeat(generation: Generation, key: &UsageKey) -> bool {
    let words = words(key);
    let mut at = Place::home(generation, &words);
    let mut step = 0;
    while step < PROBES {
        let Some(slot) = at.slot() else {
            return false;
        };
        if slot.holds(&words) {
            count::add(slot.claims_and_repeats(), 1);
            // SAFETY: the helper has no precondition.
            slot.set_last(unsafe { bpf_ktime_get_boot_ns() });
            return true;
        }
        if slot.is_free() {
            return false;
        }
        at.next();
        step += 1;
    }
    false
}

/// Takes a place for the repeats of an access whose record is in the ring. Without one each of them goes
/// to the ring as well, so nothing is lost.
#[inline(always)]
pub(crate) fn begin(generation: Generation, family: Family, key: &UsageKey) {
    if !begin_at(generation, key) {
        count::up(generation, family, Reason::MapFull);
    }
}

/// Whether the key has a place now. Another CPU may have been as quick, with the same key: the repeats then go to the first of
/// the two places, and the agent adds up what stands in both.
#[inline(always)]
fn begin_at(generation: Generation, key: &UsageKey) -> bool {
    let words = words(key);
    let mut at = Place::home(generation, &words);
    let mut step = 0;
    while step < PROBES {
        let Some(slot) = at.slot() else {
            return false;
        };
        if slot.is_free() {
            count::add(slot.claims_and_repeats(), CLAIM);
            if slot.claims() == 1 {
                slot.write(&words);
                return true;
            }
        } else if slot.holds(&words) {
            return true;
        }
        at.next();
        step += 1;
    }
    false
}

/// A place of the table, by its number.
struct Place {
    first: u32,
    number: u32,
    mask: u32,
}

impl Place {
    /// Where a key is looked for first.
    #[inline(always)]
    fn home(generation: Generation, words: &Words) -> Self {
        let mask = config::usage_mask();
        let mut sum = 0_u64;
        let mut index = 0;
        while index < words.len() {
            sum = sum.wrapping_add(words[index].wrapping_mul(FACTORS[index]));
            index += 1;
        }
        Self {
            first: generation.number() * (mask + 1),
            // The low bits of a sum of products say little.
            number: (sum >> 40) as u32,
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

/// Odd, with bits all over.
const FACTORS: [u64; 6] = [
    0x9e37_79b9_7f4a_7c15,
    0xff51_afd7_ed55_8ccd,
    0xc4ce_b9fe_1a85_ec53,
    0xd6e8_feb8_6659_fd93,
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
];

/// A key as the numbers that it is compared by: the subject, the object, and the rest in one.
type Words = [u64; 6];

#[inline(always)]
fn words(key: &UsageKey) -> Words {
    let rest =
        u64::from(key.action) | (u64::from(key.family) << 16) | (u64::from(key.errno as u32) << 32);
    let [one, two, three, four] = key.object;
    [key.subject, one, two, three, four, rest]
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

    /// Whether it counts this key.
    #[inline(always)]
    fn holds(self, words: &Words) -> bool {
        // One branch for all words: the verifier follows each.
        let (mut difference, mut index) = (0, 0);
        while index < words.len() {
            // SAFETY: the key's six words are the slot's first, inside of a map value.
            difference |= unsafe { self.word(index).read_volatile() } ^ words[index];
            index += 1;
        }
        difference == 0
    }

    /// Writes the key, the subject last: from then on the slot counts it.
    #[inline(always)]
    fn write(self, words: &Words) {
        let mut index = words.len();
        while index > 0 {
            index -= 1;
            // SAFETY: as above.
            unsafe { self.word(index).write_volatile(words[index]) };
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
    fn set_last(self, boottime_ns: u64) {
        // SAFETY: inside of a map value.
        unsafe { (&raw mut (*self.0).last_boottime_ns).write_volatile(boottime_ns) };
    }
}
