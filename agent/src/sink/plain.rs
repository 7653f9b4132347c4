//! A Parquet column of bytes that few rows have, each of them its own: `PLAIN`, with the rows that have none in runs.

use std::sync::Arc;

use bytes::Bytes;
use parquet::{
    basic::Encoding, column::writer::ColumnCloseResult, errors::Result,
    schema::types::ColumnDescriptor,
};

use super::{
    chunk::{Chunk, PAGE_BYTES},
    runs::{Value, levels},
};

/// Values so far.
pub(super) struct Plain {
    /// Whether there is a value, and in how many rows.
    lengths: Vec<(bool, u32)>,
    values: Vec<u8>,
    chunk: Option<Chunk>,
}

impl Plain {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            lengths: Vec::new(),
            values: Vec::new(),
            chunk: None,
        }
    }

    /// Adds the value of a row.
    pub(super) fn push(&mut self, value: Option<&[u8]>) -> Result<()> {
        match self.lengths.last_mut() {
            Some((has_value, rows)) if *has_value == value.is_some() => *rows += 1,
            _ => self.lengths.push((value.is_some(), 1)),
        }
        if let Some(value) = value {
            value.write(&mut self.values);
            if self.values.len() >= PAGE_BYTES {
                self.page()?;
            }
        }
        Ok(())
    }

    fn page(&mut self) -> Result<()> {
        let mut page = Vec::new();
        levels(&mut page, self.lengths.iter().copied())?;
        page.append(&mut self.values);
        let rows = self.lengths.iter().map(|(_, rows)| rows).sum();
        let chunk = self.chunk.get_or_insert_with(|| Chunk::of(page.len()));
        chunk.data(page, rows, Encoding::PLAIN)?;
        self.lengths.clear();
        Ok(())
    }

    /// The column's part of a row group. Which values there are it does not say: nobody looks for them.
    pub(super) fn chunk(
        mut self,
        column: &Arc<ColumnDescriptor>,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        if !self.lengths.is_empty() || self.chunk.is_none() {
            self.page()?;
        }
        let chunk = self.chunk.expect("there is a page by now");
        chunk.close(column, None)
    }
}
