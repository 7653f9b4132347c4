//! Records of the kernel's ring.

use whittle_agent::decode::Decoder;
use whittle_schemas::record::ABI_VERSION;

/// Where a header has its version.
const VERSION_AT: usize = 1;

/// Where it has the length of the record, a u32.
const LENGTH_AT: usize = 4;

/// Most records of an input.
const MOST: usize = 16;

/// Records, one behind the other, of this version whatever they say: seeds outlive versions. Some refer to earlier ones.
pub fn record(bytes: &[u8]) {
    let mut decoder = Decoder::default();
    let mut rest = bytes.to_vec();
    for _ in 0..MOST {
        if let Some(version) = rest.get_mut(VERSION_AT) {
            *version = ABI_VERSION;
        }
        let _event = decoder.decode(&rest);
        let length = rest.get(LENGTH_AT..).and_then(<[u8]>::first_chunk);
        let length = length.map_or(0, |length| u32::from_le_bytes(*length) as usize);
        if length == 0 || length >= rest.len() {
            break;
        }
        rest.drain(..length);
    }
    decoder.end(0);
}
