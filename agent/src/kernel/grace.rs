//! Waiting until no program runs any more that began before. `membarrier` does not do that everywhere: with one CPU it returns at
//! once, although a kernel that preempts may have left a program in its middle, and with `nohz_full` it is refused
//! (`kernel/sched/membarrier.c`). What does is a change of a map of maps: before it returns, the kernel waits for every program that
//! may look at the old one (`maybe_wait_bpf_programs` in `kernel/bpf/syscall.c`, since 4.20).

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

use aya_obj::generated::{bpf_cmd, bpf_map_type};

use super::sys::{bpf, zeroed};

/// A map of maps that no program uses.
pub(super) struct Grace {
    outer: OwnedFd,
    inner: OwnedFd,
}

impl Grace {
    /// # Errors
    /// The kernel does not make the maps.
    pub(super) fn new() -> io::Result<Self> {
        let inner = array(bpf_map_type::BPF_MAP_TYPE_ARRAY, None)?;
        let outer = array(bpf_map_type::BPF_MAP_TYPE_ARRAY_OF_MAPS, Some(&inner))?;
        Ok(Self { outer, inner })
    }

    /// Returns when every program that runs now has ended.
    ///
    /// # Errors
    /// The kernel does not change the map.
    pub(super) fn wait(&self) -> io::Result<()> {
        let key: u32 = 0;
        let value = self.inner.as_raw_fd();
        let mut attr = zeroed();
        attr.__bindgen_anon_2.map_fd = self.outer.as_raw_fd().cast_unsigned();
        attr.__bindgen_anon_2.key = (&raw const key) as u64;
        attr.__bindgen_anon_2.__bindgen_anon_1.value = (&raw const value) as u64;
        // SAFETY: key and value have four bytes, as the map's, and live until the call has ended.
        unsafe { bpf(bpf_cmd::BPF_MAP_UPDATE_ELEM, &mut attr) }.map(|_| ())
    }
}

/// An array with one entry: a number, or a map like `of`.
fn array(kind: bpf_map_type, of: Option<&OwnedFd>) -> io::Result<OwnedFd> {
    let mut attr = zeroed();
    // SAFETY: plain integers of the union's member for new maps.
    unsafe {
        let map = &mut attr.__bindgen_anon_1;
        map.map_type = kind as u32;
        map.key_size = 4;
        map.value_size = 4;
        map.max_entries = 1;
        map.inner_map_fd = of.map_or(0, |map| map.as_raw_fd().cast_unsigned());
    }
    // SAFETY: the argument points to nothing.
    let descriptor = unsafe { bpf(bpf_cmd::BPF_MAP_CREATE, &mut attr) }?;
    // SAFETY: the kernel has just made it, and it is nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
