//! An access whose object is a number and not a name: a capability, a system call. The record is its family's.

use whittle_schemas::record::{Header, counter::Reason, usage::UsageKey};

use crate::{emit, path, scratch, sighting::Sighting, usage, wake::Urgency};

/// Counts a repeat; the first access of its kind is sent, with the body that the family makes behind the header.
#[inline(always)]
pub(crate) fn touch<T>(
    sighting: Sighting,
    key: &UsageKey,
    kind: u8,
    body: impl FnOnce(Header) -> T,
) -> Result<(), Reason> {
    if usage::repeat(sighting.generation, key.id) {
        return Ok(());
    }
    scratch::with(|scratch, _| {
        let header = emit::header::<T>(kind, sighting.generation.flags(), &path::EMPTY);
        emit::send(scratch, body(header), &path::EMPTY, Urgency::Later)
    })?;
    usage::begin(sighting.generation, sighting.family, key.id);
    Ok(())
}
