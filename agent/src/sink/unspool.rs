//! Reading a spool, as far as it is whole. Its format is in `spool`.

use std::io::{self, Read};

use super::{
    spool::{Frame, HEAD_BYTES, MAX_GROUP_BYTES},
    touched::Touched,
};

/// The frames of a spool, from behind its magic.
pub(super) struct Frames<R> {
    file: R,
    group: Vec<u8>,
    /// How much of the group was read.
    read: usize,
    /// Bytes of the groups that were whole.
    whole_bytes: u64,
    pattern: Option<Touched<'static>>,
}

impl<R: Read> Frames<R> {
    pub(super) fn of(file: R) -> Self {
        Self {
            file,
            group: Vec::new(),
            read: 0,
            whole_bytes: 0,
            pattern: None,
        }
    }

    /// Bytes behind the magic that were whole, as far as was read.
    pub(super) fn whole_bytes(&self) -> u64 {
        self.whole_bytes
    }

    /// The next frame. None at the end, and where the rest is torn or damaged.
    pub(super) fn next(&mut self) -> io::Result<Option<Frame<'static>>> {
        if self.read == self.group.len() && !self.next_group()? {
            return Ok(None);
        }
        let Ok((frame, rest)) = postcard::take_from_bytes(&self.group[self.read..]) else {
            return Ok(None);
        };
        self.read = self.group.len() - rest.len();
        if self.read == self.group.len() {
            self.whole_bytes += (HEAD_BYTES + self.group.len()) as u64;
        }
        Ok(match frame {
            Frame::Like(like) => self
                .pattern
                .as_ref()
                .map(|pattern| Frame::Touched(like.touched(pattern))),
            Frame::Touched(touched) => {
                self.pattern = Some(touched.clone());
                Some(Frame::Touched(touched))
            }
            other => Some(other),
        })
    }

    fn next_group(&mut self) -> io::Result<bool> {
        self.pattern = None;
        let mut head = [0; HEAD_BYTES];
        if !read_whole(&mut self.file, &mut head)? {
            return Ok(false);
        }
        let [length, checksum] = [&head[..4], &head[4..]].map(|bytes| {
            u32::from_le_bytes(bytes.try_into().expect("the head is two times four bytes"))
        });
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_GROUP_BYTES {
            return Ok(false);
        }
        let mut group = vec![0; length];
        if !read_whole(&mut self.file, &mut group)? || crc32fast::hash(&group) != checksum {
            return Ok(false);
        }
        (self.group, self.read) = (group, 0);
        Ok(length > 0)
    }
}

/// Fills the buffer, or says that the file ended before it was full.
fn read_whole(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
