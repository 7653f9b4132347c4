//! Hook family capability: the capability by its name, and whether the task had it.

use std::borrow::Cow;

use whittle_schemas::{
    record::capability::{CapabilityBody, FOREIGN, NAMES, USE},
    table::Surface,
};

use crate::model::{Deed, Event};

use super::{DecodeError, Raw, errno, family};

pub(super) fn decode(raw: &Raw<'_>) -> Result<Event<'static>, DecodeError> {
    let body: CapabilityBody = raw.body()?;
    if body.key.action != USE {
        return Err(DecodeError::Unknown {
            what: "capability action",
            number: body.key.action.into(),
        });
    }
    let (outcome, error) = errno::outcome(body.key.errno);
    let deed = Deed {
        family: family(&body.key)?,
        surface: Surface::Capability,
        action: "use".into(),
        detail: (body.flags & FOREIGN != 0).then(|| "over another user namespace".to_owned()),
        outcome,
        error,
    };
    let resource = name(body.capability).into_bytes();
    Ok(raw.touch(body.key, deed, Cow::Owned(resource)))
}

/// One that is newer than this list keeps its number.
fn name(capability: u32) -> String {
    usize::try_from(capability)
        .ok()
        .and_then(|index| NAMES.get(index))
        .map_or_else(|| format!("CAP_{capability}"), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_without_a_name_keeps_its_number() {
        assert_eq!(name(10), "CAP_NET_BIND_SERVICE");
        assert_eq!(name(40), "CAP_CHECKPOINT_RESTORE");
        assert_eq!(name(41), "CAP_41");
        assert_eq!(name(u32::MAX), format!("CAP_{}", u32::MAX));
    }
}
