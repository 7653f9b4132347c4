//! A reader of BTF, the kernel's description of its own types (`Documentation/bpf/btf.rst`, 6.12): it looks things up where
//! they stand. A hundred and fifty thousand types that are parsed into values of their own take ten times the memory, and the
//! agent needs eighty members of forty structs, once.

use std::collections::HashMap;

use zerocopy::{FromBytes, Immutable, KnownLayout};

/// The types of a kernel.
pub(super) struct Btf {
    bytes: Vec<u8>,
    /// Where each type starts, in the order of their ids; the first is `void`, which stands nowhere.
    starts: Vec<u32>,
    /// Where the names start.
    strings: usize,
}

/// Why BTF cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damage {
    #[error("it does not start as BTF does")]
    Magic,
    #[error("it ends in the middle of a type")]
    Short,
    #[error("it has a type of kind {0}, which is newer than this version of whittle")]
    Kind(u32),
}

/// Number of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(u32);

/// `struct btf_header`.
#[derive(FromBytes, KnownLayout, Immutable)]
#[repr(C)]
struct Header {
    magic: u16,
    version: u8,
    flags: u8,
    length: u32,
    types_offset: u32,
    types_length: u32,
    strings_offset: u32,
    strings_length: u32,
}

const MAGIC: u16 = 0xeb9f;

/// `struct btf_type`.
#[derive(Clone, Copy, FromBytes, KnownLayout, Immutable)]
#[repr(C)]
struct Type {
    name: u32,
    info: u32,
    /// Of a struct its size, of a pointer, a modifier or a function the type behind it.
    size_or_target: u32,
}

impl Type {
    fn kind(self) -> u32 {
        (self.info >> 24) & 31
    }

    /// How many members or parameters follow it.
    fn count(self) -> usize {
        self.info as usize & 0xffff
    }

    /// Whether its members' offsets have the size of a bit field in their highest byte.
    fn has_bit_fields(self) -> bool {
        self.info >> 31 != 0
    }

    /// Bytes that follow it, before the next type.
    fn tail(self) -> Result<usize, Damage> {
        let count = self.count();
        Ok(match self.kind() {
            kind::INT | kind::VAR | kind::DECL_TAG => 4,
            kind::ARRAY => 12,
            kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => count * 12,
            kind::ENUM | kind::FUNC_PROTO => count * 8,
            kind::PTR
            | kind::FWD
            | kind::TYPEDEF
            | kind::VOLATILE
            | kind::CONST
            | kind::RESTRICT
            | kind::FUNC
            | kind::FLOAT
            | kind::TYPE_TAG => 0,
            other => return Err(Damage::Kind(other)),
        })
    }
}

/// `BTF_KIND_` of `include/uapi/linux/btf.h`.
mod kind {
    pub(super) const INT: u32 = 1;
    pub(super) const PTR: u32 = 2;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const STRUCT: u32 = 4;
    pub(super) const UNION: u32 = 5;
    pub(super) const ENUM: u32 = 6;
    pub(super) const FWD: u32 = 7;
    pub(super) const TYPEDEF: u32 = 8;
    pub(super) const VOLATILE: u32 = 9;
    pub(super) const CONST: u32 = 10;
    pub(super) const RESTRICT: u32 = 11;
    pub(super) const FUNC: u32 = 12;
    pub(super) const FUNC_PROTO: u32 = 13;
    pub(super) const VAR: u32 = 14;
    pub(super) const DATASEC: u32 = 15;
    pub(super) const FLOAT: u32 = 16;
    pub(super) const DECL_TAG: u32 = 17;
    pub(super) const TYPE_TAG: u32 = 18;
    pub(super) const ENUM64: u32 = 19;
}

/// `struct btf_member`.
#[derive(Clone, Copy, FromBytes, KnownLayout, Immutable)]
#[repr(C)]
struct Member {
    name: u32,
    holds: u32,
    offset: u32,
}

/// `struct btf_enum`.
#[derive(Clone, Copy, FromBytes, KnownLayout, Immutable)]
#[repr(C)]
struct Enumerator {
    name: u32,
    value: u32,
}

/// `struct btf_param`.
#[derive(Clone, Copy, FromBytes, KnownLayout, Immutable)]
#[repr(C)]
struct Parameter {
    _name: u32,
    holds: u32,
}

/// Modifiers and anonymous structs inside of each other: more are damage that leads round in a circle.
const DEEPEST: u32 = 32;

impl Btf {
    /// Reads the header, and where each type is.
    pub(super) fn new(bytes: Vec<u8>) -> Result<Self, Damage> {
        let (header, _) = Header::read_from_prefix(&bytes).map_err(|_| Damage::Magic)?;
        if header.magic != MAGIC {
            return Err(Damage::Magic);
        }
        let start = header.length as usize;
        let mut at = start + header.types_offset as usize;
        let end = at + header.types_length as usize;
        let strings = start + header.strings_offset as usize;
        let mut starts = vec![u32::MAX];
        while at < end {
            let found: Type = read(&bytes, at).ok_or(Damage::Short)?;
            starts.push(u32::try_from(at).map_err(|_| Damage::Short)?);
            at += size_of::<Type>() + found.tail()?;
        }
        if at > bytes.len() || strings + header.strings_length as usize > bytes.len() {
            return Err(Damage::Short);
        }
        Ok(Self {
            bytes,
            starts,
            strings,
        })
    }

    /// The structs and enumerations of these names, each the first of its name. A mere declaration is none.
    pub(super) fn structs<'n>(&self, names: impl Iterator<Item = &'n str>) -> HashMap<&'n str, Id> {
        self.named(&[kind::STRUCT, kind::ENUM], names)
    }

    /// The functions of these names.
    pub(super) fn functions<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
    ) -> HashMap<&'n str, Id> {
        self.named(&[kind::FUNC], names)
    }

    /// The offset of a member, in bytes. `path` leads to it from the struct down, separated by dots; structs and unions
    /// without a name are passed through. None where it is not there, and for a bit field: that has no address.
    pub(super) fn offset_of(&self, structure: Id, path: &str) -> Option<u32> {
        let bits = self.member(structure, path, DEEPEST)?;
        (bits % 8 == 0).then_some(bits / 8)
    }

    /// The value of an enumerator; None where it is not there, and of what is no enumeration.
    pub(super) fn value_of(&self, enumeration: Id, name: &str) -> Option<u32> {
        let found = self.of(enumeration)?;
        if found.kind() != kind::ENUM {
            return None;
        }
        (0..found.count()).find_map(|index| {
            let enumerator: Enumerator = self.follower(enumeration, found, index)?;
            (self.name(enumerator.name) == name.as_bytes()).then_some(enumerator.value)
        })
    }

    /// What the first argument of a function points to; None where it has none, or one that is no pointer.
    pub(super) fn first_pointee(&self, function: Id) -> Option<Id> {
        let prototype = Id(self.of(function)?.size_or_target);
        let found = self
            .of(prototype)
            .filter(|found| found.kind() == kind::FUNC_PROTO && found.count() > 0)?;
        let first: Parameter = self.follower(prototype, found, 0)?;
        let pointer = self.of(Id(first.holds))?;
        (pointer.kind() == kind::PTR).then_some(Id(pointer.size_or_target))
    }

    /// Whether it is a struct with members, `const` or not, and no mere declaration.
    pub(super) fn is_described(&self, id: Id) -> bool {
        self.bare(id)
            .is_some_and(|(_, found)| found.kind() == kind::STRUCT)
    }

    fn named<'n>(
        &self,
        kinds: &[u32],
        names: impl Iterator<Item = &'n str>,
    ) -> HashMap<&'n str, Id> {
        let wanted: HashMap<&[u8], &str> = names.map(|name| (name.as_bytes(), name)).collect();
        let mut found = HashMap::new();
        for id in (0..self.starts.len()).filter_map(|id| u32::try_from(id).ok()) {
            let candidate = self.of(Id(id));
            let Some(candidate) = candidate.filter(|found| kinds.contains(&found.kind())) else {
                continue;
            };
            if let Some(name) = wanted.get(self.name(candidate.name)) {
                found.entry(*name).or_insert(Id(id));
            }
        }
        found
    }

    /// The offset of a member in bits.
    fn member(&self, structure: Id, path: &str, deepest: u32) -> Option<u32> {
        let (structure, found) = self.bare(structure)?;
        if !matches!(found.kind(), kind::STRUCT | kind::UNION) || deepest == 0 {
            return None;
        }
        let (name, rest) = path
            .split_once('.')
            .map_or((path, None), |(name, rest)| (name, Some(rest)));
        (0..found.count()).find_map(|index| {
            let member: Member = self.follower(structure, found, index)?;
            let (size, offset) = if found.has_bit_fields() {
                (member.offset >> 24, member.offset & 0xff_ffff)
            } else {
                (0, member.offset)
            };
            let inner = Id(member.holds);
            let below = match (self.name(member.name), rest) {
                (b"", _) => self.member(inner, path, deepest - 1)?,
                (found, _) if found != name.as_bytes() || size != 0 => return None,
                (_, None) => 0,
                (_, Some(rest)) => self.member(inner, rest, deepest - 1)?,
            };
            offset.checked_add(below)
        })
    }

    /// A type without its modifiers and other names.
    fn bare(&self, mut id: Id) -> Option<(Id, Type)> {
        for _ in 0..DEEPEST {
            let found = self.of(id)?;
            match found.kind() {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                    id = Id(found.size_or_target);
                }
                _ => return Some((id, found)),
            }
        }
        None
    }

    fn of(&self, id: Id) -> Option<Type> {
        read(&self.bytes, *self.starts.get(id.0 as usize)? as usize)
    }

    /// One of what follows a type.
    fn follower<T: FromBytes>(&self, id: Id, found: Type, index: usize) -> Option<T> {
        if index >= found.count() {
            return None;
        }
        let start = *self.starts.get(id.0 as usize)? as usize + size_of::<Type>();
        read(&self.bytes, start + index * size_of::<T>())
    }

    /// The name at a place among the names; empty where there is none.
    fn name(&self, offset: u32) -> &[u8] {
        let start = self.strings + offset as usize;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == 0);
        end.map_or(&[], |end| &rest[..end])
    }
}

/// A value at a place; None past the end.
fn read<T: FromBytes>(bytes: &[u8], at: usize) -> Option<T> {
    T::read_from_prefix(bytes.get(at..)?)
        .ok()
        .map(|(value, _)| value)
}

#[cfg(test)]
mod tests;
