//! A Parquet column whose values are few and come in runs, such as the name of the node: kept as runs, and written as a
//! dictionary and runs of its places, so that a row costs a comparison. The general writer looks each value up. What
//! columns there are is in `usage`.

use std::{hash::Hash, sync::Arc};

use bytes::Bytes;
use foldhash::HashMap;
use parquet::{
    basic::Encoding,
    column::writer::ColumnCloseResult,
    errors::{ParquetError, Result},
    file::statistics::Statistics,
    schema::types::ColumnDescriptor,
};

use super::{chunk::Chunk, delta::varint};

/// A value of such a column.
pub(super) trait Value: Copy + Eq + Hash + Ord {
    /// Whether it is the same, at the price of a comparison or two; false where that would cost more.
    fn is_at_once(self, other: Self) -> bool;

    /// Adds it as Parquet's PLAIN encoding has it.
    fn write(self, bytes: &mut Vec<u8>);

    /// What says which values there are; None where it would be too long.
    fn statistics(least: Self, most: Self, nulls: u64) -> Option<Statistics>;
}

/// A column's values so far.
#[derive(Debug)]
pub(super) struct Runs<V> {
    /// Each value once.
    values: Vec<V>,
    /// Where it is in `values`.
    places: HashMap<V, u32>,
    /// Places, None for null, and how many rows each.
    lengths: Vec<(Option<u32>, u32)>,
    /// Of the last row.
    last: Option<V>,
}

impl<V: Value> Runs<V> {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            values: Vec::new(),
            places: HashMap::default(),
            lengths: Vec::new(),
            last: None,
        }
    }

    /// Adds the value of so many rows.
    pub(super) fn push(&mut self, value: Option<V>, rows: u32) {
        let is_last = match (value, self.last) {
            (Some(value), Some(last)) => value.is_at_once(last),
            (None, None) => true,
            _ => false,
        };
        if let Some((_, length)) = self.lengths.last_mut()
            && is_last
        {
            *length += rows;
            return;
        }
        let place = value.map(|value| self.place_of(value));
        self.last = value;
        match self.lengths.last_mut() {
            Some((last, length)) if *last == place => *length += rows,
            _ => self.lengths.push((place, rows)),
        }
    }

    fn place_of(&mut self, value: V) -> u32 {
        *self.places.entry(value).or_insert_with(|| {
            self.values.push(value);
            u32::try_from(self.values.len() - 1).expect("a window has fewer rows than 2^32")
        })
    }

    /// The column's part of a row group.
    pub(super) fn chunk(
        &self,
        column: &Arc<ColumnDescriptor>,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        let rows: u32 = self.lengths.iter().map(|(_, rows)| rows).sum();
        let nulls = self.lengths.iter().filter(|(place, _)| place.is_none());
        let nulls: u32 = nulls.map(|(_, rows)| rows).sum();
        let mut dictionary = Vec::new();
        for value in &self.values {
            value.write(&mut dictionary);
        }
        let data = self.data_page(column.max_def_level() > 0)?;
        let mut chunk = Chunk::of(dictionary.len() + data.len());
        let encoding = if self.values.is_empty() {
            Encoding::PLAIN
        } else {
            chunk.dictionary(dictionary, self.values.len())?;
            Encoding::RLE_DICTIONARY
        };
        chunk.data(data, rows, encoding)?;
        let bounds = self.values.iter().min().zip(self.values.iter().max());
        let statistics =
            bounds.and_then(|(least, most)| V::statistics(*least, *most, nulls.into()));
        chunk.close(column, statistics)
    }

    /// Which rows have a value, where not all need one, and the places of these.
    fn data_page(&self, is_nullable: bool) -> Result<Vec<u8>> {
        let mut page = Vec::new();
        if is_nullable {
            let lengths = self.lengths.iter();
            levels(
                &mut page,
                lengths.map(|(place, rows)| (place.is_some(), *rows)),
            )?;
        } else if self.lengths.iter().any(|(place, _)| place.is_none()) {
            return Err(ParquetError::General(
                "a null in a column that has none".to_owned(),
            ));
        }
        let Some(most) = self.values.len().checked_sub(1) else {
            return Ok(page);
        };
        // Of one bit at least: a width of nothing is allowed, and not every reader knows it.
        let bits = (usize::BITS - most.leading_zeros()).max(1);
        page.push(u8::try_from(bits).expect("a usize has 64 bits"));
        for (place, rows) in &self.lengths {
            if let Some(place) = place {
                run(&mut page, *place, *rows, bits.div_ceil(8) as usize);
            }
        }
        Ok(page)
    }
}

/// Which rows have a value, as a page with nulls begins.
pub(super) fn levels(page: &mut Vec<u8>, lengths: impl Iterator<Item = (bool, u32)>) -> Result<()> {
    page.extend([0; size_of::<u32>()]);
    for (has_value, rows) in lengths {
        run(page, u32::from(has_value), rows, 1);
    }
    let bytes = u32::try_from(page.len() - size_of::<u32>())
        .map_err(|_| ParquetError::General("a page past 4 GiB".to_owned()))?;
    page[..size_of::<u32>()].copy_from_slice(&bytes.to_le_bytes());
    Ok(())
}

/// A run as Parquet's RLE has it: twice its length as a varint, and its value in so many bytes.
fn run(page: &mut Vec<u8>, value: u32, rows: u32, value_bytes: usize) {
    varint(page, u64::from(rows) << 1);
    page.extend_from_slice(&value.to_le_bytes()[..value_bytes]);
}

impl Value for i64 {
    fn is_at_once(self, other: Self) -> bool {
        self == other
    }

    fn write(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }

    fn statistics(least: Self, most: Self, nulls: u64) -> Option<Statistics> {
        Some(Statistics::int64(
            Some(least),
            Some(most),
            None,
            Some(nulls),
            false,
        ))
    }
}

/// Longest text that statistics hold.
pub(super) const MOST_STATISTICS_BYTES: usize = 64;

impl Value for &str {
    /// Texts of one window mostly stand at the same place.
    fn is_at_once(self, other: Self) -> bool {
        std::ptr::eq(self, other)
    }

    fn write(self, bytes: &mut Vec<u8>) {
        self.as_bytes().write(bytes);
    }

    fn statistics(least: Self, most: Self, nulls: u64) -> Option<Statistics> {
        Value::statistics(least.as_bytes(), most.as_bytes(), nulls)
    }
}

impl Value for &[u8] {
    fn is_at_once(self, other: Self) -> bool {
        std::ptr::eq(self, other)
    }

    fn write(self, bytes: &mut Vec<u8>) {
        let length = u32::try_from(self.len()).expect("texts of a row end far below 4 GiB");
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(self);
    }

    fn statistics(least: Self, most: Self, nulls: u64) -> Option<Statistics> {
        if least.len().max(most.len()) > MOST_STATISTICS_BYTES {
            return None;
        }
        Some(Statistics::byte_array(
            Some(least.to_vec().into()),
            Some(most.to_vec().into()),
            None,
            Some(nulls),
            false,
        ))
    }
}
