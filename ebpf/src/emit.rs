//! Sending a record: the header, and the bytes that were put together, to the ring.

use core::arch::asm;

use aya_ebpf::helpers::generated::{bpf_jiffies64, bpf_ringbuf_output};
use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_ktime_get_boot_ns};
use whittle_schemas::record::{ABI_VERSION, Header, Text, counter::Reason};

use crate::{
    maps::{RING, TICK},
    scratch::{SCRATCH_BYTES, Scratch},
    wake::{self, Urgency},
};

/// The header of a record of `kind` with body `T`, made now by the running task.
#[inline(always)]
pub(crate) fn header<T>(kind: u8, flags: u8, text: &Text) -> Header {
    let task = bpf_get_current_pid_tgid();
    // SAFETY: the helper has no precondition.
    let boottime_ns = unsafe { bpf_ktime_get_boot_ns() };
    note_tick(boottime_ns);
    let length = size_of::<T>() as u32 + text.walked_bytes + text.asked_bytes;
    Header {
        kind,
        version: ABI_VERSION,
        flags,
        fixed: Header::fixed_of::<T>(),
        length,
        boottime_ns,
        tgid: (task >> 32) as u32,
        tid: task as u32,
    }
}

/// Tells the agent what the time is in jiffies.
#[inline(always)]
fn note_tick(boottime_ns: u64) {
    if let Some(tick) = TICK.get_ptr_mut(0) {
        // SAFETY: a map's value; what two CPUs write at once is a tick apart. The helper has no precondition.
        unsafe {
            (&raw mut (*tick).jiffies).write_volatile(bpf_jiffies64());
            (&raw mut (*tick).boottime_ns).write_volatile(boottime_ns);
        }
    }
}

/// Copies the record to the ring: the fixed part with `body` at its start, and the text.
#[inline(always)]
pub(crate) fn send<T>(
    scratch: &mut Scratch,
    body: T,
    text: &Text,
    urgency: Urgency,
) -> Result<(), Reason> {
    // SAFETY: the scratch has room for a body, and is aligned for it.
    unsafe { scratch.body::<T>().write(body) };
    send_as_it_is::<T>(scratch, text, urgency)
}

/// As [`send`], with a body that stands in the scratch already.
#[inline(always)]
pub(crate) fn send_as_it_is<T>(
    scratch: &mut Scratch,
    text: &Text,
    urgency: Urgency,
) -> Result<(), Reason> {
    let length = bounded(size_of::<T>() as u32 + text.walked_bytes + text.asked_bytes);
    let ring = (&raw const RING).cast_mut();
    let record = scratch.body::<T>();
    let flags = wake::flags(urgency);
    // SAFETY: the mask keeps the length inside of the scratch; RING is a map.
    let sent = unsafe { bpf_ringbuf_output(ring.cast(), record.cast(), length, flags) };
    if sent == 0 {
        wake::sent(flags);
        Ok(())
    } else {
        Err(Reason::RingFull)
    }
}

/// A length below [`SCRATCH_BYTES`]. The compiler would leave the mask out where it knows that the length is; the verifier of
/// 5.10 forgets what it knew of a number when it is spilled.
#[inline(always)]
fn bounded(length: u32) -> u64 {
    let mut bounded = u64::from(length);
    // SAFETY: it changes a register.
    unsafe {
        asm!(
            "{bounded} &= {mask}",
            bounded = inout(reg) bounded,
            mask = const SCRATCH_BYTES - 1,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    bounded
}
