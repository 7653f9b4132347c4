//! The project whose build is measured: Lua as its authors publish it (34 compile units in C, MIT licence), from Debian's source
//! package, kept in the cache.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::apt::Suite;
use crate::places;
use crate::vm::root;

const PACKAGE: &str = "lua5.4";

/// The folder of its sources; fetched the first time.
pub(super) fn fetch() -> Result<PathBuf> {
    let folder = places::cache("bench")?.join(PACKAGE);
    if !folder.exists() {
        eprintln!("fetching the sources of {PACKAGE}");
        // Unpacked beside and renamed, so that half of it is not taken for it.
        let beside = folder.with_extension("incomplete");
        if beside.exists() {
            fs::remove_dir_all(&beside)
                .with_context(|| format!("cannot remove {}", beside.display()))?;
        }
        Suite::fetch_sources(&root::release()?)?.unpack_source(PACKAGE, &beside)?;
        fs::rename(&beside, &folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    Ok(folder)
}
