//! Which system calls are made: hook family `syscall`. Arguments and results are no part of it.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{FIXED_BYTES, Header, Text, usage::UsageKey};

/// Action: the call was entered.
pub const CALL: u16 = 1;

/// Body of a [`super::KIND_CALL`] record.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CallBody {
    /// Kind, clock and thread.
    pub header: Header,
    /// Subject, action and outcome.
    pub key: UsageKey,
    /// Nothing.
    pub text: Text,
    /// Number of the call in its interface; [`NO_CALL`] for numbers that no call has.
    pub number: u32,
    /// [`NATIVE`], [`I386`] or [`X32`].
    pub interface: u32,
}

const _: () = assert!(size_of::<CallBody>() == 80 && size_of::<CallBody>() <= FIXED_BYTES);

/// `CallBody::interface`: x86-64.
pub const NATIVE: u32 = 0;
/// `CallBody::interface`: 32-bit calls (`int 0x80`, compatibility mode).
pub const I386: u32 = 1;
/// `CallBody::interface`: x32, whose numbers have bit 30.
pub const X32: u32 = 2;

/// Numbers below this are kept apart; what is above is one. Programs choose numbers freely: without this bound
/// they could fill the usage map.
pub const CALLS: u32 = 1_024;

/// `CallBody::number`: at least [`CALLS`].
pub const NO_CALL: u32 = u32::MAX;
