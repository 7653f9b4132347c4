//! How far a body goes, and the beginning of it that is kept.

use crate::Hidden;

use super::chunked::{Chunked, Lost};

/// How the end of a body is found.
#[derive(Debug)]
pub(super) enum Body {
    /// So many bytes are left.
    Length(u64),
    /// It says so itself.
    Chunked(Chunked),
    /// With the connection.
    UntilClose,
}

/// The beginning of a body.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    /// What there is of it.
    pub(super) bytes: &'a mut Hidden,
    /// Where it stays as it is from now on; 0 where nothing more is kept.
    pub(super) most: usize,
    /// Whether all so far was kept.
    pub(super) is_whole: &'a mut bool,
}

impl Kept<'_> {
    fn push(&mut self, bytes: &[u8]) {
        // Behind a gap nothing is kept: it would not be where it seems to be.
        let room = if *self.is_whole {
            self.most.saturating_sub(self.bytes.len())
        } else {
            0
        };
        let now = &bytes[..room.min(bytes.len())];
        self.bytes.push(now);
        *self.is_whole &= now.len() == bytes.len();
    }
}

impl Body {
    /// A body of a known length; None where that is zero.
    pub(super) fn of_length(length: u64) -> Option<Self> {
        (length > 0).then_some(Self::Length(length))
    }

    /// Takes what belongs to the body from the front of `bytes`. True: the body has ended.
    pub(super) fn take(&mut self, bytes: &mut &[u8], mut kept: Kept<'_>) -> Result<bool, Lost> {
        match self {
            Self::Length(left) => {
                let whole = usize::try_from(*left).unwrap_or(usize::MAX);
                let (now, rest) = bytes.split_at(whole.min(bytes.len()));
                kept.push(now);
                *bytes = rest;
                *left -= now.len() as u64;
                Ok(*left == 0)
            }
            Self::Chunked(chunked) => chunked.take(bytes, |data| kept.push(data)),
            Self::UntilClose => {
                kept.push(bytes);
                *bytes = &[];
                Ok(false)
            }
        }
    }

    /// Passes over bytes that were not seen. True: the body has ended with them.
    pub(super) fn skip(&mut self, bytes: u64, kept: &mut Kept<'_>) -> Result<bool, Lost> {
        *kept.is_whole = false;
        match self {
            Self::Length(left) => {
                *left = left.checked_sub(bytes).ok_or(Lost)?;
                Ok(*left == 0)
            }
            Self::Chunked(chunked) => chunked.skip(bytes).map(|()| false),
            Self::UntilClose => Ok(false),
        }
    }
}
