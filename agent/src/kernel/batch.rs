//! Reading or emptying a hash map of the kernel in few calls: one by one it takes two or three for each entry.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use aya::maps::MapData;
use aya_obj::generated::bpf_cmd;
use zerocopy::FromBytes;

use super::sys::{bpf, zeroed};

/// Entries that one call brings: half a megabyte of the largest.
const ENTRIES: u32 = 4_096;

/// Takes all entries out of a hash map whose keys and values are `K` and `V`. Entries that programs add meanwhile may stay.
///
/// # Errors
/// The kernel refuses, or the map has keys or values of other sizes.
pub(super) fn take_all<K, V>(map: &MapData) -> io::Result<Vec<(K, V)>>
where
    K: FromBytes + Copy,
    V: FromBytes + Copy,
{
    all(map, bpf_cmd::BPF_MAP_LOOKUP_AND_DELETE_BATCH)
}

/// As [`take_all`], and leaves them there.
///
/// # Errors
/// As above.
pub(super) fn read_all<K, V>(map: &MapData) -> io::Result<Vec<(K, V)>>
where
    K: FromBytes + Copy,
    V: FromBytes + Copy,
{
    all(map, bpf_cmd::BPF_MAP_LOOKUP_BATCH)
}

fn all<K, V>(map: &MapData, command: bpf_cmd) -> io::Result<Vec<(K, V)>>
where
    K: FromBytes + Copy,
    V: FromBytes + Copy,
{
    let info = map.info().map_err(io::Error::other)?;
    if info.key_size() as usize != size_of::<K>() || info.value_size() as usize != size_of::<V>() {
        return Err(io::Error::other("its keys or values have another size"));
    }
    let mut keys = vec![K::new_zeroed(); ENTRIES as usize];
    let mut values = vec![V::new_zeroed(); ENTRIES as usize];
    let mut all = Vec::new();
    // A bucket's number, for hash maps.
    let mut place: u32 = 0;
    let mut is_first = true;
    loop {
        let mut attr = zeroed();
        let address = (&raw mut place) as u64;
        attr.batch.in_batch = if is_first { 0 } else { address };
        attr.batch.out_batch = address;
        attr.batch.keys = keys.as_mut_ptr() as u64;
        attr.batch.values = values.as_mut_ptr() as u64;
        attr.batch.count = ENTRIES;
        attr.batch.map_fd = map.fd().as_fd().as_raw_fd().cast_unsigned();
        // SAFETY: the kernel writes four bytes to `place`, and ENTRIES keys and values, whose sizes it and we agree on, to
        // buffers of as many; all three outlive the call.
        let is_last = match unsafe { bpf(command, &mut attr) } {
            Ok(_) => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(error),
        };
        // SAFETY: the call has written this member, or left it as it was.
        let count = unsafe { attr.batch.count } as usize;
        all.extend(
            std::iter::zip(&keys, &values)
                .take(count)
                .map(|(key, value)| (*key, *value)),
        );
        is_first = false;
        if is_last {
            return Ok(all);
        }
    }
}
