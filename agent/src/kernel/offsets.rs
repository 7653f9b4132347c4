//! Offsets of struct members, from the host's BTF. A member that is not there is named, never guessed.

use std::collections::HashMap;

use whittle_schemas::record::{
    Family,
    offsets::{MEMBERS, Member},
};

use super::{
    KernelError,
    btf::{Btf, Id},
    hooks,
};

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
    /// Whether programs can find out by which of their attachments they run, at tracepoints too, as from Linux 6.10 on.
    pub(super) cookies: bool,
}

/// Where the kernel shows its own types.
const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// Reads the host's BTF and looks every member up.
pub(super) fn resolve() -> Result<Resolved, KernelError> {
    let bytes = std::fs::read(VMLINUX).map_err(KernelError::NoBtf)?;
    let btf = Btf::new(bytes).map_err(|damage| KernelError::DamagedBtf(damage.to_string()))?;
    let structs = structs(&btf);
    let mut missing = Vec::new();
    let offsets = MEMBERS.iter().map(|member| {
        find(&btf, &structs, member).unwrap_or_else(|| {
            if !is_optional(member.structure, member.path) {
                missing.push((member.structure, member.path));
            }
            0
        })
    });
    let offsets = offsets.collect();
    let entries = btf.functions(hooks::syscall_entries());
    // One that is not there takes nothing.
    let takes_opaque = |entry: &Id| {
        let registers = btf.first_pointee(*entry);
        !registers.is_some_and(|registers| btf.is_described(registers))
    };
    Ok(Resolved {
        offsets,
        missing,
        opaque_registers: entries.values().any(takes_opaque),
        cookies: has_cookies(&btf),
    })
}

fn has_cookies(btf: &Btf) -> bool {
    const LINK: &str = "bpf_raw_tp_link";
    let link = btf.structs(std::iter::once(LINK)).get(LINK).copied();
    link.is_some_and(|link| btf.offset_of(link, "cookie").is_some())
}

/// The structs of all members, on this kernel.
fn structs(btf: &Btf) -> HashMap<&'static str, Id> {
    btf.structs(MEMBERS.iter().map(|member| member.structure))
}

fn find(btf: &Btf, structs: &HashMap<&str, Id>, member: &Member) -> Option<u32> {
    let structure = *structs.get(member.structure)?;
    std::iter::once(&member.path)
        .chain(member.older)
        .find_map(|path| {
            let offset = btf.offset_of(structure, path);
            offset.or_else(|| btf.value_of(structure, path))
        })
}

/// Members whose absence costs a detail and not the family: Unix sockets may be a module with BTF of its
/// own, and then a listening one is recorded without its path; a kernel may be built without seccomp. Before 6.0 iterators had no
/// kind of their own for a single buffer.
fn is_optional(structure: &str, path: &str) -> bool {
    matches!(
        (structure, path),
        ("unix_sock" | "unix_address", _)
            | ("task_struct", "seccomp.mode")
            | ("iter_type", "ITER_UBUF")
    )
}

/// Whether a family cannot do without a struct. Tasks, files and paths are everyone's.
pub(super) fn is_needed(structure: &str, family: Family) -> bool {
    match structure {
        "socket" | "sock" => matches!(family, Family::Socket | Family::Payload),
        "tcp_sock" | "iov_iter" | "iter_type" => family == Family::Payload,
        "user_namespace" => family == Family::Capability,
        "kernel_siginfo" => family == Family::Privilege,
        "open_flags" | "filename" => family == Family::File,
        "linux_binprm" => family == Family::Process,
        _ => true,
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

    fn found(structure: &'static str, path: &'static str, older: &'static [&str]) -> Option<u32> {
        let bytes = std::fs::read(VMLINUX).expect("this kernel shows its BTF");
        let btf = Btf::new(bytes).expect("it is whole");
        let structs = btf.structs([structure].into_iter());
        let member = Member {
            structure,
            path,
            older,
        };
        find(&btf, &structs, &member)
    }

    #[test]
    fn a_member_that_does_not_exist_is_absent_and_not_zero() {
        assert!(found("file", "f_path.dentry", &[]).is_some());
        assert_eq!(found("file", "f_no_such_member", &[]), None);
        assert_eq!(found("no_such_struct", "member", &[]), None);
    }

    #[test]
    fn an_older_name_is_taken_where_the_new_one_is_missing() {
        let plain = found("file", "f_inode", &[]);
        assert!(plain.is_some());
        assert_eq!(found("file", "f_new_name", &["f_inode"]), plain);
    }
}
