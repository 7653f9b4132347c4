//! How large the kernel's maps are made.

use whittle_schemas::record::{bound, usage::UsageSlot};

/// Bounds that the caller may change.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the ring: a power of two, at least a page.
    pub ring_bytes: u32,
    /// Size of the maps, in hundredths of what [`bound`] says.
    pub map_percent: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ring_bytes: bound::RING_BYTES,
            map_percent: 100,
        }
    }
}

impl Limits {
    /// Entries of a map that has so many by default, or bytes of the ring.
    pub(super) fn of(self, map: &str, entries: u32) -> u32 {
        if map == "RING" {
            return self.ring_bytes;
        }
        let scaled = u64::from(entries) * u64::from(self.map_percent) / 100;
        let scaled = u32::try_from(scaled).unwrap_or(entries).max(1);
        if map == USAGE {
            return power_of_two_within(scaled);
        }
        scaled
    }

    /// What the probes find a place of the usage map with.
    pub(super) fn usage_mask(self) -> u32 {
        self.of(USAGE, 2 * bound::USAGES) / 2 - 1
    }
}

/// The map whose generations are powers of two.
const USAGE: &str = "USAGE";

/// The largest power of two that is not larger, and not less than two pages of places: each generation begins with a page.
fn power_of_two_within(entries: u32) -> u32 {
    const TWO_PAGES: u32 = 256;
    const { assert!(TWO_PAGES as usize * size_of::<UsageSlot>() == 2 * 4_096) };
    (1 << entries.ilog2()).max(TWO_PAGES)
}
