//! Hostile bytes: no record panics, and each is decoded or refused.

use proptest::prelude::*;
use whittle_schemas::record::{
    WALK_BELOW, WALK_DELETED, WALK_ESCAPED,
    file::{FileBody, READ},
    usage::{FOLDER, UsageId},
};
use zerocopy::{FromZeros, IntoBytes};

use super::*;

fn record(kind: u8, fixed: u8, length: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, ABI_VERSION, 0, fixed];
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(rest);
    bytes
}

#[test]
fn a_record_that_says_it_is_longer_than_it_is_gets_refused() {
    let bytes = record(KIND_FILE, 11, 4_000_000_000, &[0; 400]);
    assert_eq!(
        Decoder::default().decode(&bytes),
        Err(DecodeError::Short { bytes: bytes.len() })
    );
    assert!(matches!(
        Decoder::default().decode(&[]),
        Err(DecodeError::Short { .. })
    ));
}

#[test]
fn a_record_of_another_version_or_kind_is_named_and_refused() {
    let mut bytes = record(KIND_FILE, 11, 300, &[0; 400]);
    bytes[1] = ABI_VERSION + 1;
    assert_eq!(
        Decoder::default().decode(&bytes),
        Err(DecodeError::Version {
            version: ABI_VERSION + 1
        })
    );
    let bytes = record(99, 11, 300, &[0; 400]);
    assert_eq!(
        Decoder::default().decode(&bytes),
        Err(DecodeError::Unknown {
            what: "kind",
            number: 99
        })
    );
}

/// A record of a file whose walked path is this, in a folder of this number, from one of the generations.
fn file(walked: &str, folder: u64, flags: u32, generation: u8) -> Vec<u8> {
    let mut body = FileBody::new_zeroed();
    body.header.kind = KIND_FILE;
    body.header.version = ABI_VERSION;
    body.header.flags = generation;
    body.header.fixed = Header::fixed_of::<FileBody>();
    body.header.length = u32::try_from(size_of::<FileBody>() + walked.len()).expect("it is short");
    body.header.tgid = 12;
    body.key.action = READ;
    body.key.family = Family::File as u8;
    body.text.walked_bytes = u32::try_from(walked.len()).expect("it is short");
    body.text.walk_flags = flags;
    body.folder = UsageId([folder, FOLDER]);
    [body.as_bytes(), walked.as_bytes()].concat()
}

/// The path that it decodes to.
fn path(decoder: &mut Decoder, record: &[u8]) -> Result<String, DecodeError> {
    let Event::Touch(touch) = decoder.decode(record)? else {
        panic!("a file is touched");
    };
    Ok(String::from_utf8_lossy(&touch.resource).into_owned())
}

#[test]
fn a_name_is_in_the_folder_that_an_earlier_record_of_its_generation_has_told_of() {
    let mut decoder = Decoder::default();
    let mut check = |record: &[u8], expected: Result<&str, DecodeError>| {
        assert_eq!(path(&mut decoder, record), expected.map(str::to_owned));
    };
    check(&file("one/etc/", 1, 0, 0), Ok("/etc/one"));
    check(&file("two/", 1, WALK_BELOW, 0), Ok("/etc/two"));
    check(
        &file("three/", 1, WALK_BELOW | WALK_DELETED, 0),
        Ok("/etc/three (deleted)"),
    );
    check(&file("one/", 2, 0, 0), Ok("/one"));
    check(&file("two/", 2, WALK_BELOW, 0), Ok("/two"));
    check(&file("two/", 1, WALK_BELOW, 1), Err(DecodeError::Unsaid));
    check(&file("one/d/", 3, WALK_ESCAPED, 0), Ok("/d/one"));
    check(&file("two/", 3, WALK_BELOW, 0), Err(DecodeError::Unsaid));
    decoder.end(0);
    let of_ended = path(&mut decoder, &file("two/", 1, WALK_BELOW, 0));
    assert_eq!(of_ended, Err(DecodeError::Unsaid));
}

#[test]
fn a_process_has_its_own_proc_in_a_folder_that_another_one_told_of() {
    let mut decoder = Decoder::default();
    let in_proc = |walked: &str, flags: u32, tgid: u32| {
        let mut record = file(walked, 1, flags, 0);
        let body = FileBody::mut_from_prefix(&mut record).expect("it begins with a body");
        (body.0.text.magic, body.0.header.tgid) = (0x9fa0, tgid);
        record
    };
    let mut check = |record: &[u8], expected: &str| {
        assert_eq!(path(&mut decoder, record).as_deref(), Ok(expected));
    };
    check(&in_proc("stat/12/proc/", 0, 12), "/proc/self/stat");
    check(&in_proc("maps/", WALK_BELOW, 12), "/proc/self/maps");
    check(&in_proc("maps/", WALK_BELOW, 13), "/proc/12/maps");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        kind in prop_oneof![KIND_SUBJECT..=KIND_CALL, any::<u8>()],
        fixed in prop_oneof![8_u8..33, any::<u8>()],
        length in prop_oneof![Just(256_u32), 256_u32..700, any::<u32>()],
        rest in proptest::collection::vec(any::<u8>(), 0..700),
    ) {
        let _event = Decoder::default().decode(&record(kind, fixed, length, &rest));
    }
}
