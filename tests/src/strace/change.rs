//! Calls that change names, attributes and mounts: what each does, and which of its arguments name it.

use super::call::{Call, Returned};

/// What one call does to one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Action, as whittle names it.
    pub(super) action: &'static str,
    pub(super) object: Object,
}

/// Arguments by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// A path, from the working directory.
    Path(usize),
    /// A path, from a folder's descriptor.
    At(usize, usize),
    /// A descriptor.
    Descriptor(usize),
}

use Object::{At, Descriptor, Path};

/// The calls; `mmap` and `unlinkat` do what an argument says, see [`of`].
const CALLS: &[(&str, &[(&str, Object)])] = &[
    ("chmod", &[("chmod", Path(0))]),
    ("chown", &[("chown", Path(0))]),
    ("fchmod", &[("chmod", Descriptor(0))]),
    ("fchmodat", &[("chmod", At(0, 1))]),
    ("fchmodat2", &[("chmod", At(0, 1))]),
    ("fchown", &[("chown", Descriptor(0))]),
    ("fchownat", &[("chown", At(0, 1))]),
    ("fremovexattr", &[("removexattr", Descriptor(0))]),
    ("fsetxattr", &[("setxattr", Descriptor(0))]),
    ("ftruncate", &[("truncate", Descriptor(0))]),
    ("futimesat", &[("utime", At(0, 1))]),
    ("lchown", &[("chown", Path(0))]),
    ("link", &[("link", Path(0)), ("link-to", Path(1))]),
    ("linkat", &[("link", At(0, 1)), ("link-to", At(2, 3))]),
    ("lremovexattr", &[("removexattr", Path(0))]),
    ("lsetxattr", &[("setxattr", Path(0))]),
    ("mkdir", &[("mkdir", Path(0))]),
    ("mkdirat", &[("mkdir", At(0, 1))]),
    ("mknod", &[("mknod", Path(0))]),
    ("mknodat", &[("mknod", At(0, 1))]),
    ("mmap", &[("map", Descriptor(4))]),
    ("mount", &[("mount", Path(1))]),
    ("move_mount", &[("mount", At(2, 3))]),
    ("removexattr", &[("removexattr", Path(0))]),
    ("rename", &[("rename", Path(0)), ("rename-to", Path(1))]),
    ("renameat", &[("rename", At(0, 1)), ("rename-to", At(2, 3))]),
    (
        "renameat2",
        &[("rename", At(0, 1)), ("rename-to", At(2, 3))],
    ),
    ("rmdir", &[("rmdir", Path(0))]),
    ("setxattr", &[("setxattr", Path(0))]),
    ("symlink", &[("symlink", Path(1))]),
    ("symlinkat", &[("symlink", At(1, 2))]),
    ("truncate", &[("truncate", Path(0))]),
    ("umount2", &[("umount", Path(0))]),
    ("unlink", &[("unlink", Path(0))]),
    ("unlinkat", &[("unlink", At(0, 1))]),
    ("utime", &[("utime", Path(0))]),
    ("utimensat", &[("utime", At(0, 1))]),
    ("utimes", &[("utime", Path(0))]),
];

/// The names of the calls.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    CALLS.iter().map(|(name, _)| *name)
}

/// Whether this is the action of a change: an open that cuts a file has further words.
pub(crate) fn is_action(action: &str) -> bool {
    action == "rmdir"
        || CALLS
            .iter()
            .any(|(_, changes)| changes.iter().any(|(word, _)| *word == action))
}

/// What a call changes or was to change; None for a call that is not of this kind.
pub(super) fn of(call: &Call) -> Option<Vec<Change>> {
    let (_, changes) = CALLS.iter().find(|(name, _)| *name == call.name)?;
    let has = |index: usize, flag: &str| {
        call.arguments
            .get(index)
            .is_some_and(|argument| argument.split('|').any(|given| given == flag))
    };
    if call.name == "mmap" && (!has(2, "PROT_EXEC") || has(3, "MAP_ANONYMOUS")) {
        return Some(Vec::new());
    }
    let is_folder = call.name == "unlinkat" && has(2, "AT_REMOVEDIR");
    let changes = changes.iter().map(|(action, object)| Change {
        action: if is_folder { "rmdir" } else { action },
        object: match *object {
            // Without a path the descriptor itself is meant.
            At(folder, path) if call.arguments.get(path).is_some_and(|path| path == "NULL") => {
                Descriptor(folder)
            }
            object => object,
        },
    });
    // A descriptor that is not open names nothing.
    let is_nothing = call.result == Returned::Error("EBADF".to_owned());
    Some(
        changes
            .filter(|change| !(is_nothing && matches!(change.object, Descriptor(_))))
            .collect(),
    )
}
