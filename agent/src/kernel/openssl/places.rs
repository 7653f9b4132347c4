//! Where OpenSSL may be: the files to look into. What a file has is found out in `functions`.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// The dynamic linker's list of libraries.
const LINKER_CACHE: &str = "/etc/ld.so.cache";

/// Most entries of a folder that are looked at.
const ENTRIES: usize = 4_096;

/// Whether a library of this name may be OpenSSL's, or have it linked in.
pub(super) fn may_be_library(path: &Path) -> bool {
    // Asked of every file that is opened first: its name is found without taking the path apart.
    let path = path.as_os_str().as_bytes();
    let name = memchr::memrchr(b'/', path).map_or(path, |slash| &path[slash + 1..]);
    let has = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
    // A wrapper of GnuTLS: the same names, and its own inside.
    let is_other = || has(b"gnutls");
    has(b".so") && !is_other() && (has(b"ssl") || has(b"libpython") || has(b"libnode"))
}

/// The libraries that the dynamic linker of this host finds.
pub(super) fn of_system() -> Vec<PathBuf> {
    let cache = fs::read(LINKER_CACHE).unwrap_or_default();
    from_cache(&cache)
}

/// The cache holds the paths as text, each ended by a NUL, in every version of its format.
fn from_cache(cache: &[u8]) -> Vec<PathBuf> {
    let mut paths: Vec<_> = cache
        .split(|byte| *byte == 0)
        .filter(|text| text.starts_with(b"/"))
        .map(|text| PathBuf::from(OsStr::from_bytes(text)))
        .filter(|path| may_be_library(path))
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// What an executable may load from the folder that it is installed in: interpreters and environments that bring their
/// own libraries have them in `lib` beside `bin`.
pub(super) fn of_executable(executable: &Path) -> Vec<PathBuf> {
    let prefixes = [
        Some(executable.to_owned()),
        fs::canonicalize(executable).ok(),
    ];
    let mut folders: Vec<_> = prefixes
        .iter()
        .flatten()
        .filter_map(|path| Some(path.parent()?.parent()?.join("lib")))
        .filter(|folder| folder != Path::new("/lib") && folder != Path::new("/usr/lib"))
        .collect();
    folders.dedup();
    folders
        .iter()
        .flat_map(|folder| libraries(folder))
        .collect()
}

fn libraries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().take(ENTRIES);
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| may_be_library(path))
        .collect()
}

/// Executables and libraries of the processes that run now, as paths that lead into their mount namespaces.
pub(super) fn of_running() -> Vec<PathBuf> {
    let processes = procfs::process::all_processes().into_iter().flatten();
    let mut paths: Vec<_> = processes
        .flatten()
        .flat_map(|process| of_process(&process))
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// What a process has mapped; nothing where it has ended meanwhile.
fn of_process(process: &procfs::process::Process) -> Vec<PathBuf> {
    let root = PathBuf::from(format!("/proc/{}/root", process.pid()));
    let maps = process.maps().into_iter().flatten();
    let mapped = maps.filter_map(|map| match map.pathname {
        procfs::process::MMapPath::Path(path) => Some(path),
        _ => None,
    });
    let libraries = mapped.filter(|path| may_be_library(path));
    let mut paths: Vec<_> = process.exe().into_iter().chain(libraries).collect();
    paths.dedup();
    paths.iter().map(|path| inside(&root, path)).collect()
}

/// A path of a process, as seen from outside of its mount namespace.
pub(super) fn of_mount(tgid: u32, path: &Path) -> PathBuf {
    inside(&PathBuf::from(format!("/proc/{tgid}/root")), path)
}

fn inside(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_of_openssl_are_told_by_their_names() {
        for (path, expected) in [
            ("/usr/lib/x86_64-linux-gnu/libssl.so.3", true),
            ("/venv/psycopg2_binary.libs/libssl-81ffa89e.so.1.1", true),
            (
                "/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so",
                true,
            ),
            ("/opt/python/lib/libpython3.12.so.1.0", true),
            ("/etc/ssl/certs/ca-certificates.crt", false),
            ("/usr/lib/x86_64-linux-gnu/libc.so.6", false),
            ("/usr/lib/x86_64-linux-gnu/libgnutls-openssl.so.27", false),
            ("/etc/ssl", false),
            ("/", false),
        ] {
            assert_eq!(may_be_library(Path::new(path)), expected, "{path}");
            if expected {
                assert!(wakes(path), "{path}: the agent hears of it too late");
            }
        }
    }

    /// Whether an open of it wakes the agent.
    fn wakes(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default().to_owned() + "/";
        let four = |at: usize| {
            name.as_bytes()[at..at + 4]
                .try_into()
                .map(u32::from_le_bytes)
        };
        let (first, last) = (four(0).unwrap_or(0), four(name.len() - 4).unwrap_or(0));
        whittle_schemas::record::wake::is_library(first, last)
    }

    #[test]
    fn the_linkers_cache_gives_the_libraries_that_ldconfig_prints() {
        let output = std::process::Command::new("/sbin/ldconfig")
            .arg("-p")
            .output();
        let output = output.expect("ldconfig is there");
        let text = String::from_utf8(output.stdout).expect("ldconfig prints text");
        let mut expected: Vec<_> = text
            .lines()
            .filter_map(|line| line.split(" => ").nth(1))
            .map(PathBuf::from)
            .filter(|path| may_be_library(path))
            .collect();
        expected.sort();
        expected.dedup();
        assert!(!expected.is_empty(), "{text}");
        assert_eq!(of_system(), expected);
    }

    #[test]
    fn a_cache_of_garbage_gives_nothing() {
        assert_eq!(from_cache(&[0xff; 100]), Vec::<PathBuf>::new());
        assert_eq!(from_cache(b""), Vec::<PathBuf>::new());
    }
}
