//! Hook family syscall: the call by its name, from a crate that follows the kernel's tables.

use std::borrow::Cow;

use syscalls::{x86, x86_64};
use whittle_schemas::{
    record::callset::{CALL, CallBody, I386, NATIVE, NO_CALL, X32},
    table::{Outcome, Surface},
};

use crate::model::{Deed, Event};

use super::{DecodeError, Raw, family};

pub(super) fn decode(raw: &Raw<'_>) -> Result<Event<'static>, DecodeError> {
    let body: CallBody = raw.body()?;
    if body.key.action != CALL {
        return Err(DecodeError::Unknown {
            what: "call action",
            number: body.key.action.into(),
        });
    }
    let deed = Deed {
        family: family(&body.key)?,
        surface: Surface::Syscall,
        action: "call".into(),
        detail: None,
        outcome: Outcome::Allowed,
        error: None,
    };
    let resource = name(body.interface, body.number)?.into_bytes();
    Ok(raw.touch(body.key, deed, Cow::Owned(resource)))
}

/// Calls of other interfaces than the machine's own have its name before theirs. One that is newer than the crate
/// keeps its number.
fn name(interface: u32, number: u32) -> Result<String, DecodeError> {
    let (prefix, name) = match interface {
        NATIVE => ("", native(number)),
        I386 => ("i386:", of_i386(number)),
        X32 => ("x32:", native(number)),
        _ => {
            return Err(DecodeError::Unknown {
                what: "call interface",
                number: interface,
            });
        }
    };
    Ok(match (name, number) {
        (Some(name), _) => format!("{prefix}{name}"),
        (None, NO_CALL) => format!("{prefix}no_such_call"),
        (None, _) => format!("{prefix}syscall_{number}"),
    })
}

fn native(number: u32) -> Option<&'static str> {
    Some(x86_64::Sysno::new(usize::try_from(number).ok()?)?.name())
}

fn of_i386(number: u32) -> Option<&'static str> {
    Some(x86::Sysno::new(usize::try_from(number).ok()?)?.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(interface: u32, number: u32, expected: &str) {
        assert_eq!(name(interface, number).as_deref(), Ok(expected));
    }

    #[test]
    fn calls_have_the_names_of_their_interface() {
        check(NATIVE, 257, "openat");
        check(NATIVE, 231, "exit_group");
        check(NATIVE, 15, "rt_sigreturn");
        check(I386, 5, "i386:open");
        check(X32, 0, "x32:read");
    }

    #[test]
    fn a_call_without_a_name_keeps_its_number() {
        check(NATIVE, 1_000, "syscall_1000");
        check(NATIVE, NO_CALL, "no_such_call");
        assert!(name(3, 0).is_err());
    }
}
