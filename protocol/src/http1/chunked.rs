//! Where a chunked body ends. The sizes are read by httparse; what is between them is passed on.

/// Longest line of a chunk's size, with its extensions.
const MOST_LINE: usize = 512;
/// Most bytes of trailers.
const MOST_TRAILERS: usize = 16 * 1024;

/// A chunked body that is being read.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    step: Step,
}

#[derive(Debug)]
enum Step {
    Size {
        line: Vec<u8>,
    },
    /// So many bytes of data, and their line end, are to come.
    Data {
        left: u64,
    },
    Trailers {
        line: usize,
        total: usize,
    },
}

impl Default for Step {
    fn default() -> Self {
        Self::Size { line: Vec::new() }
    }
}

/// The line end behind the data of a chunk.
const LINE_END: u64 = 2;

/// The bytes are no chunked body, or what is missing makes it impossible to find its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost;

impl Chunked {
    /// Takes what belongs to the body from the front of `bytes`, and shows its data. True: the body has ended.
    pub(super) fn take(
        &mut self,
        bytes: &mut &[u8],
        mut data: impl FnMut(&[u8]),
    ) -> Result<bool, Lost> {
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.step {
                Step::Size { line } => {
                    *bytes = rest;
                    line.push(*first);
                    if *first == b'\n' {
                        self.step = after_size(line)?;
                    } else if line.len() >= MOST_LINE {
                        return Err(Lost);
                    }
                }
                Step::Data { left } => {
                    let whole = usize::try_from(*left).unwrap_or(usize::MAX);
                    let (now, rest) = bytes.split_at(whole.min(bytes.len()));
                    let of_data =
                        usize::try_from(left.saturating_sub(LINE_END)).unwrap_or(usize::MAX);
                    data(&now[..of_data.min(now.len())]);
                    *bytes = rest;
                    *left -= now.len() as u64;
                    if *left == 0 {
                        self.step = Step::default();
                    }
                }
                Step::Trailers { line, total } => {
                    *bytes = rest;
                    *total += 1;
                    match first {
                        b'\n' if *line == 0 => return Ok(true),
                        b'\n' => *line = 0,
                        b'\r' => {}
                        _ => *line += 1,
                    }
                    if *total > MOST_TRAILERS {
                        return Err(Lost);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Passes over bytes that were not seen. Only within the data of one chunk is it known where they end.
    pub(super) fn skip(&mut self, bytes: u64) -> Result<(), Lost> {
        match &mut self.step {
            Step::Data { left } if bytes <= *left => {
                *left -= bytes;
                if *left == 0 {
                    self.step = Step::default();
                }
                Ok(())
            }
            _ => Err(Lost),
        }
    }
}

fn after_size(line: &[u8]) -> Result<Step, Lost> {
    match httparse::parse_chunk_size(line) {
        Ok(httparse::Status::Complete((_, 0))) => Ok(Step::Trailers { line: 0, total: 0 }),
        Ok(httparse::Status::Complete((_, size))) => Ok(Step::Data {
            left: size.checked_add(LINE_END).ok_or(Lost)?,
        }),
        Ok(httparse::Status::Partial) | Err(_) => Err(Lost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &[u8], expected: Result<&str, Lost>, left: &[u8]) {
        for step in [1, 2, 3, body.len()] {
            let mut chunked = Chunked::default();
            let mut data = Vec::new();
            let mut rest = body;
            let mut ended = Ok(false);
            while ended == Ok(false) && !rest.is_empty() {
                let (mut now, later) = rest.split_at(step.min(rest.len()));
                ended = chunked.take(&mut now, |bytes| data.extend_from_slice(bytes));
                rest = &body[body.len() - later.len() - now.len()..];
            }
            match &expected {
                Ok(text) => {
                    assert_eq!(ended, Ok(true), "step {step}");
                    assert_eq!(String::from_utf8_lossy(&data), *text);
                    assert_eq!(rest, left);
                }
                Err(Lost) => assert_eq!(ended, Err(Lost), "step {step}"),
            }
        }
    }

    #[test]
    fn the_data_of_chunks_is_found_however_they_arrive() {
        check(b"3\r\nabc\r\n0\r\n\r\nGET", Ok("abc"), b"GET");
        check(
            b"1;x=y\r\na\r\n02\r\nbc\r\n0\r\nT: v\r\nU: w\r\n\r\n",
            Ok("abc"),
            b"",
        );
        check(b"0\r\n\r\n", Ok(""), b"");
    }

    #[test]
    fn what_is_no_size_is_refused() {
        check(b"zz\r\n", Err(Lost), b"");
        check(b"11111111111111111\r\n", Err(Lost), b"");
        check(&[b' '; 600], Err(Lost), b"");
    }

    #[test]
    fn bytes_may_be_missing_within_one_chunk_only() {
        let mut chunked = Chunked::default();
        assert_eq!(chunked.take(&mut &b"a\r\nxx"[..], |_| ()), Ok(false));
        assert_eq!(chunked.skip(6), Ok(()));
        assert_eq!(chunked.take(&mut &b"xx\r\n"[..], |_| ()), Ok(false));
        assert_eq!(chunked.skip(1), Err(Lost));
    }
}
