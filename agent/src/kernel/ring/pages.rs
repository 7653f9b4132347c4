//! The ring's memory, as the kernel gives it (`ringbuf_map_mmap_kern` of `kernel/bpf/ringbuf.c`): a page with the reader's position,
//! which only the reader writes, then one with the writers', and the records. The kernel has the records once more behind that, and maps
//! no more than is asked for.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
    sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence},
};

use aya::maps::MapData;
use memmap2::{MmapOptions, MmapRaw};
use rustix::param::page_size;

/// A ring, mapped.
pub(super) struct Pages {
    consumer: MmapRaw,
    /// The page of the writers' position, and the records.
    producer: MmapRaw,
    page: usize,
    size: usize,
}

impl Pages {
    /// # Errors
    /// The kernel does not describe the map, or does not map it.
    pub(super) fn map(map: &MapData) -> io::Result<Self> {
        let info = map.info().map_err(io::Error::other)?;
        let (page, size) = (page_size(), info.max_entries() as usize);
        if !size.is_power_of_two() || size < page {
            return Err(io::Error::other("its size is no power of two"));
        }
        let fd = map.fd().as_fd().as_raw_fd();
        let mut producer = MmapOptions::new();
        producer.offset(page as u64).len(page + size);
        Ok(Self {
            consumer: MmapOptions::new().len(page).map_raw(fd)?,
            producer: producer.map_raw_read_only(fd)?,
            page,
            size,
        })
    }

    /// Bytes of the records.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// How far the reader is.
    pub(super) fn consumed(&self) -> usize {
        self.consumer_position().load(Ordering::Relaxed)
    }

    /// Says how far the reader is. What is before that may be overwritten from now on.
    pub(super) fn consume(&mut self, position: usize) {
        self.consumer_position().store(position, Ordering::Release);
    }

    /// How far the writers are.
    pub(super) fn produced(&self) -> usize {
        // A writer that finds that the reader has read all before it wakes it up: it has to see what was consumed, or else
        // what it has written has to be seen here.
        fence(Ordering::SeqCst);
        // SAFETY: the page is there for as long as `self`, is aligned, and starts with an unsigned long that the kernel writes at
        // once. Memory that is only to be read allows relaxed loads.
        let position = unsafe { AtomicUsize::from_ptr(self.producer.as_mut_ptr().cast()) };
        let position = position.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        position
    }

    /// The length and flags in the head at a position. When it says that the record is whole, the record is there to be read.
    pub(super) fn head(&self, position: usize) -> u32 {
        // Heads are at multiples of eight; a position that is none could only be the kernel's mistake.
        let offset = self.page + (position & (self.size - 1) & !7);
        // SAFETY: the offset is below `page + size`, of which there is a mapping for as long as `self`, and aligned. The kernel writes
        // the four bytes at once; relaxed loads as above.
        let head = unsafe { AtomicU32::from_ptr(self.producer.as_mut_ptr().add(offset).cast()) };
        let head = head.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        head
    }

    /// So many bytes of the records.
    ///
    /// # Safety
    /// They are of a record whose head said that it is whole, and that was not consumed yet.
    pub(super) unsafe fn bytes(&self, start: usize, bytes: usize) -> &[u8] {
        assert!(
            start <= self.size && bytes <= self.size - start,
            "the part of a record ends where the ring does"
        );
        // SAFETY: the bytes are within the mapping, as was just checked. No program writes to a whole record before it is consumed,
        // which needs `self` alone.
        unsafe { std::slice::from_raw_parts(self.producer.as_ptr().add(self.page + start), bytes) }
    }

    fn consumer_position(&self) -> &AtomicUsize {
        // SAFETY: the page is there for as long as `self`, is aligned, may be written, and starts with an unsigned long that all sides
        // read and write at once.
        unsafe { AtomicUsize::from_ptr(self.consumer.as_mut_ptr().cast()) }
    }
}
