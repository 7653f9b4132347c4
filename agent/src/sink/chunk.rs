//! A column's part of a Parquet row group, out of pages that are encoded already. How values become pages is in `runs`, `delta`,
//! `texts` and `plain`.

use std::sync::Arc;

use bytes::Bytes;
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

/// Pages of fewer bytes are not compressed: it would cost more than they are.
const WORTH_COMPRESSING: usize = 512;

/// A page of texts that is larger ends: hostile paths must neither make one that is too large to be written, nor cost memory twice.
pub(super) const PAGE_BYTES: usize = 1 << 20;

/// The pages so far.
pub(super) struct Chunk {
    sink: TrackedWrite<Vec<u8>>,
    compression: Compression,
    uncompressed: usize,
    rows: u32,
    has_dictionary: bool,
    /// Where the first page with rows is.
    data_offset: Option<usize>,
    encodings: Vec<Encoding>,
}

impl Chunk {
    /// None yet; of about so many bytes.
    pub(super) fn of(bytes: usize) -> Self {
        Self {
            sink: TrackedWrite::new(Vec::new()),
            compression: match bytes {
                ..WORTH_COMPRESSING => Compression::UNCOMPRESSED,
                _ => Compression::ZSTD(ZstdLevel::default()),
            },
            uncompressed: 0,
            rows: 0,
            has_dictionary: false,
            data_offset: None,
            encodings: vec![Encoding::RLE],
        }
    }

    /// Adds the page of the values that the others have the places of; it comes first.
    pub(super) fn dictionary(&mut self, bytes: Vec<u8>, values: usize) -> Result<()> {
        self.has_dictionary = true;
        self.encodings.push(Encoding::PLAIN);
        self.page(bytes, |buf| Page::DictionaryPage {
            buf,
            num_values: u32::try_from(values).unwrap_or(u32::MAX),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        })
    }

    /// Adds a page of so many rows.
    pub(super) fn data(&mut self, bytes: Vec<u8>, rows: u32, encoding: Encoding) -> Result<()> {
        self.data_offset.get_or_insert(self.sink.bytes_written());
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
        self.rows += rows;
        self.page(bytes, |buf| Page::DataPage {
            buf,
            num_values: rows,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })
    }

    fn page(&mut self, bytes: Vec<u8>, page: impl FnOnce(Bytes) -> Page) -> Result<()> {
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

    /// The chunk, and what the file says of it.
    pub(super) fn close(
        self,
        column: &Arc<ColumnDescriptor>,
        statistics: Option<Statistics>,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        let mut metadata = ColumnChunkMetaData::builder(Arc::clone(column))
            .set_compression(self.compression)
            .set_encodings(self.encodings)
            .set_num_values(self.rows.into())
            .set_total_compressed_size(signed(self.sink.bytes_written()))
            .set_total_uncompressed_size(signed(self.uncompressed))
            .set_data_page_offset(signed(self.data_offset.unwrap_or(0)))
            .set_dictionary_page_offset(self.has_dictionary.then_some(0));
        if let Some(statistics) = statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let bytes = Bytes::from(self.sink.into_inner()?);
        let result = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: self.rows.into(),
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((bytes, result))
    }
}

/// For columns that say of no row that it has no value.
pub(super) fn require_values(column: &ColumnDescriptor) -> Result<()> {
    if column.max_def_level() > 0 {
        return Err(ParquetError::General(
            "the column has nulls, and no place for them".to_owned(),
        ));
    }
    Ok(())
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
