//! Two observers' accesses of one run, held against each other: counts and every difference.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use whittle_schemas::table::Outcome;

use crate::{
    access::{Access, Count, Tally},
    left_out::LeftOut,
    strace::change,
};

/// A difference that is known, and why it is there. The README lists the same ones.
struct Known {
    /// Whether a difference is of this kind.
    applies: fn(&Difference) -> bool,
    /// Why it is there.
    reason: &'static str,
}

/// Action of a script that was run as another script's interpreter; strace's side tells it apart.
const BETWEEN: &str = "between+execute";

/// All differences that are known.
const KNOWN: &[Known] = &[
    Known {
        applies: |difference| difference.access.action == BETWEEN,
        reason: "a script that interprets a script: of one exec the kernel tells the first file and the last",
    },
    Known {
        applies: |difference| {
            let access = &difference.access;
            difference.whittle.times == 0
                && access.outcome == Outcome::Failed
                && access.resource.ends_with(b"/")
        },
        reason: "an open of an empty path: refused before the kernel looks for a file, which is where the trampoline backend watches",
    },
];

/// An access that the two do not agree on.
#[derive(Debug)]
pub struct Difference {
    /// The access.
    pub access: Access,
    /// What strace counted.
    pub strace: Count,
    /// What whittle counted.
    pub whittle: Count,
}

/// Prints how much each saw of each kind of access, and every difference.
///
/// # Errors
/// There is a difference that is not known, nor counted as left out by the kernel.
pub fn agree(name: &str, strace: &Tally, whittle: &Tally, left_out: LeftOut) -> Result<()> {
    for kind in Kind::ALL {
        let count = |tally: &Tally| {
            let counts = tally.iter().filter(|(access, _)| Kind::of(access) == kind);
            counts.fold((0, 0), |(all, times), (_, count)| {
                (all + 1, times + count.times)
            })
        };
        let ((by_strace, strace_times), (by_whittle, whittle_times)) =
            (count(strace), count(whittle));
        println!(
            "{name}: {:<22} strace {by_strace:>4} ({strace_times:>6} times), whittle {by_whittle:>4} ({whittle_times:>6} times)",
            kind.name()
        );
    }
    let (mut unknown, mut missing) = (0, 0);
    for difference in differences(strace, whittle) {
        let Difference {
            access,
            strace,
            whittle,
        } = &difference;
        let reason = KNOWN
            .iter()
            .find(|known| (known.applies)(&difference))
            .map(|known| known.reason);
        if reason.is_none() {
            match strace.times.checked_sub(whittle.times) {
                Some(times) if whittle.created <= strace.created => missing += times,
                _ => unknown += 1,
            }
        }
        println!(
            "{name}: difference: {access}: strace {} times, whittle {} times: {}",
            strace.times,
            whittle.times,
            reason.unwrap_or("no reason known")
        );
    }
    ensure!(
        unknown == 0 && missing <= left_out.0,
        "{name}: whittle alone saw {unknown}, and missed {missing} times something; {} are counted as left out by the kernel; they are printed above",
        left_out.0
    );
    Ok(())
}

/// Every access that one of them did not see, or not as often as the other.
#[must_use]
pub fn differences(strace: &Tally, whittle: &Tally) -> Vec<Difference> {
    let all: BTreeSet<_> = strace.keys().chain(whittle.keys()).collect();
    let count = |tally: &Tally, access| tally.get(access).copied().unwrap_or_default();
    all.into_iter()
        .map(|access| Difference {
            access: access.clone(),
            strace: count(strace, access),
            whittle: count(whittle, access),
        })
        // A file that was made was asked to be made; one that was asked for may have been there.
        .filter(|found| {
            found.strace.times != found.whittle.times
                || found.whittle.created > found.strace.created
        })
        .collect()
}

/// What the issue asks to be equal, and the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Opened,
    Executed,
    Connected,
    Addressed,
    Changed,
    Refused,
    Failed,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Opened,
        Self::Executed,
        Self::Connected,
        Self::Addressed,
        Self::Changed,
        Self::Refused,
        Self::Failed,
    ];

    fn of(access: &Access) -> Self {
        match (access.outcome, access.action.as_str()) {
            (Outcome::Denied, _) => Self::Refused,
            (Outcome::Failed, _) => Self::Failed,
            (Outcome::Allowed, "execute" | BETWEEN) => Self::Executed,
            (Outcome::Allowed, "connect") => Self::Connected,
            (Outcome::Allowed, "bind" | "listen" | "accept" | "send") => Self::Addressed,
            (Outcome::Allowed, action) if change::is_action(action) => Self::Changed,
            (Outcome::Allowed, _) => Self::Opened,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Opened => "files opened",
            Self::Executed => "programs executed",
            Self::Connected => "addresses connected",
            Self::Addressed => "bound, listened, ...",
            Self::Changed => "changed and mapped",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use whittle_schemas::table::Outcome;

    use super::{agree, differences};
    use crate::{
        access::{Tally, add},
        left_out::LeftOut,
    };

    fn tally(opens: &[(&str, &[&str], u64)]) -> Tally {
        let mut tally = Tally::new();
        for (path, words, times) in opens {
            add(
                &mut tally,
                words.iter().copied(),
                path.as_bytes().to_vec(),
                Outcome::Allowed,
                *times,
            );
        }
        tally
    }

    #[test]
    fn a_file_that_one_did_not_see_or_saw_less_often_is_a_difference() {
        let strace = tally(&[("/a", &["read"], 2), ("/b", &["read"], 1)]);
        assert!(differences(&strace, &strace).is_empty());
        assert_eq!(
            differences(&strace, &tally(&[("/a", &["read"], 2)])).len(),
            1
        );
        assert_eq!(
            differences(&tally(&[("/a", &["read"], 1)]), &strace).len(),
            2
        );
        assert!(agree("test", &strace, &Tally::new(), LeftOut(2)).is_err());
    }

    #[test]
    fn what_is_missing_must_be_counted_as_left_out_and_nothing_excuses_what_strace_did_not_see() {
        let strace = tally(&[("/a", &["read"], 2), ("/b", &["read"], 1)]);
        let less = tally(&[("/a", &["read"], 1), ("/b", &["read"], 1)]);
        let other = tally(&[("/a", &["read"], 2), ("/c", &["read"], 1)]);
        assert!(agree("test", &strace, &less, LeftOut(0)).is_err());
        assert!(agree("test", &strace, &less, LeftOut(1)).is_ok());
        assert!(agree("test", &strace, &other, LeftOut(9)).is_err());
    }

    #[test]
    fn a_file_can_be_made_only_by_an_open_that_asked_to() {
        let asked = tally(&[("/a", &["write", "create"], 2)]);
        let made = tally(&[("/a", &["create", "write"], 1), ("/a", &["write"], 1)]);
        assert!(differences(&asked, &made).is_empty());
        let unasked = tally(&[("/a", &["write"], 2)]);
        assert_eq!(differences(&unasked, &made).len(), 1);
    }
}
