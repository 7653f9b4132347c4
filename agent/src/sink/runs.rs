//! A Parquet column whose values are few and come in runs, such as the name of the node: kept as runs, and written as a
//! dictionary and runs of its places, so that a row costs a comparison. The general writer looks each value up. What
//! columns there are is in `usage`.

use std::{hash::Hash, sync::Arc};

use bytes::Bytes;
use foldhash::HashMap;
use parquet::{
    basic::{Compression, Encoding, ZstdLevel},
    column::{
        page::{CompressedPage, Page, PageWriter},
        writer::ColumnCloseResult,
    },
    errors::{ParquetError, Result},
    file::{
        metadata::ColumnChunkMetaData,
        statistics::Statistics,
        writer::{SerializedPageWriter, TrackedWrite},
    },
    schema::types::ColumnDescriptor,
};

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

    /// Adds the value of a row.
    pub(super) fn push(&mut self, value: Option<V>) {
        let is_last = match (value, self.last) {
            (Some(value), Some(last)) => value.is_at_once(last),
            (None, None) => true,
            _ => false,
        };
        if let Some((_, rows)) = self.lengths.last_mut()
            && is_last
        {
            *rows += 1;
            return;
        }
        let place = value.map(|value| self.place_of(value));
        self.last = value;
        match self.lengths.last_mut() {
            Some((last, rows)) if *last == place => *rows += 1,
            _ => self.lengths.push((place, 1)),
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
        let mut pages = Pages::new(dictionary.len() + data.len());
        let has_values = !self.values.is_empty();
        if has_values {
            pages.write(dictionary, |buf| Page::DictionaryPage {
                buf,
                num_values: u32::try_from(self.values.len()).unwrap_or(u32::MAX),
                encoding: Encoding::PLAIN,
                is_sorted: false,
            })?;
        }
        let data_offset = pages.sink.bytes_written();
        pages.write(data, |buf| Page::DataPage {
            buf,
            num_values: rows,
            encoding: if has_values {
                Encoding::RLE_DICTIONARY
            } else {
                Encoding::PLAIN
            },
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })?;
        let mut metadata = ColumnChunkMetaData::builder(Arc::clone(column))
            .set_compression(pages.compression)
            .set_encodings(vec![
                Encoding::PLAIN,
                Encoding::RLE,
                Encoding::RLE_DICTIONARY,
            ])
            .set_num_values(rows.into())
            .set_total_compressed_size(signed(pages.sink.bytes_written()))
            .set_total_uncompressed_size(signed(pages.uncompressed))
            .set_data_page_offset(signed(data_offset))
            .set_dictionary_page_offset(has_values.then_some(0));
        let (least, most) = (self.values.iter().min(), self.values.iter().max());
        if let (Some(least), Some(most)) = (least, most)
            && let Some(statistics) = V::statistics(*least, *most, nulls.into())
        {
            metadata = metadata.set_statistics(statistics);
        }
        let bytes = Bytes::from(pages.sink.into_inner()?);
        let result = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows.into(),
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((bytes, result))
    }

    /// Which rows have a value, where not all need one, and the places of these.
    fn data_page(&self, is_nullable: bool) -> Result<Vec<u8>> {
        let mut page = Vec::new();
        if is_nullable {
            page.extend([0; size_of::<u32>()]);
            for (place, rows) in &self.lengths {
                run(&mut page, u32::from(place.is_some()), *rows, 1);
            }
            let levels = u32::try_from(page.len() - size_of::<u32>())
                .map_err(|_| ParquetError::General("a page past 4 GiB".to_owned()))?;
            page[..size_of::<u32>()].copy_from_slice(&levels.to_le_bytes());
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

/// A run as Parquet's RLE has it: twice its length as a varint, and its value in so many bytes.
fn run(page: &mut Vec<u8>, value: u32, rows: u32, value_bytes: usize) {
    let mut head = u64::from(rows) << 1;
    while head >= 0x80 {
        page.push(head.to_le_bytes()[0] | 0x80);
        head >>= 7;
    }
    page.push(head.to_le_bytes()[0]);
    page.extend_from_slice(&value.to_le_bytes()[..value_bytes]);
}

/// Pages of fewer bytes are not compressed: it would cost more than they are.
const WORTH_COMPRESSING: usize = 512;

struct Pages {
    sink: TrackedWrite<Vec<u8>>,
    compression: Compression,
    uncompressed: usize,
}

impl Pages {
    fn new(bytes: usize) -> Self {
        Self {
            sink: TrackedWrite::new(Vec::new()),
            compression: match bytes {
                ..WORTH_COMPRESSING => Compression::UNCOMPRESSED,
                _ => Compression::ZSTD(ZstdLevel::default()),
            },
            uncompressed: 0,
        }
    }

    fn write(&mut self, bytes: Vec<u8>, page: impl FnOnce(Bytes) -> Page) -> Result<()> {
        let uncompressed = bytes.len();
        let bytes = match self.compression {
            Compression::ZSTD(level) => zstd::bulk::compress(&bytes, level.compression_level())?,
            _ => bytes,
        };
        let page = CompressedPage::new(page(bytes.into()), uncompressed);
        let written = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
        self.uncompressed += written.uncompressed_size;
        Ok(())
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
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
const MOST_STATISTICS_BYTES: usize = 64;

impl Value for &str {
    /// Texts of one window mostly stand at the same place.
    fn is_at_once(self, other: Self) -> bool {
        std::ptr::eq(self, other)
    }

    fn write(self, bytes: &mut Vec<u8>) {
        let length = u32::try_from(self.len()).expect("texts of a row end far below 4 GiB");
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(self.as_bytes());
    }

    fn statistics(least: Self, most: Self, nulls: u64) -> Option<Statistics> {
        if least.len().max(most.len()) > MOST_STATISTICS_BYTES {
            return None;
        }
        let (least, most) = (least.as_bytes().to_vec(), most.as_bytes().to_vec());
        Some(Statistics::byte_array(
            Some(least.into()),
            Some(most.into()),
            None,
            Some(nulls),
            false,
        ))
    }
}
