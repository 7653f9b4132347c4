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
            (_, Family::Capability) => &["what SELinux or AppArmor refuses"],
            (_, Family::Privilege) => &["acts of 32-bit programs"],
            (_, Family::Syscall) => &["calls that a seccomp filter refuses"],
            (Self::Trampoline, Family::File) => &[
                "changes of names and attributes by io_uring",
                "changes by 32-bit programs",
            ],
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

/// What the caller wants of the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// A backend that the user asked for: it is taken or the family is left out.
    pub backend: Option<Backend>,
    /// Whether to count system calls.
    pub syscalls: bool,
    /// Whether to read what programs say through OpenSSL.
    pub tls: bool,
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
    /// One entry per family, in the order of [`Family::ALL`]. Family syscall is there only where it was asked for:
    /// nothing is said of it elsewhere, not even that it is incomplete.
    pub families: Vec<FamilyPlan>,
}

impl Plan {
    /// Adds a reason why a family is seen in part.
    pub(super) fn say_of(&mut self, family: Family, why: Option<&str>) {
        let of_family = self.families.iter_mut().find(|plan| plan.family == family);
        if let (Some(plan), Some(why)) = (of_family, why) {
            plan.reason = format!("{}; {why}", plan.reason);
        }
    }
}

/// Decides.
pub(super) fn plan(facts: &Facts, wanted: Wanted) -> Plan {
    let families = Family::ALL
        .into_iter()
        .filter(|family| wanted.syscalls || *family != Family::Syscall);
    let of_family = |family| match (facts.missing_members(family), family) {
        (Some(missing), _) => FamilyPlan {
            family,
            backend: None,
            reason: format!("this kernel's BTF has no {missing}"),
        },
        (None, Family::Syscall) => FamilyPlan {
            family,
            backend: Some(Backend::Syscall),
            reason: "the entry of system calls is the same with every backend".to_owned(),
        },
        (None, Family::Capability) => of_capability(facts, wanted.backend),
        (None, _) => of_hooks(facts, family, wanted.backend),
    };
    Plan {
        families: families.map(of_family).collect(),
    }
}

/// A family that can be watched with either backend.
fn of_hooks(facts: &Facts, family: Family, wanted: Option<Backend>) -> FamilyPlan {
    let (backend, reason) = match (&facts.trampoline, wanted) {
        (_, Some(Backend::Syscall)) => (Some(Backend::Syscall), "asked for".to_owned()),
        (Ok(()), Some(Backend::Trampoline)) => (Some(Backend::Trampoline), "asked for".to_owned()),
        (Err(why), Some(Backend::Trampoline)) => {
            (None, format!("trampolines were asked for, and {why}"))
        }
        (Ok(()), None) => (
            Some(Backend::Trampoline),
            "this kernel has trampolines".to_owned(),
        ),
        (Err(why), None) => (Some(Backend::Syscall), why.clone()),
    };
    FamilyPlan {
        family,
        backend,
        reason,
    }
}

/// No system call tells of a capability: without trampolines it takes the tracepoint of the check itself.
fn of_capability(facts: &Facts, wanted: Option<Backend>) -> FamilyPlan {
    let mut plan = of_hooks(facts, Family::Capability, wanted);
    if plan.backend == Some(Backend::Syscall) {
        if !facts.capability_tracepoint {
            plan.backend = None;
            plan.reason += ", and before Linux 6.15 there is no tracepoint of capability checks";
        } else if let Err(why) = &facts.unaudited {
            plan.reason += ", and checks that ask not to be audited cannot be told from others: ";
            plan.reason += why;
        }
    }
    plan
}

#[cfg(test)]
mod tests;
