//! Accesses by path: opens (family file) and execs (family process).
//!
//! A success carries the path that the kernel resolved, walked from the dentry, and `asked_bytes` is 0.
//! A refused or failed access has no dentry: it carries what the caller asked for and, where that is
//! relative, the walked path of the directory it is relative to.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{FIXED_BYTES, Header, Text, usage::UsageKey};

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

/// Body of a [`super::KIND_FILE`] record; the text follows at [`FIXED_BYTES`].
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
}

const _: () = assert!(size_of::<FileBody>() == 104 && size_of::<FileBody>() <= FIXED_BYTES);
