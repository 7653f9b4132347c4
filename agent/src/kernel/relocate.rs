//! Writes the host's numbers into the probes' instructions, where the object has markers for them
//! (`whittle_schemas::record::immediate`). What the numbers are is found out elsewhere: the offsets by `offsets`.

use object::{Object, ObjectSection, SectionFlags, elf, read::elf::ElfFile64};
use whittle_schemas::record::{
    immediate::{ADDED, CONSTANTS, Constant, END, LOADED, MOVED},
    offsets::MEMBERS,
};

/// What is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers<'a> {
    /// Offsets of the members, in the order of [`MEMBERS`].
    pub(super) offsets: &'a [u32],
    /// By the number of their [`Constant`].
    pub(super) constants: [u32; CONSTANTS],
}

impl Numbers<'_> {
    pub(super) fn set(&mut self, constant: Constant, number: u32) {
        self.constants[constant as usize] = number;
    }
}

/// Why the object cannot be made fit for this host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelocateError {
    /// It is no ELF file, or ends in the middle of a program.
    #[error("the probe object is damaged ({0}): build it again with `cargo xtask ebpf`")]
    Damaged(String),
    /// A marker that names nothing: the object was built from other sources.
    #[error(
        "the probe object has an instruction at {place} of `{section}` with a marker that nobody knows: build it again with `cargo xtask ebpf`"
    )]
    Unknown {
        /// Name of the section, which says what the program is attached to.
        section: String,
        /// Number of the instruction in it.
        place: usize,
    },
    /// An instruction has room for 15 bits.
    #[error(
        "`{0}` is too far inside of its struct on this kernel for a load: whittle cannot run here"
    )]
    TooFar(String),
}

/// The object with the numbers in it, aligned as an ELF file has to be: its bytes in words, the last one filled up.
pub(super) fn relocate(object: &[u8], numbers: &Numbers<'_>) -> Result<Vec<u64>, RelocateError> {
    let mut words = vec![0_u64; object.len().div_ceil(size_of::<u64>())];
    let bytes = zerocopy::IntoBytes::as_mut_bytes(words.as_mut_slice());
    bytes[..object.len()].copy_from_slice(object);
    for program in programs(object)? {
        let (start, size) = program.range;
        let code = usize::try_from(start)
            .ok()
            .zip(usize::try_from(size).ok())
            .and_then(|(start, size)| bytes.get_mut(start..start.checked_add(size)?))
            .ok_or_else(|| RelocateError::Damaged(format!("`{}` is cut short", program.section)))?;
        write(code, &program.section, numbers)?;
    }
    Ok(words)
}

/// A section with instructions: its name, and where it starts in the file and how long it is.
struct Program {
    section: String,
    range: (u64, u64),
}

fn programs(object: &[u8]) -> Result<Vec<Program>, RelocateError> {
    let damaged = |error: object::Error| RelocateError::Damaged(error.to_string());
    let file = ElfFile64::<object::Endianness>::parse(object).map_err(damaged)?;
    let is_code = |flags| matches!(flags, SectionFlags::Elf { sh_flags } if sh_flags & u64::from(elf::SHF_EXECINSTR) != 0);
    let sections = file.sections().filter(|section| is_code(section.flags()));
    sections
        .map(|section| {
            Ok(Program {
                section: section.name().map_err(damaged)?.to_owned(),
                range: section.file_range().unwrap_or_default(),
            })
        })
        .collect()
}

/// Bytes of an instruction: operation, registers, two of the offset, four of the immediate.
const INSTRUCTION: usize = 8;

/// Operations of `Documentation/bpf/standardization/instruction-set.rst`.
const LOAD_LONG: u8 = 0x18;
const ADD: u8 = 0x07;
const MOVE: u8 = 0xb7;
/// Of an operation: its class, and how memory is reached.
const CLASS: u8 = 0x07;
const CLASS_LOAD: u8 = 0x01;
const CLASS_STORE: [u8; 2] = [0x02, 0x03];
const CLASS_COMPUTE: [u8; 2] = [0x04, 0x07];
const MODE: u8 = 0xe0;
const MODE_MEMORY: u8 = 0x60;

fn write(code: &mut [u8], section: &str, numbers: &Numbers<'_>) -> Result<(), RelocateError> {
    let (instructions, rest) = code.as_chunks_mut::<INSTRUCTION>();
    if !rest.is_empty() {
        return Err(RelocateError::Damaged(format!("`{section}` is cut short")));
    }
    let mut is_second_half = false;
    for (place, instruction) in instructions.iter_mut().enumerate() {
        if std::mem::take(&mut is_second_half) {
            continue;
        }
        is_second_half = instruction[0] == LOAD_LONG;
        let unknown = || RelocateError::Unknown {
            section: section.to_owned(),
            place,
        };
        let operation = instruction[0];
        let [_, _, low, high, immediate @ ..] = *instruction;
        let offset = i16::from_le_bytes([low, high]);
        let immediate = i32::from_le_bytes(immediate);
        match operation & CLASS {
            CLASS_LOAD if offset >= LOADED => {
                let member = usize::from((offset - LOADED).unsigned_abs());
                if operation & MODE != MODE_MEMORY {
                    return Err(unknown());
                }
                let found = offset_of(numbers, member).ok_or_else(unknown)?;
                let found = i16::try_from(found).map_err(|_| too_far(member))?;
                instruction[2..4].copy_from_slice(&found.to_le_bytes());
            }
            class if CLASS_STORE.contains(&class) && offset >= LOADED => return Err(unknown()),
            class if CLASS_COMPUTE.contains(&class) && (ADDED..END).contains(&immediate) => {
                let member = usize::try_from(immediate - ADDED).unwrap_or(usize::MAX);
                let constant = usize::try_from(immediate - MOVED).unwrap_or(usize::MAX);
                let number = match operation {
                    MOVE if immediate >= MOVED => numbers.constants.get(constant).copied(),
                    MOVE | ADD => offset_of(numbers, member),
                    _ => None,
                };
                let number = number.ok_or_else(unknown)?;
                instruction[4..].copy_from_slice(&number.to_le_bytes());
            }
            _ => {}
        }
    }
    Ok(())
}

fn offset_of(numbers: &Numbers<'_>, member: usize) -> Option<u32> {
    numbers.offsets.get(member).copied()
}

fn too_far(member: usize) -> RelocateError {
    let member = MEMBERS.get(member);
    RelocateError::TooFar(member.map_or_else(String::new, |member| {
        format!("{}.{}", member.structure, member.path)
    }))
}

#[cfg(test)]
mod tests;
