//! The reader of BTF, held to another one on this kernel, and to damage.

use btfparse::{Offset, Readable, TypeInformation};
use proptest::prelude::*;
use whittle_schemas::record::offsets::MEMBERS;

use super::*;

fn vmlinux() -> Vec<u8> {
    std::fs::read("/sys/kernel/btf/vmlinux").expect("this kernel shows its BTF")
}

struct Bytes(Vec<u8>);

impl Readable for Bytes {
    fn read(&self, offset: u64, buffer: &mut [u8]) -> btfparse::Result<()> {
        let start = usize::try_from(offset).expect("it is in memory");
        buffer.copy_from_slice(&self.0[start..start + buffer.len()]);
        Ok(())
    }
}

#[test]
fn offsets_are_those_that_btfparse_finds() {
    let btf = Btf::new(vmlinux()).expect("it is whole");
    let other = TypeInformation::new(&Bytes(vmlinux())).expect("it is whole");
    let structs = btf.structs(MEMBERS.iter().map(|member| member.structure));
    let mut compared = 0;
    for member in MEMBERS {
        let known = other
            .id_of(member.structure)
            .and_then(|id| other.offset_of(id, member.path).ok());
        let known = known.and_then(|(_, offset)| match offset {
            Offset::ByteOffset(bytes) => Some(bytes),
            Offset::BitOffsetAndSize(..) => None,
        });
        let found = structs
            .get(member.structure)
            .and_then(|id| btf.offset_of(*id, member.path));
        assert_eq!(found, known, "{}.{}", member.structure, member.path);
        compared += usize::from(known.is_some());
    }
    assert!(compared > 50, "only {compared} are on this kernel");
}

#[test]
fn enumerators_have_the_values_of_the_kernel_s_header() {
    let btf = Btf::new(vmlinux()).expect("it is whole");
    // `include/uapi/linux/bpf.h`: an interface, which does not change.
    let structs = btf.structs(["bpf_map_type", "list_head"].into_iter());
    let map_type = structs["bpf_map_type"];
    assert_eq!(btf.value_of(map_type, "BPF_MAP_TYPE_HASH"), Some(1));
    assert_eq!(btf.value_of(map_type, "BPF_MAP_TYPE_RINGBUF"), Some(27));
    assert_eq!(btf.value_of(map_type, "NO_SUCH_MAP"), None);
    assert_eq!(btf.value_of(structs["list_head"], "next"), None);
    assert_eq!(btf.offset_of(map_type, "BPF_MAP_TYPE_HASH"), None);
}

#[test]
fn a_call_takes_registers_that_are_described() {
    let btf = Btf::new(vmlinux()).expect("it is whole");
    let functions = btf.functions(["__x64_sys_openat", "no_such_function"].into_iter());
    assert_eq!(functions.len(), 1);
    let registers = btf
        .first_pointee(functions["__x64_sys_openat"])
        .expect("it takes a pointer");
    assert!(btf.is_described(registers));
    assert!(btf.offset_of(registers, "di").is_some());
}

#[test]
fn what_is_no_btf_is_damage() {
    assert_eq!(Btf::new(Vec::new()).err(), Some(Damage::Magic));
    assert_eq!(Btf::new(vec![0; 64]).err(), Some(Damage::Magic));
    let mut cut = vmlinux();
    cut.truncate(1_000);
    assert_eq!(Btf::new(cut).err(), Some(Damage::Short));
}

proptest! {
    /// The first types of the kernel, cut off and with one byte changed: an answer or damage, never a panic.
    #[test]
    fn damage_is_never_a_panic(place in 0_usize..40_000, byte: u8) {
        let mut bytes = small();
        let place = place % bytes.len();
        bytes[place] = byte;
        if let Ok(btf) = Btf::new(bytes) {
            for id in 0..=u32::try_from(btf.starts.len()).expect("it is small") {
                let _ = btf.offset_of(Id(id), "next.prev");
                let _ = btf.value_of(Id(id), "next");
                let _ = btf.first_pointee(Id(id));
                let _ = btf.is_described(Id(id));
            }
        }
    }
}

/// BTF of a struct with an anonymous union in it, a bit field, and a function that takes a pointer to it.
fn small() -> Vec<u8> {
    let strings = b"\0list\0next\0prev\0bits\0run\0";
    let words: &[u32] = &[
        // 1: struct list { union { 2 next; }; bits : 3 } with bit fields.
        1,
        0x8400_0002,
        16,
        0,
        2,
        0,
        16,
        4,
        0x0300_0040,
        // 2: union { 3 next; 1 prev }.
        0,
        0x0500_0002,
        8,
        6,
        3,
        0,
        11,
        1,
        0,
        // 3: pointer to 1; 4: int.
        0,
        0x0200_0000,
        1,
        0,
        0x0100_0000,
        4,
        32,
        // 5: function's type with one parameter; 6: the function.
        0,
        0x0d00_0001,
        4,
        0,
        3,
        21,
        0x0c00_0000,
        5,
    ];
    let types: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("it is small");
    let mut bytes = vec![0x9f, 0xeb, 1, 0];
    for word in [24, 0, length(&types), length(&types), length(strings)] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(&types);
    bytes.extend_from_slice(strings);
    bytes
}

#[test]
fn a_member_is_found_through_what_has_no_name_and_a_bit_field_is_not() {
    let btf = Btf::new(small()).expect("it is whole");
    let list = btf.structs(["list"].into_iter())["list"];
    assert_eq!(btf.offset_of(list, "next"), Some(0));
    assert_eq!(btf.offset_of(list, "prev.next"), Some(0));
    assert_eq!(btf.offset_of(list, "bits"), None);
    assert_eq!(btf.offset_of(list, "nothing"), None);
    let run = btf.functions(["run"].into_iter())["run"];
    assert_eq!(btf.first_pointee(run), Some(list));
}
