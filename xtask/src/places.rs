//! Where things are: the repository, and the cache for what takes long to get and is not part of it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the repository that `cargo xtask` was called in.
#[must_use]
pub fn repository() -> PathBuf {
    let crate_folder = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = crate_folder.parent().unwrap_or(&crate_folder);
    root.to_path_buf()
}

/// A folder of the cache, made if need be: `$WHITTLE_CACHE`, else `$XDG_CACHE_HOME/whittle`, else
/// `~/.cache/whittle`.
///
/// # Errors
/// When no variable says where it is, or the folder cannot be made.
pub fn cache(folder: &str) -> Result<PathBuf> {
    let folder = cache_root()?.join(folder);
    std::fs::create_dir_all(&folder).with_context(|| {
        format!(
            "cannot make {}; set WHITTLE_CACHE to a folder that can be written",
            folder.display()
        )
    })?;
    Ok(folder)
}

fn cache_root() -> Result<PathBuf> {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("WHITTLE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|root| root.join("whittle")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/whittle")))
        .context("no place for the cache: set WHITTLE_CACHE to a folder that can be written")
}

/// `path` relative to the repository, for messages.
#[must_use]
pub fn shown(path: &Path) -> String {
    let root = repository();
    path.strip_prefix(&root)
        .unwrap_or(path)
        .display()
        .to_string()
}
