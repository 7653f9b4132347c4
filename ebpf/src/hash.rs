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
    while index < ASKED_BYTES / 8 {
        if index >= whole {
            break;
        }
        lane = mix(lane.rotate_left(27) ^ word(scratch, index), factor);
        index += 1;
    }
    // The last bytes, with what stands behind them cleared.
    let bits = (length as u64 & 7) * 8;
    lane = mix(
        lane.rotate_left(27) ^ (word(scratch, whole) & ((1 << bits) - 1)),
        factor,
    );
    mix(lane, factor)
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
