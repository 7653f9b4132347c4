//! Accesses by path: opens (family file) and execs (family process).
//!
//! A success carries the path that the kernel resolved, walked from the dentry, and `asked_bytes` is 0.
//! A refused or failed access has no dentry: it carries what the caller asked for and, where that is
//! relative, the walked path of the directory it is relative to.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{
    FIXED_BYTES, Header, Text,
    usage::{UsageId, UsageKey},
};

/// Action bit: opened for reading (`O_RDONLY`, `O_RDWR`).
pub const READ: u16 = 1;
/// Action bit: opened for writing (`O_WRONLY`, `O_RDWR`).
pub const WRITE: u16 = 2;
/// Action bit: opened with `O_APPEND`.
pub const APPEND: u16 = 4;
/// Action bit: the open made the file (`FMODE_CREATED`); for a refused one, it asked to (`O_CREAT`).
pub const CREATE: u16 = 8;
/// Action bit: opened with `O_TRUNC`.
pub const TRUNCATE: u16 = 16;
/// Action bit: executed.
pub const EXECUTE: u16 = 32;
/// Action bit: opened with `O_PATH`, which gives a handle and no access to content.
pub const PATH: u16 = 64;

/// What was done to a name or to what is known of a file, instead of an open: the action's high byte, with no bit of an open.
pub mod change {
    /// A name was removed: `unlink`, `unlinkat`.
    pub const UNLINK: u16 = 1 << 8;
    /// A name was given up for another one: the old name of `rename`, `renameat`, `renameat2`.
    pub const RENAME: u16 = 2 << 8;
    /// The new name.
    pub const RENAME_TO: u16 = 3 << 8;
    /// A folder was made.
    pub const MKDIR: u16 = 4 << 8;
    /// A folder was removed.
    pub const RMDIR: u16 = 5 << 8;
    /// A file got one more name: the name that it had.
    pub const LINK: u16 = 6 << 8;
    /// The new name.
    pub const LINK_TO: u16 = 7 << 8;
    /// A symbolic link was made; where it leads is no access.
    pub const SYMLINK: u16 = 8 << 8;
    /// A device, pipe, socket or empty file was made.
    pub const MKNOD: u16 = 9 << 8;
    /// Permission bits.
    pub const CHMOD: u16 = 10 << 8;
    /// Owner and group.
    pub const CHOWN: u16 = 11 << 8;
    /// The size, without an open that cuts it.
    pub const RESIZE: u16 = 12 << 8;
    /// An extended attribute was set.
    pub const SETXATTR: u16 = 13 << 8;
    /// An extended attribute was removed.
    pub const REMOVEXATTR: u16 = 14 << 8;
    /// Times of access and of change.
    pub const UTIME: u16 = 15 << 8;
    /// A file system was mounted there.
    pub const MOUNT: u16 = 16 << 8;
    /// What was mounted there was unmounted.
    pub const UMOUNT: u16 = 17 << 8;
    /// The file was mapped into memory to be run as code.
    pub const MAP: u16 = 18 << 8;
}

/// Body of a [`super::KIND_FILE`] record; the text follows.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FileBody {
    /// Kind, clock and thread.
    pub header: Header,
    /// Subject, action and outcome.
    pub key: UsageKey,
    /// What the text holds.
    pub text: Text,
    /// Inode number; 0 where there was none.
    pub inode: u64,
    /// Device of the file system, in the kernel's encoding (`MKDEV`); 0 where there was none.
    pub device: u32,
    /// `inode.i_mode`; 0 where there was none.
    pub mode: u32,
    /// The folder that the walked path is in; all zero where it is in none, or was not walked. With [`super::WALK_BELOW`] an earlier
    /// record of the same generation, and with the same folder, has said how that is called; the walked path is then the name alone.
    pub folder: UsageId,
}

const _: () = assert!(size_of::<FileBody>() == 104 && size_of::<FileBody>() <= FIXED_BYTES);
