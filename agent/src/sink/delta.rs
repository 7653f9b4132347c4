//! Numbers as Parquet's `DELTA_BINARY_PACKED` has them: what one differs from the number before, in blocks, each with as few bits as
//! it needs: as a part of what `texts` writes, and as a column of their own.

use std::sync::Arc;

use bytes::Bytes;
use parquet::{
    basic::Encoding, column::writer::ColumnCloseResult, errors::Result,
    file::statistics::Statistics, schema::types::ColumnDescriptor,
};

use super::{
    chunk::{Chunk, require_values},
    runs::Value,
};

/// A column of numbers of which each differs little from the one before, such as times.
pub(super) struct Numbers {
    deltas: Deltas,
    least: i64,
    most: i64,
}

impl Numbers {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            deltas: Deltas::new(),
            least: i64::MAX,
            most: i64::MIN,
        }
    }

    /// Adds the number of a row.
    pub(super) fn push(&mut self, number: i64) {
        self.least = self.least.min(number);
        self.most = self.most.max(number);
        self.deltas.push(number);
    }

    /// The column's part of a row group.
    pub(super) fn chunk(
        mut self,
        column: &Arc<ColumnDescriptor>,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        require_values(column)?;
        let rows = self.deltas.numbers;
        let mut page = Vec::new();
        self.deltas.finish(&mut page);
        let mut chunk = Chunk::of(page.len());
        chunk.data(page, rows, Encoding::DELTA_BINARY_PACKED)?;
        let statistics: Option<Statistics> = Value::statistics(self.least, self.most, 0);
        chunk.close(column, statistics.filter(|_| rows > 0))
    }
}

/// Numbers of a block, and of each of its parts, as most writers have it.
const BLOCK: usize = 128;
const PARTS: usize = 4;
const PART: usize = BLOCK / PARTS;

/// Numbers so far.
#[derive(Debug)]
pub(super) struct Deltas {
    first: i64,
    last: i64,
    /// How many there are.
    numbers: u32,
    /// What those of the block that is being filled differ by.
    block: [i64; BLOCK],
    filled: usize,
    /// The blocks that are full.
    packed: Vec<u8>,
}

impl Deltas {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            first: 0,
            last: 0,
            numbers: 0,
            block: [0; BLOCK],
            filled: 0,
            packed: Vec::new(),
        }
    }

    /// Adds a number.
    pub(super) fn push(&mut self, number: i64) {
        if self.numbers == 0 {
            self.first = number;
        } else {
            self.block[self.filled] = number.wrapping_sub(self.last);
            self.filled += 1;
        }
        self.last = number;
        self.numbers += 1;
        if self.filled == BLOCK {
            self.pack();
        }
    }

    /// Adds them to what there is of a page, and begins anew.
    pub(super) fn finish(&mut self, page: &mut Vec<u8>) {
        if self.filled > 0 {
            self.pack();
        }
        varint(page, BLOCK as u64);
        varint(page, PARTS as u64);
        varint(page, self.numbers.into());
        zigzag(page, self.first);
        page.append(&mut self.packed);
        self.numbers = 0;
    }

    fn pack(&mut self) {
        let block = &mut self.block[..self.filled];
        let least = block.iter().copied().min().unwrap_or(0);
        zigzag(&mut self.packed, least);
        let mut widths = [0; PARTS];
        for (part, width) in block.chunks_mut(PART).zip(&mut widths) {
            let mut all = 0;
            for delta in part {
                *delta = delta.wrapping_sub(least);
                all |= *delta;
            }
            *width = u64::BITS - all.cast_unsigned().leading_zeros();
        }
        // Widths are at most 64.
        self.packed
            .extend(widths.map(|width| width.to_le_bytes()[0]));
        // A part has all its numbers, the last one too.
        self.block[self.filled..].fill(0);
        for (part, width) in self.block.chunks(PART).zip(widths) {
            bits(part, width, &mut self.packed);
        }
        self.filled = 0;
    }
}

/// The low bits of each number, one behind the other. As many numbers as a part has end with a multiple of four bytes.
fn bits(part: &[i64], width: u32, packed: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let (mut word, mut filled) = (0_u128, 0);
    for number in part {
        word |= u128::from(number.cast_unsigned()) << filled;
        filled += width;
        if filled >= u64::BITS {
            packed.extend_from_slice(&word.to_le_bytes()[..8]);
            word >>= u64::BITS;
            filled -= u64::BITS;
        }
    }
    packed.extend_from_slice(&word.to_le_bytes()[..filled.div_ceil(8) as usize]);
}

/// A number in seven bits a byte, the lowest first.
pub(super) fn varint(page: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        page.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    page.push(number.to_le_bytes()[0]);
}

fn zigzag(page: &mut Vec<u8>, number: i64) {
    varint(page, ((number << 1) ^ (number >> 63)).cast_unsigned());
}
