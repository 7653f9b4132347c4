//! The programs that tests start and watch.

use std::{
    env,
    path::{Path, PathBuf},
};

/// A program of `peers/`; in a guest, which has no source tree, `WHITTLE_PEERS` says where they are.
#[must_use]
pub fn peer(name: &str) -> PathBuf {
    let peers = env::var_os("WHITTLE_PEERS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("peers"),
        PathBuf::from,
    );
    peers.join(name)
}
