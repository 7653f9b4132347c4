//! Bytes to events, without I/O. One file per hook family beside the parts that they share (`path`, `errno`), and `folders`, which is all that
//! one record tells of another.
//! Records are hostile: every length is checked, and a bad record is an error that the caller counts.

mod callset;
mod capability;
mod errno;
mod file;
mod folders;
mod path;
mod payload;
mod privilege;
mod socket;
mod subject;

use std::borrow::Cow;

use whittle_schemas::record::{
    ABI_VERSION, FLAG_SECOND_GENERATION, Family, Header, KIND_CALL, KIND_CAPABILITY, KIND_CLOSED,
    KIND_FILE, KIND_OPENED, KIND_PAYLOAD, KIND_PRIVILEGE, KIND_SOCKET, KIND_SUBJECT, Text,
    usage::UsageKey,
};
use zerocopy::FromBytes;

use crate::model::{Deed, Event, Touch};

use folders::Folders;

/// Why bytes are no record.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than the fixed part has, or than the header says.
    #[error("a record of {bytes} bytes ends before it should")]
    Short {
        /// Bytes that there are.
        bytes: usize,
    },
    /// Made by probes of another version.
    #[error("a record of ABI version {version}, and this agent reads {ABI_VERSION}")]
    Version {
        /// Its version.
        version: u8,
    },
    /// A kind, family, action or part that this version does not know.
    #[error("a record with the unknown {what} {number}")]
    Unknown {
        /// Which member.
        what: &'static str,
        /// Its value.
        number: u32,
    },
    /// A name in a folder that no earlier record has told of.
    #[error("a record of a name in a folder that no record before it has told of")]
    Unsaid,
}

/// Decodes what says all by itself.
type Decode = fn(&Raw<'_>) -> Result<Event<'static>, DecodeError>;

/// How each kind is decoded, but for files.
const KINDS: &[(u8, Decode)] = &[
    (KIND_SUBJECT, subject::decode),
    (KIND_SOCKET, socket::decode),
    (KIND_PAYLOAD, payload::decode),
    (KIND_OPENED, payload::opened),
    (KIND_CLOSED, payload::closed),
    (KIND_CAPABILITY, capability::decode),
    (KIND_CALL, callset::decode),
    (KIND_PRIVILEGE, privilege::decode),
];

/// Decodes the records of a ring, in their order: some say less for what an earlier one has said.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The path of the last file.
    path: Vec<u8>,
    folders: Folders,
}

impl Decoder {
    /// Decodes one record.
    ///
    /// # Errors
    /// The bytes are no record of this version.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Event<'_>, DecodeError> {
        let raw = Raw::of(bytes)?;
        let kind = raw.header.kind;
        if kind == KIND_FILE {
            return file::decode(&raw, &mut self.folders, &mut self.path);
        }
        let (_, decode) =
            KINDS
                .iter()
                .find(|(number, _)| *number == kind)
                .ok_or(DecodeError::Unknown {
                    what: "kind",
                    number: kind.into(),
                })?;
        decode(&raw)
    }

    /// Forgets what the records of a generation have said: its window has ended, and the next one's say it again.
    pub fn end(&mut self, generation: usize) {
        self.folders.end(generation);
    }
}

/// A record cut into its parts.
struct Raw<'a> {
    header: Header,
    fixed: &'a [u8],
    text: &'a [u8],
}

impl<'a> Raw<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let short = || DecodeError::Short { bytes: bytes.len() };
        let (header, _) = Header::read_from_prefix(bytes).map_err(|_| short())?;
        if header.version != ABI_VERSION {
            return Err(DecodeError::Version {
                version: header.version,
            });
        }
        let length = usize::try_from(header.length).map_err(|_| short())?;
        // The ring rounds up to eight bytes; what is behind the length is not ours.
        let record = bytes.get(..length);
        let fixed_bytes = usize::from(header.fixed) * 8;
        let (fixed, text) = record
            .and_then(|record| record.split_at_checked(fixed_bytes))
            .ok_or_else(short)?;
        Ok(Self {
            header,
            fixed,
            text,
        })
    }

    /// The family's body, which starts with the header.
    fn body<T: FromBytes>(&self) -> Result<T, DecodeError> {
        let (body, _) = T::read_from_prefix(self.fixed).map_err(|_| DecodeError::Short {
            bytes: self.fixed.len(),
        })?;
        Ok(body)
    }

    /// The asked path and the walked one.
    fn text(&self, text: &Text) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
        let short = || DecodeError::Short {
            bytes: self.fixed.len() + self.text.len(),
        };
        let asked = text.asked_bytes as usize;
        let walked = text.walked_bytes as usize;
        let end = asked.checked_add(walked).ok_or_else(short)?;
        let asked_bytes = self.text.get(..asked).ok_or_else(short)?;
        let walked_bytes = self.text.get(asked..end).ok_or_else(short)?;
        Ok((asked_bytes, walked_bytes))
    }

    /// The generation that the record counts in.
    fn generation(&self) -> usize {
        usize::from(self.header.flags & FLAG_SECOND_GENERATION != 0)
    }

    fn touch<'b>(&self, key: UsageKey, deed: Deed, resource: Cow<'b, [u8]>) -> Event<'b> {
        Event::Touch(Touch {
            key,
            generation: self.generation(),
            boottime_ns: self.header.boottime_ns,
            tgid: self.header.tgid,
            deed,
            resource,
        })
    }
}

fn family(key: &UsageKey) -> Result<Family, DecodeError> {
    Family::from_number(key.family).ok_or(DecodeError::Unknown {
        what: "family",
        number: key.family.into(),
    })
}

#[cfg(test)]
mod tests;
