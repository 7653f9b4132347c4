//! Folders of the cache that are made from a list of pinned versions: made once, and again when the list changes.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result};

/// Has `folder` made by `make`, unless it was made from this very list before. Whoever comes second waits.
///
/// # Errors
/// When it cannot be made; what is left then counts as not there.
pub(super) fn ensure(folder: &Path, list: &str, make: impl FnOnce() -> Result<()>) -> Result<()> {
    let lock = folder.with_extension("lock");
    let lock = File::create(&lock).with_context(|| format!("cannot write {}", lock.display()))?;
    lock.lock().context("cannot lock the cache")?;
    let stamp = folder.join(".made-from");
    if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == list) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    make()?;
    fs::write(&stamp, list).with_context(|| format!("cannot write {}", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_again_only_for_another_list_or_after_a_failure() {
        let root = tempfile::tempdir().expect("there is a folder for temporary files");
        let folder = root.path().join("made");
        let mut made = 0;
        for (list, works) in [("a", true), ("a", true), ("b", false), ("b", true)] {
            let outcome = ensure(&folder, list, || {
                made += 1;
                fs::create_dir(&folder)?;
                anyhow::ensure!(works, "it fails");
                Ok(())
            });
            assert_eq!(outcome.is_ok(), works, "{list}");
        }
        assert_eq!(made, 3);
    }
}
