//! Chunks at their offsets: what was seen, in order, and how much is missing between.

use super::Chunk;

/// The next of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Bytes that one call moved.
    Bytes(&'a [u8]),
    /// So many bytes were moved and not seen.
    Gap(u64),
}

/// Where a direction stands.
#[derive(Debug, Default)]
pub(super) struct Order {
    next: u64,
}

impl Order {
    /// The new pieces of a chunk: what is missing before it, its bytes, and what is missing of it. Bytes that were
    /// seen before are left out.
    pub(super) fn pieces<'a>(
        &mut self,
        chunk: Chunk<'a>,
    ) -> impl Iterator<Item = Piece<'a>> + use<'a> {
        let length = chunk.length.max(chunk.bytes.len() as u64);
        let end = chunk.offset.saturating_add(length);
        let missing = chunk.offset.saturating_sub(self.next);
        let seen = self.next.saturating_sub(chunk.offset);
        let seen = usize::try_from(seen).unwrap_or(usize::MAX);
        let bytes = chunk.bytes.get(seen..).unwrap_or_default();
        let reached = chunk.offset.saturating_add(chunk.bytes.len() as u64);
        let cut = end.saturating_sub(reached.max(self.next));
        self.next = self.next.max(end);
        [
            (missing > 0).then_some(Piece::Gap(missing)),
            (!bytes.is_empty()).then_some(Piece::Bytes(bytes)),
            (cut > 0).then_some(Piece::Gap(cut)),
        ]
        .into_iter()
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_found_before_within_and_after() {
        let mut order = Order::default();
        let mut check = |offset, bytes: &'static [u8], length, expected: &[Piece<'_>]| {
            let chunk = Chunk {
                offset,
                bytes,
                length,
                lost_before: false,
            };
            assert_eq!(order.pieces(chunk).collect::<Vec<_>>(), expected);
        };
        check(0, b"ab", 2, &[Piece::Bytes(b"ab")]);
        check(2, b"cd", 5, &[Piece::Bytes(b"cd"), Piece::Gap(3)]);
        check(9, b"e", 1, &[Piece::Gap(2), Piece::Bytes(b"e")]);
        check(8, b"def", 3, &[Piece::Bytes(b"f")]);
        check(3, b"xy", 2, &[]);
        check(10, b"f", 4, &[Piece::Gap(3)]);
        check(
            u64::MAX,
            b"zz",
            u64::MAX,
            &[Piece::Gap(u64::MAX - 14), Piece::Bytes(b"zz")],
        );
    }
}
