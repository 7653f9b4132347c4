//! An array map of the kernel, read and emptied as memory. It is mapped for as long as that takes: between two windows it is none of
//! the agent's memory.

use std::{
    io,
    marker::PhantomData,
    ops::Range,
    os::fd::{AsFd, AsRawFd},
};

use aya::maps::MapData;
use memmap2::MmapOptions;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// An array of `T`, made with `BPF_F_MMAPABLE`.
pub(super) struct Mapped<T> {
    map: MapData,
    entries: usize,
    of: PhantomData<T>,
}

impl<T: FromBytes + IntoBytes + Immutable + Copy> Mapped<T> {
    /// # Errors
    /// The kernel does not describe the map, or its values have another size.
    pub(super) fn new(map: MapData) -> io::Result<Self> {
        let info = map.info().map_err(io::Error::other)?;
        if info.value_size() as usize != size_of::<T>() {
            return Err(io::Error::other("its values have another size"));
        }
        Ok(Self {
            map,
            entries: info.max_entries() as usize,
            of: PhantomData,
        })
    }

    /// How many there are.
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// Empties a range, and gives those of it that `is_taken` says of to `took`. No program may look at the range meanwhile. It
    /// begins with a page.
    ///
    /// # Errors
    /// The kernel does not map it.
    pub(super) fn take(
        &mut self,
        range: Range<usize>,
        is_taken: impl Fn(&T) -> bool,
        mut took: impl FnMut(T),
    ) -> io::Result<()> {
        let end = range.end.min(self.entries);
        let entries = end.saturating_sub(range.start);
        let mut part = MmapOptions::new();
        part.offset((range.start * size_of::<T>()) as u64)
            .len(entries * size_of::<T>());
        // SAFETY: the agent maps the map nowhere else, and the kernel's programs leave the range alone, as the caller says.
        let mut memory = unsafe { part.map_mut(self.map.fd().as_fd().as_raw_fd()) }?;
        let entries = <[T]>::mut_from_bytes(&mut memory);
        let entries = entries.map_err(|_| io::Error::other("it is not aligned"))?;
        for entry in entries.iter_mut().filter(|entry| is_taken(entry)) {
            took(std::mem::replace(entry, T::new_zeroed()));
        }
        Ok(())
    }
}
