//! CBOR: walked once, with the paths that still lead somewhere. A body that ends early, or is no CBOR, gives what was
//! found until there.

use std::borrow::Cow;

use cbor4ii::core::dec::{Decode, IgnoredAny, Read, if_major, is_break};
use cbor4ii::core::types::{Array, Map, Tag};
use cbor4ii::core::{major, utils::SliceReader};

use super::Values;
use super::active::Active;

/// Deeper bodies are not read on.
const MAX_DEPTH: usize = 128;

/// Whether it was read to its end.
pub(super) fn read<'a>(body: &'a [u8], values: &mut Values<'a>) -> bool {
    let active = Active::all(values);
    walk(&mut SliceReader::new(body), &active, MAX_DEPTH, values).is_some()
}

/// None where the body is not CBOR, ends, or nothing more is asked for.
fn walk<'a>(
    reader: &mut SliceReader<'a>,
    active: &Active,
    depth: usize,
    values: &mut Values<'a>,
) -> Option<()> {
    if active.is_empty() {
        return IgnoredAny::decode(reader).ok().map(drop);
    }
    let depth = depth.checked_sub(1)?;
    let first = *reader.fill(1).ok()?.as_ref().first()?;
    match if_major(first) {
        major::STRING => active.keep(Cow::decode(reader).ok()?, values),
        major::TAG => {
            Tag::<()>::tag(reader).ok()?;
            walk(reader, active, depth, values)?;
        }
        major::ARRAY => {
            let mut left = Array::<()>::len(reader).ok()?;
            let elements = active.elements();
            while goes_on(reader, &mut left)? {
                walk(reader, &elements, depth, values)?;
            }
        }
        major::MAP => {
            let mut left = Map::<()>::len(reader).ok()?;
            while goes_on(reader, &mut left)? {
                let key: Cow<'a, str> = Cow::decode(reader).ok()?;
                active.keep_key(&key, values);
                walk(reader, &active.below(&key), depth, values)?;
                if values.all_found() {
                    return None;
                }
            }
        }
        _ => {
            IgnoredAny::decode(reader).ok()?;
        }
    }
    Some(())
}

/// Whether there is another element: by the count, or until the mark where there is none.
fn goes_on<'a>(reader: &mut impl Read<'a>, left: &mut Option<usize>) -> Option<bool> {
    match left {
        None => is_break(reader).ok().map(|ends| !ends),
        Some(0) => Some(false),
        Some(count) => {
            *count -= 1;
            Some(true)
        }
    }
}
