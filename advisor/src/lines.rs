//! Lines of a file, or of standard input, one at a time, each of bounded length: what `--requests FILE.jsonl` reads.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// Lines with their numbers, from 1. Empty ones are passed over.
pub struct Lines {
    from: Box<dyn BufRead>,
    most: usize,
    number: u64,
}

/// A line, or why there is none: it is longer than allowed (the rest of it is passed over), or it is not UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: u64,
    /// Without its end.
    pub text: Result<String, LineError>,
}

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It does not end within the bound.
    #[error("is longer than {0} bytes: split what it asks")]
    Length(usize),
    /// It is no text.
    #[error("is not UTF-8: write JSON")]
    Encoding,
}

/// Opens `path`; `-` is standard input.
///
/// # Errors
/// The file cannot be opened.
pub fn open(path: &Path, most: usize) -> io::Result<Lines> {
    let from: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::with_capacity(1 << 16, File::open(path)?))
    };
    Ok(Lines {
        from,
        most,
        number: 0,
    })
}

impl Iterator for Lines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let read = self.read();
            match read {
                Ok(None) => return None,
                Ok(Some(Line { text: Ok(text), .. })) if text.trim().is_empty() => {}
                Ok(Some(line)) => return Some(Ok(line)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Lines {
    fn read(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let bound = u64::try_from(self.most)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let read = self
            .from
            .by_ref()
            .take(bound)
            .read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let text = if bytes.last() != Some(&b'\n') && bytes.len() > self.most {
            self.skip()?;
            Err(LineError::Length(self.most))
        } else {
            let end = bytes.strip_suffix(b"\n").map_or(bytes.len(), <[u8]>::len);
            bytes.truncate(end);
            String::from_utf8(bytes).map_err(|_| LineError::Encoding)
        };
        Ok(Some(Line {
            number: self.number,
            text,
        }))
    }

    /// Passes over what is left of a line.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.from.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(buffer.len(), |end| end + 1);
            let is_done = end.is_some() || buffer.is_empty();
            self.from.consume(used);
            if is_done {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_odd_lines_are_told_apart_and_the_others_are_read() {
        let lines = Lines {
            from: Box::new(&b"one\n\ntoo long\n\xff\nlast"[..]),
            most: 4,
            number: 0,
        };
        let lines: Vec<Line> = lines
            .collect::<io::Result<_>>()
            .expect("memory can be read");
        let line = |number, text: Result<&str, LineError>| Line {
            number,
            text: text.map(str::to_owned),
        };
        assert_eq!(
            lines,
            [
                line(1, Ok("one")),
                line(3, Err(LineError::Length(4))),
                line(4, Err(LineError::Encoding)),
                line(5, Ok("last")),
            ]
        );
    }
}
