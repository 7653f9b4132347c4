//! What wakes the ring's reader: a value that it shares with the probes (`ebpf/src/wake.rs`).

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
    sync::atomic::{AtomicU32, Ordering, fence},
};

use aya::maps::MapData;
use memmap2::{MmapOptions, MmapRaw};
use rustix::param::page_size;
use whittle_schemas::record::wake::{AWAKE, BY_ANY, BY_URGENT, Wake};

/// What the reader is to be woken by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WokenBy {
    /// What cannot wait for the reader to look by itself, which it does soon.
    Urgent,
    /// The next record.
    Any,
}

/// The value, mapped.
pub(super) struct Alarm {
    page: MmapRaw,
}

impl Alarm {
    /// With so many bytes in the ring the reader is woken in any case.
    ///
    /// # Errors
    /// The kernel does not map it.
    pub(super) fn map(map: &MapData, most_bytes: u32) -> io::Result<Self> {
        let fd = map.fd().as_fd().as_raw_fd();
        let page = MmapOptions::new().len(page_size()).map_raw(fd)?;
        let alarm = Self { page };
        let most = alarm.number(std::mem::offset_of!(Wake, most_bytes));
        most.store(most_bytes, Ordering::Relaxed);
        Ok(alarm)
    }

    /// From now on the reader is woken. It has to look once more before it waits.
    pub(super) fn set(&self, by: WokenBy) {
        let by = match by {
            WokenBy::Urgent => BY_URGENT,
            WokenBy::Any => BY_ANY,
        };
        self.by().store(by, Ordering::Relaxed);
        // A probe that has not seen it yet has sent its record, or is about to, and then finds that all was read.
        fence(Ordering::SeqCst);
    }

    /// The reader is awake.
    pub(super) fn clear(&self) {
        self.by().store(AWAKE, Ordering::Relaxed);
    }

    fn by(&self) -> &AtomicU32 {
        self.number(std::mem::offset_of!(Wake, by))
    }

    fn number(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: the page is there for as long as `self`, may be written, and starts with a `Wake`, whose numbers both sides read and
        // write at once.
        unsafe { AtomicU32::from_ptr(self.page.as_mut_ptr().add(offset).cast()) }
    }
}
