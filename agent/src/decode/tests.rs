//! Hostile bytes: no record panics, and each is decoded or refused.

use proptest::prelude::*;

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
