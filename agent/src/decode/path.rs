//! Paths as people write them, from what the kernel walked and what the caller asked for.

use whittle_schemas::record::{
    ASKED_TRUNCATED, Text, WALK_BELOW, WALK_DELETED, WALK_DETACHED, WALK_ESCAPED, WALK_FAULT,
    WALK_TRUNCATED,
};

/// `PIPEFS_MAGIC`, `SOCKFS_MAGIC` and others of `include/uapi/linux/magic.h`: file systems without a
/// place in the tree.
const PIPEFS: u32 = 0x5049_5045;
const SOCKFS: u32 = 0x534f_434b;
const ANON_INODE_FS: u32 = 0x0904_1934;
const NSFS: u32 = 0x6e73_6673;
const PROC: u32 = 0x9fa0;

/// Writes the path of something that exists: what the walk found, named as `readlink /proc/self/fd/N` names it.
///
/// `tgid` is who asked: its own folder of `/proc` is `/proc/self`, or every process would have a name of its own
/// for the same file. The buffer is empty before, or has the path of the folder in which the walk ended.
pub(super) fn write_object(walked: &[u8], text: &Text, inode: u64, tgid: u32, path: &mut Vec<u8>) {
    let file_system = match text.magic {
        PIPEFS => Some("pipe"),
        SOCKFS => Some("socket"),
        NSFS => Some("ns"),
        _ => None,
    };
    if let Some(file_system) = file_system {
        path.clear();
        path.extend_from_slice(format!("{file_system}:[{inode}]").as_bytes());
        return;
    }
    if text.magic == ANON_INODE_FS {
        path.extend_from_slice(b"anon_inode:");
    }
    if text.walk_flags & (WALK_TRUNCATED | WALK_FAULT) != 0 {
        path.extend_from_slice(b".../");
    } else if text.walk_flags & WALK_DETACHED == 0 {
        path.push(b'/');
    }
    let start = path.len();
    if text.walk_flags & WALK_BELOW == 0 {
        unwind(walked, path);
    } else {
        // One name.
        path.extend_from_slice(walked.strip_suffix(b"/").unwrap_or(walked));
    }
    if text.magic == ANON_INODE_FS {
        return;
    }
    if text.magic == PROC {
        own_proc(path, tgid);
    }
    let is_nowhere = text.walk_flags & WALK_DETACHED != 0;
    if text.walk_flags & WALK_DELETED != 0 || (is_nowhere && path[start..].starts_with(b"memfd:")) {
        path.extend_from_slice(b" (deleted)");
    }
}

/// Writes the path that the caller asked for, made absolute with the directory that it starts from. Not
/// normalised: `..` behind a symbolic link leads elsewhere than it seems. The buffer is empty before.
pub(super) fn write_request(
    asked: &[u8],
    walked: &[u8],
    text: &Text,
    tgid: u32,
    path: &mut Vec<u8>,
) {
    let is_from_nowhere = walked.is_empty() && text.walk_flags == 0 && text.magic == 0;
    if !asked.starts_with(b"/") && !is_from_nowhere {
        write_object(walked, text, 0, tgid, path);
        // An empty path ends in a slash here, so that it is not taken for its directory.
        if !path.ends_with(b"/") {
            path.push(b'/');
        }
    }
    path.extend_from_slice(asked);
}

/// As [`write_object`], of what is not a file itself.
pub(super) fn of_object(walked: &[u8], text: &Text, tgid: u32) -> Vec<u8> {
    let mut path = Vec::new();
    write_object(walked, text, 0, tgid, &mut path);
    path
}

/// As [`write_request`].
pub(super) fn of_request(asked: &[u8], walked: &[u8], text: &Text, tgid: u32) -> Vec<u8> {
    let mut path = Vec::new();
    write_request(asked, walked, text, tgid, &mut path);
    path
}

/// The path of a folder that was walked to its end, to be put before a name: the root's is empty.
pub(super) fn of_folder(walked: &[u8]) -> Vec<u8> {
    let mut path = Vec::new();
    if !walked.is_empty() {
        path.push(b'/');
        unwind(walked, &mut path);
    }
    path
}

/// What is to be said about a path that is not whole.
pub(super) fn detail(text: &Text) -> Option<&'static str> {
    if text.walk_flags & WALK_TRUNCATED != 0 {
        Some("path truncated: longer or deeper than what is walked")
    } else if text.walk_flags & ASKED_TRUNCATED != 0 {
        Some("path longer than PATH_MAX: its end is missing")
    } else if text.walk_flags & WALK_FAULT != 0 {
        Some("path incomplete: memory could not be read")
    } else if text.walk_flags & WALK_ESCAPED != 0 {
        Some("path from the host's root: outside of the process's own")
    } else {
        None
    }
}

/// Components arrive leaf first, each ended by a slash.
fn unwind(walked: &[u8], path: &mut Vec<u8>) {
    let mut rest = walked.strip_suffix(b"/").unwrap_or(walked);
    path.reserve(rest.len());
    while let Some(slash) = memchr::memrchr(b'/', rest) {
        path.extend_from_slice(&rest[slash + 1..]);
        path.push(b'/');
        rest = &rest[..slash];
    }
    path.extend_from_slice(rest);
}

fn own_proc(path: &mut Vec<u8>, tgid: u32) {
    let own = format!("/proc/{tgid}");
    if let Some(rest) = path.strip_prefix(own.as_bytes())
        && (rest.is_empty() || rest.starts_with(b"/"))
    {
        path.splice("/proc/".len()..own.len(), *b"self");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(walk_flags: u32, magic: u32) -> Text {
        Text {
            asked_bytes: 0,
            walked_bytes: 0,
            walk_flags,
            magic,
        }
    }

    fn check(walked: &str, text: Text, expected: &str) {
        let mut path = Vec::new();
        write_object(walked.as_bytes(), &text, 7, 12, &mut path);
        assert_eq!(String::from_utf8_lossy(&path), expected);
    }

    #[test]
    fn objects_have_the_names_that_readlink_of_proc_self_fd_gives() {
        check("passwd/etc/", text(0, 0xef53), "/etc/passwd");
        check("", text(0, 0xef53), "/");
        check("d/cc//aaa/", text(0, 0xef53), "/aaa//cc/d");
        check("/", text(WALK_DETACHED, NSFS), "ns:[7]");
        check("x/tmp/", text(WALK_DELETED, 0xef53), "/tmp/x (deleted)");
        check("/", text(WALK_DETACHED, PIPEFS), "pipe:[7]");
        check(
            "memfd:code/",
            text(WALK_DETACHED, 0x0102_1994),
            "memfd:code (deleted)",
        );
        check(
            "[eventpoll]/",
            text(WALK_DETACHED, ANON_INODE_FS),
            "anon_inode:[eventpoll]",
        );
    }

    #[test]
    fn a_process_sees_its_own_proc_as_self_and_no_other() {
        check("status/12/proc/", text(0, PROC), "/proc/self/status");
        check("status/123/proc/", text(0, PROC), "/proc/123/status");
        check("12/proc/", text(0, PROC), "/proc/self");
        check("status/12/proc/", text(0, 0xef53), "/proc/12/status");
    }

    #[test]
    fn a_path_that_is_not_whole_says_so() {
        check("c/b/", text(WALK_TRUNCATED, 0xef53), ".../b/c");
        assert!(detail(&text(WALK_TRUNCATED, 0)).is_some() && detail(&text(0, 0)).is_none());
        assert!(detail(&text(ASKED_TRUNCATED, 0)).is_some());
    }

    #[test]
    fn a_request_is_joined_to_its_directory_and_kept_as_asked() {
        let join = |asked: &str, walked: &str| {
            let (text, mut path) = (text(0, 0xef53), Vec::new());
            write_request(asked.as_bytes(), walked.as_bytes(), &text, 12, &mut path);
            String::from_utf8_lossy(&path).into_owned()
        };
        assert_eq!(join("a/../b", "me/home/"), "/home/me/a/../b");
        assert_eq!(join("/etc//shadow", ""), "/etc//shadow");
        assert_eq!(join("b", ""), "/b");
        assert_eq!(join("", "me/home/"), "/home/me/");
    }
}
