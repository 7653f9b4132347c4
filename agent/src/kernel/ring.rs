//! The ring: records of first sights, read one by one where they stand, or copied out. `pages` is its memory, `span` where in
//! it a record stands. aya makes the map; its own consumer maps the records twice, so that none wraps around the end, and
//! the agent would hold twice its largest piece of memory for one record in thirty thousand.

mod alarm;
mod pages;
mod span;

use std::os::fd::{AsFd, BorrowedFd};

use aya::{
    Ebpf,
    maps::{Map, MapData, MapError},
};
use bytes::Bytes;
use zeroize::Zeroizing;

use super::KernelError;
use alarm::Alarm;
pub use alarm::WokenBy;
use pages::Pages;
use span::{HEAD_BYTES, Span, Standing};

/// The agent's end of the kernel's ring.
pub struct Ring {
    map: MapData,
    pages: Pages,
    alarm: Alarm,
    /// Bytes that were read since the map was made; it wraps around, as the kernel's own position does.
    position: usize,
    /// Bytes that the kernel had given away, as last looked at.
    produced: usize,
}

const NAME: &str = "RING";
const WAKE: &str = "WAKE";

/// Part of the ring, as a divisor, that what can wait may fill before its reader is woken.
const WAITING: usize = 8;

impl Ring {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, KernelError> {
        let Some(Map::RingBuf(map)) = object.take_map(NAME) else {
            return Err(KernelError::Incomplete(NAME));
        };
        let pages = Pages::map(&map).map_err(|cause| KernelError::Map {
            map: NAME,
            cause: MapError::IoError(cause),
        })?;
        let position = pages.consumed();
        let Some(Map::Array(wake)) = object.take_map(WAKE) else {
            return Err(KernelError::Incomplete(WAKE));
        };
        let most = u32::try_from(pages.size() / WAITING).unwrap_or(u32::MAX);
        let alarm = Alarm::map(&wake, most).map_err(|cause| KernelError::Map {
            map: WAKE,
            cause: MapError::IoError(cause),
        })?;
        Ok(Self {
            map,
            pages,
            alarm,
            position,
            produced: position,
        })
    }

    /// Reads the next record where it stands, so that what it holds is in memory once; None when the ring is empty.
    pub fn read<T>(&mut self, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let bytes = self.next_bytes()?;
        let span = Span::of(self.position + HEAD_BYTES, bytes, self.pages.size());
        // SAFETY: the head has just said that the record is whole, and it is passed below.
        let (ahead, behind) = unsafe {
            let bytes = |start, bytes| self.pages.bytes(start, bytes);
            (bytes(span.start, span.ahead), bytes(0, span.behind))
        };
        let result = if behind.is_empty() {
            read(ahead)
        } else {
            // It may hold secrets.
            read(&Zeroizing::new([ahead, behind].concat()))
        };
        self.pass(bytes);
        Some(result)
    }

    /// The next record, to be kept; None when the ring is empty. It may hold secrets, and is overwritten when it is dropped.
    pub fn next_record(&mut self) -> Option<Bytes> {
        self.read(|bytes| Bytes::from_owner(Zeroizing::new(bytes.to_vec())))
    }

    /// Says that somebody is about to wait, and what is to wake them. None: there are records already, and nothing to wait for.
    pub fn waiting(&mut self, by: WokenBy) -> Option<Waiting<'_>> {
        self.alarm.set(by);
        let is_empty = self.next_bytes().is_none();
        let waiting = Waiting(self);
        is_empty.then_some(waiting)
    }

    /// How long the record at the position is, past those that were given up; None where none is whole yet.
    fn next_bytes(&mut self) -> Option<usize> {
        loop {
            if self.position == self.produced {
                self.produced = self.pages.produced();
            }
            let there = self.produced.wrapping_sub(self.position);
            match Standing::of(self.pages.head(self.position), there) {
                Standing::Whole(bytes) => return Some(bytes),
                Standing::GivenUp(bytes) => self.pass(bytes),
                Standing::Nothing => return None,
            }
        }
    }

    /// Gives the kernel the place of a record of so many bytes back.
    fn pass(&mut self, bytes: usize) {
        self.position = self.position.wrapping_add(span::taken(bytes));
        self.pages.consume(self.position);
    }
}

/// Somebody waits for the ring. From its end on they are woken no more.
pub struct Waiting<'a>(&'a mut Ring);

impl AsFd for Waiting<'_> {
    /// Readable when there are records.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.map.fd().as_fd()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.alarm.clear();
    }
}
