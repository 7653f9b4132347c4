use std::collections::BTreeSet;

use super::{super::loader::OBJECT, *};

/// A number for each member and constant that no other has.
fn numbers(offsets: &[u32]) -> Numbers<'_> {
    Numbers {
        offsets,
        constants: [7; CONSTANTS],
    }
}

fn offsets() -> Vec<u32> {
    (0..MEMBERS.len())
        .map(|index| 8 * u32::try_from(index).expect("few members"))
        .collect()
}

/// What becomes of one instruction in a program.
fn check(instruction: u64) -> Result<u64, RelocateError> {
    let mut code = instruction.to_le_bytes();
    write(&mut code, "fexit/one", &numbers(&offsets()))?;
    Ok(u64::from_le_bytes(code))
}

fn unknown() -> Result<u64, RelocateError> {
    Err(RelocateError::Unknown {
        section: "fexit/one".to_owned(),
        place: 0,
    })
}

/// An instruction from its parts, as the instruction set has them.
fn instruction(operation: u8, offset: i16, immediate: i32) -> u64 {
    let [low, high] = offset.to_le_bytes();
    let [a, b, c, d] = immediate.to_le_bytes();
    u64::from_le_bytes([operation, 0x21, low, high, a, b, c, d])
}

/// `r1 = *(u64 *)(r2 + offset)` and `r1 = *(u32 *)(r2 + offset)`.
const LOADS: [u8; 2] = [0x79, 0x61];

#[test]
fn a_load_an_addition_and_a_move_get_the_offset_of_the_member_that_they_name() {
    for load in LOADS {
        let loaded = check(instruction(load, LOADED + 3, 0));
        assert_eq!(loaded, Ok(instruction(load, 24, 0)));
    }
    for operation in [ADD, MOVE] {
        let computed = check(instruction(operation, 0, ADDED + 5));
        assert_eq!(computed, Ok(instruction(operation, 0, 40)));
    }
}

#[test]
fn a_move_gets_the_constant_that_it_names() {
    let moved = check(instruction(
        MOVE,
        0,
        MOVED + i32::from(Constant::TypedTask as u8),
    ));
    assert_eq!(moved, Ok(instruction(MOVE, 0, 7)));
}

#[test]
fn what_is_no_marker_stays() {
    for one in [
        instruction(LOADS[0], LOADED - 1, 0),
        instruction(LOADS[0], -8, ADDED),
        instruction(ADD, LOADED, ADDED - 1),
        instruction(MOVE, 0, END),
        // A jump over more instructions than a struct has bytes.
        instruction(0x05, LOADED, 0),
        instruction(0x85, 0, 14),
    ] {
        assert_eq!(check(one), Ok(one), "{one:#x}");
    }
}

#[test]
fn a_marker_that_names_nothing_is_an_error_and_so_is_one_in_another_instruction() {
    let past = i16::try_from(MEMBERS.len()).expect("few members");
    for one in [
        instruction(LOADS[0], LOADED + past, 0),
        instruction(LOADS[0], i16::MAX, 0),
        instruction(ADD, 0, ADDED + i32::from(past)),
        instruction(MOVE, 0, MOVED + i32::try_from(CONSTANTS).expect("few")),
        instruction(ADD, 0, MOVED),
        // `r1 -= …`, `w1 = …`
        instruction(0x17, 0, ADDED),
        instruction(0xb4, 0, MOVED),
        // A store, and a load that extends the sign.
        instruction(0x7b, LOADED, 0),
        instruction(0x99, LOADED, 0),
    ] {
        assert_eq!(check(one), unknown(), "{one:#x}");
    }
}

#[test]
fn the_second_half_of_a_long_constant_is_no_instruction() {
    let long = [
        instruction(LOAD_LONG, 0, 1),
        instruction(LOADS[0], LOADED + 300, 2),
    ];
    let mut code = zerocopy::IntoBytes::as_bytes(&long).to_vec();
    write(&mut code, "fexit/one", &numbers(&offsets())).expect("no marker in it");
    assert_eq!(code, zerocopy::IntoBytes::as_bytes(&long));
}

#[test]
fn an_offset_that_no_load_can_have_is_an_error_that_names_the_member() {
    let mut offsets = offsets();
    offsets[0] = 32_768;
    let mut code = instruction(LOADS[0], LOADED, 0).to_le_bytes();
    let refused = write(&mut code, "fexit/one", &numbers(&offsets)).expect_err("too far");
    assert_eq!(
        refused,
        RelocateError::TooFar("task_struct.files".to_owned())
    );
}

#[test]
fn an_object_that_is_none_is_an_error() {
    for damaged in [&b""[..], b"\x7fELF", &OBJECT[..4_096]] {
        let refused = relocate(damaged, &numbers(&offsets()));
        assert!(
            matches!(refused, Err(RelocateError::Damaged(_))),
            "{refused:?}"
        );
    }
}

/// Every marker in the object, found as bytes: each instruction is taken for what its bytes say, whatever its class.
fn markers(object: &[u8]) -> BTreeSet<usize> {
    let programs = programs(object).expect("an object");
    let mut found = BTreeSet::new();
    for program in programs {
        let start = usize::try_from(program.range.0).expect("inside of memory");
        let size = usize::try_from(program.range.1).expect("inside of memory");
        for instruction in object[start..start + size].chunks_exact(INSTRUCTION) {
            let offset = i16::from_le_bytes([instruction[2], instruction[3]]);
            let is_load = instruction[0] & CLASS == CLASS_LOAD;
            if is_load && offset >= LOADED {
                found.insert(usize::from((offset - LOADED).unsigned_abs()));
            }
            let immediate = instruction[4..].try_into().expect("four bytes");
            let immediate = i32::from_le_bytes(immediate);
            if instruction[0] != 0 && (ADDED..MOVED).contains(&immediate) {
                found.insert(usize::try_from(immediate - ADDED).expect("not below"));
            }
        }
    }
    found
}

#[test]
fn the_probes_name_each_member_and_no_marker_stays_behind() {
    let named = markers(OBJECT);
    let unnamed: Vec<_> = (0..MEMBERS.len())
        .filter(|index| !named.contains(index))
        .map(|index| MEMBERS[index])
        .collect();
    assert_eq!(unnamed, []);
    let relocated = relocate(OBJECT, &numbers(&offsets())).expect("each marker is known");
    let relocated = &zerocopy::IntoBytes::as_bytes(relocated.as_slice())[..OBJECT.len()];
    assert_eq!(markers(relocated), BTreeSet::new());
}
