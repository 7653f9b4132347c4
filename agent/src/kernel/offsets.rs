//! Offsets of struct members, from the host's BTF. A member that is not there is named, never guessed.

use btfparse::{Offset, Readable, TypeInformation, TypeVariant};
use whittle_schemas::record::{
    Family,
    offsets::{MEMBERS, Member},
};

use super::{KernelError, hooks};

/// The offsets that the probes get, and the members that this kernel does not have.
#[derive(Debug)]
pub(super) struct Resolved {
    /// In the order of [`MEMBERS`]; 0 for a missing one, whose family is then not loaded.
    pub(super) offsets: Vec<u32>,
    /// Struct and member, for each that is missing and needed.
    pub(super) missing: Vec<(&'static str, &'static str)>,
    /// Whether an entry function of a system call takes something that the BTF only names: older tools left the
    /// `struct pt_regs` of Debian's 5.10 undescribed there, and its verifier lets nobody load such an argument.
    pub(super) opaque_registers: bool,
}

/// Where the kernel shows its own types.
const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// Reads the host's BTF and looks every member up.
pub(super) fn resolve() -> Result<Resolved, KernelError> {
    let bytes = std::fs::read(VMLINUX).map_err(KernelError::NoBtf)?;
    let types = TypeInformation::new(&Bytes(bytes))
        .map_err(|error| KernelError::DamagedBtf(format!("{error:?}")))?;
    let mut missing = Vec::new();
    let offsets = MEMBERS.iter().map(|member| {
        find(&types, member).unwrap_or_else(|| {
            if !is_optional(member.structure, member.path) {
                missing.push((member.structure, member.path));
            }
            0
        })
    });
    let offsets = offsets.collect();
    let mut entries = hooks::syscall_entries();
    Ok(Resolved {
        offsets,
        missing,
        opaque_registers: entries.any(|function| takes_opaque(&types, function)),
    })
}

/// Whether a function's first argument points to something that the BTF does not describe. One that is not there takes
/// nothing.
fn takes_opaque(types: &TypeInformation, function: &str) -> bool {
    let prototype = types.id_of(function).and_then(|id| types.from_id(id));
    let Some(TypeVariant::Func(function)) = prototype else {
        return false;
    };
    let Some(TypeVariant::FuncProto(prototype)) = types.from_id(*function.prototype_tid()) else {
        return false;
    };
    let argument = prototype.parameter_list().first();
    let mut pointee = argument.and_then(|argument| types.pointee_tid(argument.tid()).ok());
    while let Some(TypeVariant::Const(constant)) = pointee.and_then(|id| types.from_id(id)) {
        pointee = Some(*constant.tid());
    }
    let described = pointee.and_then(|id| types.from_id(id));
    !matches!(described, Some(TypeVariant::Struct(_)))
}

fn find(types: &TypeInformation, member: &Member) -> Option<u32> {
    let structure = structure(types, member.structure)?;
    std::iter::once(&member.path)
        .chain(member.older)
        .find_map(|path| match types.offset_of(structure, path) {
            Ok((_, Offset::ByteOffset(offset))) => Some(offset),
            // A bit field has no address that a probe could read.
            Ok(_) | Err(_) => None,
        })
}

/// The number of the struct of this name. Other kinds of types share the names, and the parser tells one of them: Linux 5.10
/// has a mere declaration of `pt_regs`, too.
fn structure(types: &TypeInformation, name: &str) -> Option<u32> {
    let is_struct = |id: u32| matches!(types.from_id(id), Some(TypeVariant::Struct(_)));
    let id = types.id_of(name)?;
    if is_struct(id) {
        return Some(id);
    }
    let mut structs = types.get().iter().filter_map(|(id, kind)| match kind {
        TypeVariant::Struct(structure) => Some((*id, structure)),
        _ => None,
    });
    structs
        .find(|(_, structure)| structure.name().as_deref() == Some(name))
        .map(|(id, _)| id)
}

/// Members whose absence costs a detail and not the family: Unix sockets may be a module with BTF of its
/// own, and then a listening one is recorded without its path; a kernel may be built without seccomp.
fn is_optional(structure: &str, path: &str) -> bool {
    matches!(
        (structure, path),
        ("unix_sock" | "unix_address", _) | ("task_struct", "seccomp.mode")
    )
}

/// Whether a family cannot do without a struct. Tasks, files and paths are everyone's.
pub(super) fn is_needed(structure: &str, family: Family) -> bool {
    match structure {
        "socket" | "sock" => matches!(family, Family::Socket | Family::Payload),
        "tcp_sock" => family == Family::Payload,
        "kernel_siginfo" => family == Family::Privilege,
        "open_flags" | "filename" => family == Family::File,
        "linux_binprm" => family == Family::Process,
        _ => true,
    }
}

struct Bytes(Vec<u8>);

impl Readable for Bytes {
    fn read(&self, offset: u64, buffer: &mut [u8]) -> btfparse::Result<()> {
        let range = usize::try_from(offset)
            .ok()
            .and_then(|start| Some(start..start.checked_add(buffer.len())?));
        match range.and_then(|range| self.0.get(range)) {
            Some(bytes) => {
                buffer.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(btfparse::Error::new(
                btfparse::ErrorKind::IOError,
                "read past the end of the BTF",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_found_on_this_kernel_at_an_offset_inside_of_a_page() {
        let resolved = resolve().expect("this kernel shows its BTF");
        assert_eq!(resolved.missing, []);
        assert!(
            resolved.offsets.iter().all(|offset| *offset < 65_536),
            "{:?}",
            resolved.offsets
        );
    }

    #[test]
    fn a_member_that_does_not_exist_is_absent_and_not_zero() {
        let types =
            TypeInformation::new(&Bytes(std::fs::read(VMLINUX).expect("BTF"))).expect("valid BTF");
        let check = |structure, path, found| {
            assert_eq!(
                find(
                    &types,
                    &Member {
                        structure,
                        path,
                        older: &[]
                    }
                )
                .is_some(),
                found,
                "{structure}.{path}"
            );
        };
        check("file", "f_path.dentry", true);
        check("file", "f_no_such_member", false);
        check("no_such_struct", "member", false);
    }

    #[test]
    fn an_older_name_is_taken_where_the_new_one_is_missing() {
        let types =
            TypeInformation::new(&Bytes(std::fs::read(VMLINUX).expect("BTF"))).expect("valid BTF");
        let older = Member {
            structure: "file",
            path: "f_new_name",
            older: &["f_inode"],
        };
        let plain = Member {
            structure: "file",
            path: "f_inode",
            older: &[],
        };
        assert_eq!(find(&types, &older), find(&types, &plain));
    }
}
