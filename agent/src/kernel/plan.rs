//! The decision, pure: from what the host can do, which backend each hook family gets, and why.

use whittle_schemas::record::Family;

use super::support::Facts;

/// How the probes of a family are triggered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// At the exit of kernel functions (fexit): sees what every entry path shares.
    Trampoline,
    /// At the exit of system calls: works on every kernel, and does not see `io_uring`.
    Syscall,
}

impl Backend {
    /// The backend's name in tables and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trampoline => "trampoline",
            Self::Syscall => "syscall",
        }
    }

    /// What the backend's probes of a family cannot see: counted or documented, never silently absent.
    #[must_use]
    pub const fn blind_to(self, family: Family) -> &'static [&'static str] {
        match (self, family) {
            (Self::Syscall, Family::File | Family::Socket) => {
                &["io_uring", "32-bit programs (counted as lost)"]
            }
            (Self::Trampoline, Family::Socket) => &["io_uring", "32-bit programs"],
            (_, Family::Process) => &["refused execs of 32-bit programs"],
            (Self::Trampoline, Family::File) => &[],
            (_, Family::Payload) => &[
                "io_uring",
                "sendfile and splice",
                "kernel TLS",
                "TLS of Go, rustls, Java, and of OpenSSL or BoringSSL without symbols",
                "32-bit programs",
            ],
        }
    }

    /// The backend of this name; None for any other word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Trampoline, Self::Syscall]
            .into_iter()
            .find(|backend| backend.name() == name)
    }
}

/// What one family gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyPlan {
    /// The family.
    pub family: Family,
    /// Its backend; None where the host lacks something, and then the family is not observed.
    pub backend: Option<Backend>,
    /// Why this backend, or what is missing, as a phrase.
    pub reason: String,
}

/// What every family gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One entry per family, in the order of [`Family::ALL`].
    pub families: Vec<FamilyPlan>,
}

/// Decides. `wanted` is a backend that the user asked for; it is taken or the family is left out.
pub(super) fn plan(facts: &Facts, wanted: Option<Backend>) -> Plan {
    Plan {
        families: Family::ALL
            .into_iter()
            .map(|family| of_family(facts, family, wanted))
            .collect(),
    }
}

fn of_family(facts: &Facts, family: Family, wanted: Option<Backend>) -> FamilyPlan {
    let (backend, reason) = match (facts.missing_members(family), &facts.trampoline, wanted) {
        (Some(missing), ..) => (None, format!("this kernel's BTF has no {missing}")),
        (None, _, Some(Backend::Syscall)) => (Some(Backend::Syscall), "asked for".to_owned()),
        (None, Ok(()), Some(Backend::Trampoline)) => {
            (Some(Backend::Trampoline), "asked for".to_owned())
        }
        (None, Err(why), Some(Backend::Trampoline)) => {
            (None, format!("trampolines were asked for, and {why}"))
        }
        (None, Ok(()), None) => (
            Some(Backend::Trampoline),
            "this kernel has trampolines".to_owned(),
        ),
        (None, Err(why), None) => (Some(Backend::Syscall), why.clone()),
    };
    FamilyPlan {
        family,
        backend,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(facts: &Facts, wanted: Option<Backend>, expected: Option<Backend>) {
        for family in plan(facts, wanted).families {
            assert_eq!(
                family.backend,
                expected,
                "{}: {}",
                family.family.name(),
                family.reason
            );
            assert!(!family.reason.is_empty());
        }
    }

    fn facts(trampoline: Result<(), String>) -> Facts {
        Facts {
            trampoline,
            missing: Vec::new(),
        }
    }

    #[test]
    fn trampolines_are_taken_where_they_work_and_syscalls_elsewhere() {
        check(&facts(Ok(())), None, Some(Backend::Trampoline));
        check(&facts(Err("no".to_owned())), None, Some(Backend::Syscall));
    }

    #[test]
    fn a_backend_that_was_asked_for_is_never_replaced() {
        check(
            &facts(Ok(())),
            Some(Backend::Syscall),
            Some(Backend::Syscall),
        );
        check(
            &facts(Err("no".to_owned())),
            Some(Backend::Trampoline),
            None,
        );
    }

    #[test]
    fn a_missing_member_leaves_out_its_family_alone_and_is_named() {
        let facts = Facts {
            trampoline: Ok(()),
            missing: vec![("socket", "sk")],
        };
        let plan = plan(&facts, None);
        let backends: Vec<_> = plan
            .families
            .iter()
            .map(|family| family.backend.is_some())
            .collect();
        assert_eq!(backends, [true, true, false, false]);
        assert!(
            plan.families[2].reason.contains("socket.sk"),
            "{}",
            plan.families[2].reason
        );
    }
}
