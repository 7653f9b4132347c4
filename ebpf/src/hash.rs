//! Hash of a path that the caller asked for: two independent lanes of 64 bits, seeded at load.

use whittle_schemas::record::ASKED_BYTES;

use crate::{
    config,
    scratch::{self, Scratch},
};

/// Hashes the first `length` bytes of a slot's text, at most [`ASKED_BYTES`] of them, into two lanes.
#[inline(always)]
pub(crate) fn text(slot: u32, length: u32) -> [u64; 2] {
    [
        hash_lane(slot, length, 0xff51_afd7_ed55_8ccd),
        hash_lane(slot, length, 0xc4ce_b9fe_1a85_ec53),
    ]
}

/// One lane. A global function, which the verifier checks once and not again for each caller: on 5.10
/// those take plain numbers only.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn hash_lane(slot: u32, length: u32, factor: u64) -> u64 {
    let Some(scratch) = scratch::of(slot) else {
        return 0;
    };
    let length = length as usize & (ASKED_BYTES - 1);
    let whole = length / 8;
    let mut lane = config::hash_seed() ^ factor ^ length as u64;
    let mut index = 0;
    while index < (ASKED_BYTES / 8) as u32 {
        if index as usize >= whole {
            break;
        }
        lane = hash_words(slot, lane, factor, index, whole as u32);
        index += STRETCH;
    }
    // The last bytes, with what stands behind them cleared.
    let bits = (length as u64 & 7) * 8;
    lane = mix(
        lane.rotate_left(27) ^ (word(scratch, whole) & ((1 << bits) - 1)),
        factor,
    );
    mix(lane, factor)
}

/// Words of a [`hash_words`]. The verifier looks at each turn of a loop: at those of two loops, one in the other, and not at their
/// product.
const STRETCH: u32 = 16;

/// Adds so many words, from `first` on, or as many as there are. A global function, as above.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn hash_words(slot: u32, start: u64, factor: u64, first: u32, whole: u32) -> u64 {
    let mut lane = start;
    let Some(scratch) = scratch::of(slot) else {
        return lane;
    };
    let mut step = 0;
    while step < STRETCH {
        let index = first.wrapping_add(step);
        if index >= whole {
            break;
        }
        lane = mix(lane.rotate_left(27) ^ word(scratch, index as usize), factor);
        step += 1;
    }
    lane
}

#[inline(always)]
fn word(scratch: &mut Scratch, index: usize) -> u64 {
    let place = scratch.text((index & 511) * 8);
    #[expect(
        clippy::cast_ptr_alignment,
        reason = "the text starts at a multiple of eight"
    )]
    let place = place.cast::<u64>();
    // SAFETY: the text has more than 4,096 bytes.
    unsafe { place.read() }
}

/// Mixes one word in: multiply, then fold the high half down.
#[inline(always)]
pub(crate) fn mix(word: u64, factor: u64) -> u64 {
    let product = word.wrapping_mul(factor);
    product ^ (product >> 29)
}
