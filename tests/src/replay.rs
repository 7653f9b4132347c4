//! Captures: the ring's records of one run as a file, and what they decode to as text, a line for each.
//! `bin/capture.rs` makes both; `tests/replay.rs` holds one to the other.

use std::fmt::Write;

use anyhow::{Context, Result};
use whittle_agent::{
    decode::Decoder,
    model::{Event, Touch},
};
use whittle_schemas::table::text::escape;

/// Bytes of a record's length, before the record: u32, little endian.
const LENGTH_BYTES: usize = size_of::<u32>();

/// The records, each after its length.
///
/// # Panics
/// Never: the ring's records are of a few KiB.
pub fn to_bytes<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        let length = u32::try_from(record.len()).expect("the ring is smaller than 4 GiB");
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(record);
    }
    bytes
}

/// The records of a capture.
///
/// # Errors
/// The file is cut short.
pub fn from_bytes(mut bytes: &[u8]) -> Result<Vec<&[u8]>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes
            .split_first_chunk::<LENGTH_BYTES>()
            .context("the capture ends inside of a length")?;
        let length = usize::try_from(u32::from_le_bytes(*length))?;
        let (record, rest) = rest
            .split_at_checked(length)
            .context("the capture ends inside of a record")?;
        records.push(record);
        bytes = rest;
    }
    Ok(records)
}

/// What the records decode to: every part of every event, a line for each.
#[must_use]
pub fn to_text<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> String {
    let (mut text, mut decoder) = (String::new(), Decoder::default());
    for record in records {
        let line = match decoder.decode(record) {
            Ok(event) => line(&event),
            Err(error) => format!("refused: {error}"),
        };
        writeln!(text, "{line}").expect("writing to a String does not fail");
    }
    text
}

fn line(event: &Event<'_>) -> String {
    match event {
        Event::Script(script) => format!("script {} id {:x}", escape(&script.name), script.id),
        Event::Subject(subject) => format!(
            "subject {} id {:x} tgid {} parent {} start {} at {} {:?}",
            escape(&subject.executable),
            subject.id,
            subject.tgid,
            subject.parent_tgid,
            subject.start_boottime_ns,
            subject.boottime_ns,
            subject.key,
        ),
        Event::Touch(touch) => format!(
            "{} generation {} at {} {:?}",
            deed(touch),
            touch.generation,
            touch.boottime_ns,
            touch.key,
        ),
        Event::Opened(opened) => format!("{opened:?}"),
        Event::Payload(payload) => {
            format!("{payload:?} {}", escape(&payload.bytes))
        }
        Event::Closed(closed) => format!("{closed:?}"),
    }
}

/// What was done to what, and how it ended; the beginning of its line.
#[must_use]
pub fn deed(touch: &Touch<'_>) -> String {
    let deed = &touch.deed;
    let detail = deed
        .detail
        .as_ref()
        .map_or_else(String::new, |detail| format!(" ({detail})"));
    let error = deed
        .error
        .map_or_else(String::new, |error| format!(" {error}"));
    format!(
        "{} {} {} {}{detail} {}{error}",
        deed.family.name(),
        deed.surface,
        deed.action,
        escape(&touch.resource),
        deed.outcome,
    )
}
