//! The ring: records of first sights, read one by one where they stand, or copied out.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use aya::{
    Ebpf,
    maps::{MapData, RingBuf},
};
use bytes::Bytes;
use zeroize::Zeroizing;

use super::KernelError;

/// The agent's end of the kernel's ring.
pub struct Ring {
    ring: RingBuf<MapData>,
}

const NAME: &str = "RING";

impl Ring {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, KernelError> {
        let map = object.take_map(NAME).ok_or(KernelError::Incomplete(NAME))?;
        let ring = RingBuf::try_from(map).map_err(|cause| KernelError::Map { map: NAME, cause })?;
        Ok(Self { ring })
    }

    /// Reads the next record where it stands, so that what it holds is in memory once; None when the ring is empty.
    pub fn read<T>(&mut self, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let item = self.ring.next()?;
        Some(read(&item))
    }

    /// The next record, to be kept; None when the ring is empty. It may hold secrets, and is overwritten when it is dropped.
    pub fn next_record(&mut self) -> Option<Bytes> {
        let item = self.ring.next()?;
        Some(Bytes::from_owner(Zeroizing::new(item.to_vec())))
    }
}

impl AsFd for Ring {
    /// Readable when there are records.
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor belongs to the ring, which lives as long as the borrow.
        unsafe { BorrowedFd::borrow_raw(self.ring.as_raw_fd()) }
    }
}
