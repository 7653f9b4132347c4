//! Hook families file and process: accesses by path.

use std::borrow::Cow;

use whittle_schemas::{
    record::file::{APPEND, CREATE, EXECUTE, FileBody, PATH, READ, TRUNCATE, WRITE, change},
    table::Surface,
};

use crate::model::{Deed, Event};

use super::{DecodeError, Raw, errno, family, folders::Folders, path};

/// Words of the action, in the order in which they are joined.
const ACTIONS: &[(u16, &str)] = &[
    (READ, "read"),
    (WRITE, "write"),
    (APPEND, "append"),
    (CREATE, "create"),
    (TRUNCATE, "truncate"),
    (EXECUTE, "execute"),
    (PATH, "path"),
];

/// Words of the changes, each of which stands alone.
const CHANGES: &[(u16, &str)] = &[
    (change::UNLINK, "unlink"),
    (change::RENAME, "rename"),
    (change::RENAME_TO, "rename-to"),
    (change::MKDIR, "mkdir"),
    (change::RMDIR, "rmdir"),
    (change::LINK, "link"),
    (change::LINK_TO, "link-to"),
    (change::SYMLINK, "symlink"),
    (change::MKNOD, "mknod"),
    (change::CHMOD, "chmod"),
    (change::CHOWN, "chown"),
    (change::RESIZE, "truncate"),
    (change::SETXATTR, "setxattr"),
    (change::REMOVEXATTR, "removexattr"),
    (change::UTIME, "utime"),
    (change::MOUNT, "mount"),
    (change::UMOUNT, "umount"),
    (change::MAP, "map"),
];

/// The path is written to the buffer.
pub(super) fn decode<'a>(
    raw: &Raw<'_>,
    folders: &mut Folders,
    path: &'a mut Vec<u8>,
) -> Result<Event<'a>, DecodeError> {
    let body: FileBody = raw.body()?;
    let (asked, walked) = raw.text(&body.text)?;
    let tgid = raw.header.tgid;
    // execveat runs the descriptor itself where the path is empty (AT_EMPTY_PATH), and a change may be refused to one.
    let is_object = body.key.errno == 0 || body.key.action & EXECUTE != 0 || body.inode != 0;
    path.clear();
    if asked.is_empty() && is_object {
        path.extend_from_slice(folders.above(raw, &body)?);
        folders.said(raw, &body, walked);
        path::write_object(walked, &body.text, body.inode, tgid, path);
    } else {
        path::write_request(asked, walked, &body.text, tgid, path);
    }
    let (outcome, error) = errno::outcome(body.key.errno);
    let deed = Deed {
        family: family(&body.key)?,
        surface: Surface::File,
        action: action(body.key.action)?,
        detail: path::detail(&body.text)
            .or_else(|| kind(body.mode))
            .map(str::to_owned),
        outcome,
        error,
    };
    Ok(raw.touch(body.key, deed, Cow::Borrowed(path)))
}

fn action(bits: u16) -> Result<Cow<'static, str>, DecodeError> {
    // Most are of one word, and cost no memory.
    let mut alone = ACTIONS.iter().chain(CHANGES);
    if let Some((_, word)) = alone.find(|(number, _)| *number == bits) {
        return Ok(Cow::Borrowed(word));
    }
    let words: Vec<_> = ACTIONS
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, word)| *word)
        .collect();
    if words.is_empty() {
        return Err(DecodeError::Unknown {
            what: "file action",
            number: bits.into(),
        });
    }
    Ok(Cow::Owned(words.join("+")))
}

/// What kind of file it is, where it is no regular one: `S_IFMT` of `include/uapi/linux/stat.h`.
fn kind(mode: u32) -> Option<&'static str> {
    match mode & 0o170_000 {
        0o040_000 => Some("directory"),
        0o020_000 => Some("character device"),
        0o060_000 => Some("block device"),
        0o010_000 => Some("pipe"),
        0o140_000 => Some("socket"),
        0o120_000 => Some("symbolic link"),
        _ => None,
    }
}
