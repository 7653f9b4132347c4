//! A Parquet column of texts of which each begins as the one before, such as paths: `DELTA_BYTE_ARRAY`, that is how much of the one
//! before it repeats, and the rest.

use std::sync::Arc;

use bytes::Bytes;
use parquet::{
    basic::Encoding,
    column::writer::ColumnCloseResult,
    data_type::ByteArray,
    errors::Result,
    file::statistics::{Statistics, ValueStatistics},
    schema::types::ColumnDescriptor,
};

use super::{
    chunk::{Chunk, PAGE_BYTES, require_values},
    delta::Deltas,
    runs::MOST_STATISTICS_BYTES,
};

/// Texts so far.
pub(super) struct Texts {
    last: Vec<u8>,
    repeated: Deltas,
    lengths: Deltas,
    /// What each has that the one before has not.
    rest: Vec<u8>,
    /// Those of the page that is being filled.
    rows: u32,
    chunk: Option<Chunk>,
    /// The least, and the most.
    bounds: Option<(Vec<u8>, Vec<u8>)>,
}

impl Texts {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            last: Vec::new(),
            repeated: Deltas::new(),
            lengths: Deltas::new(),
            rest: Vec::new(),
            rows: 0,
            chunk: None,
            bounds: None,
        }
    }

    /// Adds the text of a row, which is UTF-8.
    pub(super) fn push(&mut self, text: &[u8]) -> Result<()> {
        let repeated = alike(&self.last, text);
        let rest = &text[repeated..];
        self.last.truncate(repeated);
        self.last.extend_from_slice(rest);
        self.rest.extend_from_slice(rest);
        self.repeated.push(length(repeated));
        self.lengths.push(length(rest.len()));
        self.rows += 1;
        self.bound(text);
        if self.rest.len() >= PAGE_BYTES {
            self.page()?;
        }
        Ok(())
    }

    fn bound(&mut self, text: &[u8]) {
        let Some((least, most)) = &mut self.bounds else {
            self.bounds = Some((text.to_vec(), text.to_vec()));
            return;
        };
        let bound = if text > most.as_slice() {
            most
        } else if text < least.as_slice() {
            least
        } else {
            return;
        };
        bound.clear();
        bound.extend_from_slice(text);
    }

    fn page(&mut self) -> Result<()> {
        let mut page = Vec::new();
        self.repeated.finish(&mut page);
        self.lengths.finish(&mut page);
        page.append(&mut self.rest);
        self.last.clear();
        let chunk = self.chunk.get_or_insert_with(|| Chunk::of(page.len()));
        chunk.data(page, self.rows, Encoding::DELTA_BYTE_ARRAY)?;
        self.rows = 0;
        Ok(())
    }

    /// The column's part of a row group.
    pub(super) fn chunk(
        mut self,
        column: &Arc<ColumnDescriptor>,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        require_values(column)?;
        if self.rows > 0 || self.chunk.is_none() {
            self.page()?;
        }
        let statistics = self.bounds.and_then(|(least, most)| bounds(&least, &most));
        let chunk = self.chunk.expect("there is a page by now");
        chunk.close(column, statistics)
    }
}

/// How many bytes both begin with.
fn alike(one: &[u8], other: &[u8]) -> usize {
    let words = one.chunks_exact(8).zip(other.chunks_exact(8));
    let same = 8 * words.take_while(|(one, other)| one == other).count();
    let bytes = one[same..].iter().zip(&other[same..]);
    same + bytes.take_while(|(one, other)| one == other).count()
}

fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).expect("a text is no longer than memory")
}

/// What says which texts there are. Of long ones a part says it: that of the least is less, and that of the most is made more.
fn bounds(least: &[u8], most: &[u8]) -> Option<Statistics> {
    let is_exact = |text: &[u8]| text.len() <= MOST_STATISTICS_BYTES;
    let upper = if is_exact(most) {
        most.to_vec()
    } else {
        raised(cut(most))?
    };
    let (least, most) = ((cut(least), is_exact(least)), (upper, is_exact(most)));
    let bytes = |bytes: Vec<u8>| Some(ByteArray::from(bytes));
    let values = ValueStatistics::new(bytes(least.0.to_vec()), bytes(most.0), None, Some(0), false)
        .with_min_is_exact(least.1)
        .with_max_is_exact(most.1);
    Some(Statistics::ByteArray(values))
}

/// As much of a text as statistics hold, in whole characters.
fn cut(text: &[u8]) -> &[u8] {
    let Some(next) = text.get(MOST_STATISTICS_BYTES) else {
        return text;
    };
    let part = &text[..MOST_STATISTICS_BYTES];
    let is_inside = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
    if !is_inside(*next) {
        return part;
    }
    let start = part.iter().rposition(|byte| !is_inside(*byte));
    &part[..start.unwrap_or(0)]
}

/// Bytes that are more than all that begin with these, and are a text where these are; None where they have no byte that can be more.
fn raised(bytes: &[u8]) -> Option<Vec<u8>> {
    let last = bytes.iter().rposition(|byte| *byte < b'~')?;
    let mut raised = bytes[..=last].to_vec();
    raised[last] += 1;
    Some(raised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_bounds_are_cut_to_texts_that_are_less_and_more() {
        let long = |text: &str| format!("{}{text}", "/".repeat(MOST_STATISTICS_BYTES - 1));
        for text in ["ab", "~~~", "\u{e9}\u{e9}", "\u{1f600}"].map(long) {
            let text = text.as_bytes();
            let (least, most) = (cut(text), raised(cut(text)).expect("it has a slash"));
            assert!(least < text && most.as_slice() > text, "{text:?}");
            assert!(least.len().max(most.len()) <= MOST_STATISTICS_BYTES);
            assert!(str::from_utf8(least).is_ok() && str::from_utf8(&most).is_ok());
        }
        assert_eq!(cut(b"/short"), b"/short");
        assert_eq!(raised(b"~~"), None);
    }

    #[test]
    fn what_two_texts_begin_with_is_found_to_the_byte() {
        let text = b"/tmp/bench/files/00012345";
        for same in 0..text.len() {
            let mut other = text.to_vec();
            other[same] ^= 1;
            assert_eq!(alike(text, &other), same);
            assert_eq!(alike(text, &text[..same]), same);
        }
    }
}
