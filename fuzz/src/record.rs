//! Records of the kernel's ring.

use whittle_agent::decode::Decoder;
use whittle_schemas::record::ABI_VERSION;

/// Where a header has its version.
const VERSION_AT: usize = 1;

/// One record, of this version whatever it says: seeds outlive versions.
pub fn record(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    if let Some(version) = bytes.get_mut(VERSION_AT) {
        *version = ABI_VERSION;
    }
    let _event = Decoder::default().decode(&bytes);
}
