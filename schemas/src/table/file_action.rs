//! What the words of an action on a file mean for whoever decides about permissions.

/// Words of actions that a read-only file system refuses: writing, and changes of names and attributes.
const CHANGES: [&str; 18] = [
    "append",
    "chmod",
    "chown",
    "create",
    "link",
    "link-to",
    "mkdir",
    "mknod",
    "removexattr",
    "rename",
    "rename-to",
    "rmdir",
    "setxattr",
    "symlink",
    "truncate",
    "unlink",
    "utime",
    "write",
];

/// Words of actions after which something has a name that had none.
const NAMES: [&str; 6] = [
    "create",
    "link-to",
    "mkdir",
    "mknod",
    "rename-to",
    "symlink",
];

/// Whether an action, its words joined by `+`, changes the file system that the file is on.
#[must_use]
pub fn changes(action: &str) -> bool {
    action.split('+').any(|word| CHANGES.contains(&word))
}

/// Whether an action gives something a name.
#[must_use]
pub fn makes(action: &str) -> bool {
    action.split('+').any(|word| NAMES.contains(&word))
}

/// Whether an action needs the content: read, run, or mapped to be run.
#[must_use]
pub fn reads(action: &str) -> bool {
    action
        .split('+')
        .any(|word| matches!(word, "read" | "execute" | "map"))
}
