//! What an exec executed: strace shows the path that was asked for, whittle the file that was found.
//! This looks at the file system after the run, so a program must still be where it was.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Read,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
};

use super::call::path_of;

/// Scripts that run scripts: the kernel stops after four.
const INTERPRETERS: usize = 4;

/// The files that an exec of `asked` from `folder` executed: the program, or a script and, after it,
/// the program that interprets it. A script keeps the path that was asked for.
#[must_use]
pub fn resources(folder: &[u8], asked: &[u8]) -> Vec<Vec<u8>> {
    let mut resources = Vec::new();
    let mut path = path_of(folder, asked);
    for _ in 0..INTERPRETERS {
        let Some(interpreter) = interpreter(&path) else {
            break;
        };
        resources.push(path);
        path = path_of(folder, &interpreter);
    }
    resources.push(resolved(&path));
    resources
}

/// The path without symbolic links; the last component may be gone by now.
pub(super) fn resolved(path: &[u8]) -> Vec<u8> {
    let path = Path::new(OsStr::from_bytes(path));
    if let Ok(found) = fs::canonicalize(path) {
        return found.into_os_string().into_vec();
    }
    match (path.parent().map(fs::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name).into_os_string().into_vec(),
        _ => path.as_os_str().as_bytes().to_vec(),
    }
}

/// The interpreter that a script's first line names.
fn interpreter(path: &[u8]) -> Option<Vec<u8>> {
    let mut start = Vec::new();
    let file = File::open(OsStr::from_bytes(path)).ok()?;
    file.take(256).read_to_end(&mut start).ok()?;
    let line = start
        .strip_prefix(b"#!")?
        .split(|&byte| byte == b'\n')
        .next()?;
    let mut words = line
        .split(|byte| matches!(byte, b' ' | b'\t'))
        .filter(|word| !word.is_empty());
    words.next().map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::ffi::OsStrExt, os::unix::fs::symlink};

    use super::resources;

    #[test]
    fn a_script_counts_with_its_interpreter_and_a_link_as_its_target() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = fs::canonicalize(folder.path()).expect("it is there");
        fs::write(root.join("program"), b"\x7fELF").expect("writable");
        symlink("program", root.join("link")).expect("writable");
        fs::write(root.join("script"), b"#! ./link -x\n").expect("writable");
        let bytes = |name: &str| root.join(name).as_os_str().as_bytes().to_vec();
        let folder = root.as_os_str().as_bytes();
        assert_eq!(resources(folder, b"link"), [bytes("program")]);
        assert_eq!(
            resources(folder, b"script"),
            [bytes("script"), bytes("program")]
        );
        assert_eq!(resources(folder, b"gone"), [bytes("gone")]);
    }
}
