//! Where the bytes are that a call moved: in one buffer of the caller, in a vector of them (`struct iovec`), or in what the kernel made
//! of these and has passed over, its `struct iov_iter`. They are sent by `chunk`.

use core::hint::black_box;

use aya_ebpf::helpers::generated::bpf_probe_read_user;

use crate::{
    config::offset,
    kernel::{read, read_or_zero},
    syscall::{read_user, read_user_or_zero},
};

/// Most buffers of a vector that are looked at, empty ones included: stops a vector of 1,024 empty buffers.
pub(crate) const BUFFERS: u64 = 64;

/// Size of the caller's `struct iovec`.
pub(crate) const IOVEC_BYTES: u64 = 16;

/// Where bytes are in the caller's memory.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    address: u64,
    buffers: u64,
}

/// In [`Source::buffers`]: the address is that of the kernel's `struct iov_iter`, which stands behind the bytes.
const ITERATOR: u64 = 1 << 31;

impl Source {
    /// One buffer.
    #[inline(always)]
    pub(crate) fn buffer(address: u64) -> Self {
        let buffers = 0;
        Self { address, buffers }
    }

    /// A vector of the caller's of so many buffers. Their number may be anything where the caller has changed it meanwhile: it must
    /// not make an iterator of an address of the caller's choice.
    #[inline(always)]
    pub(crate) fn vector(address: u64, buffers: u64) -> Self {
        let buffers = buffers & (ITERATOR - 1);
        Self { address, buffers }
    }

    /// What a `struct iov_iter` has passed over.
    #[inline(always)]
    pub(crate) fn iterator(address: u64) -> Self {
        let buffers = ITERATOR;
        Self { address, buffers }
    }

    /// As one global function passes it to another: an address, and a number of 32 bits.
    #[inline(always)]
    pub(crate) fn packed(self) -> (u64, u64) {
        (self.address, self.buffers)
    }

    /// What [`Self::packed`] packed.
    #[inline(always)]
    pub(crate) fn unpacked(address: u64, buffers: u64) -> Self {
        Self { address, buffers }
    }

    /// Whether the kernel described it, and not the caller.
    #[inline(always)]
    pub(crate) fn is_kernels(self) -> bool {
        self.buffers == ITERATOR
    }

    /// The first eight bytes, or all `length` of them where those are fewer; the rest of the word is zero. Of a vector,
    /// what its first two buffers hold of them.
    #[inline(always)]
    pub(crate) fn first_bytes(self, length: u64) -> u64 {
        if self.buffers == 0 && length >= 8 {
            return read_user_or_zero::<u64>(self.address);
        }
        gather(self.address, self.buffers, length)
    }

    /// Where `length` bytes begin.
    #[inline(always)]
    pub(crate) fn start(self, length: u64) -> Option<Start> {
        if self.is_kernels() {
            return rewind(self.address, length);
        }
        if self.buffers == 0 {
            return Some(Start::buffer(self.address, length));
        }
        let (address, left) = iovec(self.address, 0)?;
        Some(Start {
            address,
            left,
            vector: self.address + IOVEC_BYTES,
            buffers: self.buffers - 1,
            in_kernel: 0,
        })
    }
}

/// The first bytes: in a buffer from `address` on, where `left` are, and then in those of a vector.
pub(crate) struct Start {
    pub(crate) address: u64,
    pub(crate) left: u64,
    pub(crate) vector: u64,
    pub(crate) buffers: u64,
    /// 1: the vector itself is in the kernel's memory.
    pub(crate) in_kernel: u64,
}

impl Start {
    #[inline(always)]
    fn buffer(address: u64, left: u64) -> Self {
        Self {
            address,
            left,
            vector: 0,
            buffers: 0,
            in_kernel: 0,
        }
    }
}

/// Most buffers of a vector that a call may have passed over: the kernel takes 1,024, and the verifier looks at each.
const MOST_PASSED: u64 = 64;

/// Goes back over what a `struct iov_iter` of the caller's memory has passed: as `iov_iter_revert` of `lib/iov_iter.c` does.
#[inline(always)]
fn rewind(iterator: u64, length: u64) -> Option<Start> {
    let passed: u64 = read(iterator, offset!(iter_offset))?;
    let vector: u64 = read(iterator, offset!(iter_vector))?;
    if is_one_buffer(read(iterator, offset!(iter_type))?) {
        // In a union with the vector.
        return Some(Start::buffer(vector + passed - length, length));
    }
    let found = passed_buffers(vector, passed, length);
    if found == TOO_MANY {
        return None;
    }
    let (buffers, skipped) = (found >> 32, found & 0xffff_ffff);
    let vector = vector - buffers * IOVEC_BYTES;
    let (address, bytes) = iovec(vector, 1)?;
    Some(Start {
        address: address + skipped,
        left: bytes.saturating_sub(skipped),
        vector: vector + IOVEC_BYTES,
        // What was passed is in the vector.
        buffers: BUFFERS,
        in_kernel: 1,
    })
}

/// Of [`passed_buffers`]: they are more than are looked at.
const TOO_MANY: u64 = u64::MAX;

/// In which buffer of a vector the last `length` bytes begin that were passed over: how many before the one at `vector`, of which
/// `passed` were; and in the lower half, how many bytes into it. A global function, which the verifier checks once.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn passed_buffers(mut vector: u64, mut passed: u64, length: u64) -> u64 {
    let mut back = length;
    let mut buffers = 0;
    while buffers <= MOST_PASSED {
        if back <= passed {
            return (buffers << 32) | ((passed - back) & 0xffff_ffff);
        }
        back -= passed;
        vector -= IOVEC_BYTES;
        passed = read_or_zero(vector, size_of::<u64>());
        buffers += 1;
    }
    TOO_MANY
}

/// Whether an iterator of this kind is over one buffer. Before 6.0 there was no such kind, and its number here is 0.
#[inline(always)]
fn is_one_buffer(kind: u8) -> bool {
    offset!(iter_ubuf).offset() == u64::from(kind) && !is_vector(kind)
}

/// Whether it is over a vector of the caller's. Before 5.14 the kinds were bits, and the lowest the direction.
#[inline(always)]
fn is_vector(kind: u8) -> bool {
    let vector = offset!(iter_iovec).offset();
    if vector == 4 {
        return kind & !1 == 4;
    }
    vector == u64::from(kind)
}

/// Whether an iterator of this kind is over the caller's memory, and not over the kernel's own.
#[inline(always)]
pub(crate) fn is_callers(kind: u8) -> bool {
    is_vector(kind) || is_one_buffer(kind)
}

/// A global function, which the verifier checks once.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn gather(address: u64, buffers: u64, length: u64) -> u64 {
    let Some(start) = Source::unpacked(address, buffers).start(length) else {
        return 0;
    };
    let (first, known) = up_to_eight(start.address, smaller(start.left, length));
    if known >= 8 || start.buffers == 0 {
        return first;
    }
    let Some((base, bytes)) = iovec(start.vector, start.in_kernel) else {
        return first;
    };
    let (second, _) = up_to_eight(base, smaller(bytes, length - known));
    first | (second << (known * 8))
}

#[inline(always)]
pub(crate) fn smaller(one: u64, other: u64) -> u64 {
    if one < other { one } else { other }
}

/// At most eight bytes, and how many.
#[inline(always)]
fn up_to_eight(address: u64, length: u64) -> (u64, u64) {
    // Opaque, or the compiler leaves the comparison out for what it knows of the caller.
    let mut length = black_box(length);
    if length > 8 {
        length = 8;
    }
    let mut word = 0_u64;
    // Where the read fails the word stays 0.
    // SAFETY: `word` has eight bytes.
    unsafe { bpf_probe_read_user((&raw mut word).cast(), length as u32, address as *const _) };
    (word, length)
}

/// One buffer of a vector: where it is, and its length.
#[inline(always)]
pub(crate) fn iovec(address: u64, in_kernel: u64) -> Option<(u64, u64)> {
    let [base, length] = if in_kernel == 0 {
        read_user::<[u64; 2]>(address)?
    } else {
        read::<[u64; 2]>(address, 0)?
    };
    Some((base, length))
}
