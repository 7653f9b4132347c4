//! Where a record stands in the ring, and what its head says; pure. The layout is that of `kernel/bpf/ringbuf.c`, the same from
//! Linux 5.8 to 7.3: a head of eight bytes, the record, and padding up to eight bytes.

/// Bytes of a record's head: its length with two flags, and a page number that is the kernel's own (`BPF_RINGBUF_HDR_SZ`).
pub(super) const HEAD_BYTES: usize = 8;

/// `BPF_RINGBUF_BUSY_BIT`: a program is still writing it.
const BUSY: u32 = 1 << 31;

/// `BPF_RINGBUF_DISCARD_BIT`: a program gave it up.
const DISCARD: u32 = 1 << 30;

/// What is at the reader's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// A record of so many bytes.
    Whole(usize),
    /// One of so many that nobody is to read.
    GivenUp(usize),
    /// Nothing, or nothing yet.
    Nothing,
}

impl Standing {
    /// By a record's head, where the kernel has given away so many bytes from it on. A head that says more than these is none.
    pub(super) fn of(head: u32, there: usize) -> Self {
        if there == 0 || head & BUSY != 0 {
            return Self::Nothing;
        }
        let bytes = (head & !DISCARD) as usize;
        if taken(bytes) > there {
            return Self::Nothing;
        }
        if head & DISCARD != 0 {
            return Self::GivenUp(bytes);
        }
        Self::Whole(bytes)
    }
}

/// Bytes that a record takes in the ring.
pub(super) fn taken(bytes: usize) -> usize {
    (HEAD_BYTES + bytes).next_multiple_of(8)
}

/// Bytes in a row, in a ring: up to its end, and then from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Where they begin.
    pub(super) start: usize,
    /// How many there are before the end.
    pub(super) ahead: usize,
    /// How many of them wrap around.
    pub(super) behind: usize,
}

impl Span {
    /// So many bytes at a position that only grows, in a ring whose size is a power of two.
    pub(super) fn of(position: usize, bytes: usize, size: usize) -> Self {
        let start = position & (size - 1);
        let ahead = bytes.min(size - start);
        Self {
            start,
            ahead,
            behind: bytes - ahead,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 4_096;

    fn check(position: usize, bytes: usize, start: usize, ahead: usize, behind: usize) {
        let expected = Span {
            start,
            ahead,
            behind,
        };
        assert_eq!(Span::of(position, bytes, SIZE), expected);
    }

    #[test]
    fn a_record_goes_on_at_the_beginning_where_the_ring_ends() {
        check(8, 100, 8, 100, 0);
        check(SIZE - 8, 8, SIZE - 8, 8, 0);
        check(SIZE - 8, 9, SIZE - 8, 8, 1);
        check(7 * SIZE - 304, 1_000, SIZE - 304, 304, 696);
        // Its head was the ring's last eight bytes.
        check(SIZE, 300, 0, 300, 0);
        check(0_usize.wrapping_sub(16), 24, SIZE - 16, 16, 8);
    }

    #[test]
    fn every_byte_of_a_span_is_at_its_position_modulo_the_size() {
        for position in (0..3 * SIZE).step_by(8) {
            for bytes in [0, 1, 7, 8, 9, 300, SIZE - HEAD_BYTES] {
                let span = Span::of(position, bytes, SIZE);
                let places = (span.start..span.start + span.ahead).chain(0..span.behind);
                assert!(
                    places.eq((position..position + bytes).map(|byte| byte % SIZE)),
                    "{span:?} of {bytes} at {position}"
                );
            }
        }
    }

    #[test]
    fn a_head_is_always_in_one_piece() {
        for bytes in 0..100 {
            assert_eq!(taken(bytes) % HEAD_BYTES, 0);
            assert!(taken(bytes) >= bytes + HEAD_BYTES);
        }
    }

    #[test]
    fn only_what_is_written_to_its_end_is_read() {
        let bytes = 300;
        let check = |flags, expected| assert_eq!(Standing::of(bytes | flags, 4_000), expected);
        check(0, Standing::Whole(300));
        check(DISCARD, Standing::GivenUp(300));
        check(BUSY, Standing::Nothing);
        check(BUSY | DISCARD, Standing::Nothing);
        assert_eq!(Standing::of(bytes, 0), Standing::Nothing);
    }

    #[test]
    fn a_head_that_says_more_than_there_is_is_not_believed() {
        assert_eq!(Standing::of(304, 312), Standing::Whole(304));
        assert_eq!(Standing::of(305, 312), Standing::Nothing);
        assert_eq!(Standing::of(!(BUSY | DISCARD), 312), Standing::Nothing);
    }
}
