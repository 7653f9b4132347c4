//! The GNU build id of an executable: which build of a program acted.

use std::{ffi::OsStr, fs::File, os::unix::ffi::OsStrExt, os::unix::fs::MetadataExt, path::Path};

use object::{Object, ReadCache};
use whittle_schemas::record::subject::SubjectKey;

/// None where the file is not to be had under this path any more (another mount namespace, deleted,
/// replaced), is no ELF file, or has no build id.
pub(super) fn read(executable: &[u8], key: &SubjectKey) -> Option<String> {
    let file = File::open(Path::new(OsStr::from_bytes(executable))).ok()?;
    let metadata = file.metadata().ok()?;
    if metadata.ino() != key.inode || !metadata.is_file() {
        return None;
    }
    let cache = ReadCache::new(file);
    let elf = object::File::parse(&cache).ok()?;
    elf.build_id().ok()?.map(hex::encode)
}

#[cfg(test)]
mod tests {
    use zerocopy::FromZeros;

    use super::*;

    #[test]
    fn it_is_the_one_that_file_1_shows_and_none_for_another_inode() {
        let path = b"/bin/bash";
        let mut key = SubjectKey::new_zeroed();
        key.inode = std::fs::metadata("/bin/bash").expect("bash").ino();
        let found = read(path, &key).expect("Debian's bash has a build id");
        let note = std::process::Command::new("readelf")
            .args(["-n", "/bin/bash"])
            .output()
            .expect("readelf");
        let note = String::from_utf8_lossy(&note.stdout).into_owned();
        assert!(
            note.contains(&format!("Build ID: {found}")),
            "{found} is not in {note}"
        );
        key.inode += 1;
        assert_eq!(read(path, &key), None);
    }
}
