//! strace's words as whittle's: flags as actions, errors as outcomes, paths of things that are in no folder.

use whittle_schemas::table::Outcome;

use super::call::Returned;

/// The words for flags of open(2).
pub(super) fn words(flags: &str) -> Vec<&'static str> {
    let has = |flag: &str| flags.split('|').any(|given| given == flag);
    if has("O_PATH") {
        return vec!["path"];
    }
    // 3 is an old way to ask for ioctl alone: the kernel checks it as both.
    let both = has("O_RDWR") || has("O_ACCMODE");
    let table = [
        ("read", has("O_RDONLY") || both),
        ("write", has("O_WRONLY") || both),
        ("append", has("O_APPEND")),
        ("create", has("O_CREAT") || has("O_TMPFILE")),
        ("truncate", has("O_TRUNC")),
    ];
    table
        .into_iter()
        .filter_map(|(word, given)| given.then_some(word))
        .collect()
}

/// How a call ended.
pub(super) fn outcome(result: &Returned) -> Outcome {
    match result {
        Returned::Error(name) => match name.as_str() {
            // A connection that goes on without the caller was let through.
            "EINPROGRESS" => Outcome::Allowed,
            "EACCES" | "EPERM" | "EROFS" => Outcome::Denied,
            _ => Outcome::Failed,
        },
        _ => Outcome::Allowed,
    }
}

/// A path as whittle names it: the process's own `/proc/<pid>` is `/proc/self`, and a memfd, which is in
/// no folder, starts with its kind.
pub(super) fn named(path: Vec<u8>, tgid: u32) -> Vec<u8> {
    let own = format!("/proc/{tgid}");
    match path.strip_prefix(own.as_bytes()) {
        Some(rest) if rest.is_empty() || rest[0] == b'/' => {
            [b"/proc/self".as_slice(), rest].concat()
        }
        _ if path.starts_with(b"/memfd:") => path[1..].to_vec(),
        _ => path,
    }
}
