//! The decision, pure: from what the host can do, which backend each hook family gets, and why.

use whittle_schemas::record::Family;

use super::{hooks, support::Facts};

/// How the probes of a family are triggered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// At the exit of kernel functions (fexit): sees what every entry path shares.
    Trampoline,
    /// At the exit of system calls, and by kprobes at those functions that something else leads to as well.
    Kprobe,
    /// At the exit of system calls: works on every kernel, and does not see `io_uring`.
    Syscall,
}

impl Backend {
    /// Every backend; one before another is taken where both work.
    pub const ALL: [Self; 3] = [Self::Trampoline, Self::Kprobe, Self::Syscall];

    /// The backend's name in tables and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trampoline => "trampoline",
            Self::Kprobe => "kprobe",
            Self::Syscall => "syscall",
        }
    }

    /// What the backend's probes of a family cannot see: counted or documented, never silently absent.
    #[must_use]
    pub const fn blind_to(self, family: Family) -> &'static [&'static str] {
        match (self, family) {
            (Self::Syscall, Family::File | Family::Socket) => &[
                "io_uring (each ring is counted as lost)",
                "32-bit programs (counted as lost)",
            ],
            (Self::Kprobe, Family::File) => &[
                "extended attributes set by io_uring",
                "32-bit programs (counted as lost)",
            ],
            (Self::Kprobe, Family::Socket) => &[
                "addresses of io_uring's plain sends",
                "32-bit programs (counted as lost)",
            ],
            (Self::Trampoline, Family::Socket) => {
                &["addresses of io_uring's plain sends", "32-bit programs"]
            }
            (_, Family::Process) => &["refused execs of 32-bit programs"],
            (Self::Syscall, Family::Capability) => &["what SELinux or AppArmor refuses"],
            (_, Family::Capability) => &["what SELinux refuses"],
            (_, Family::Privilege) => &["acts of 32-bit programs"],
            (_, Family::Syscall) => &["calls that a seccomp filter refuses"],
            (Self::Trampoline, Family::File) => &[
                "extended attributes set by io_uring",
                "changes by 32-bit programs",
            ],
            (Self::Trampoline, Family::Payload) => &[
                "registered buffers of io_uring",
                "sendfile and splice",
                "kernel TLS",
                "TLS of Go, rustls, Java, of OpenSSL or BoringSSL without symbols, and of 32-bit programs",
            ],
            (_, Family::Payload) => &[
                "io_uring (each ring is counted as lost)",
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
        Self::ALL.into_iter().find(|backend| backend.name() == name)
    }
}

/// What the caller wants of the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// A backend that the user asked for: it is taken or the family is left out. Families of which kprobes see no more than the
    /// exits of system calls get these instead.
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

impl FamilyPlan {
    /// Whether the probes have to be told which checks ask not to be audited: the tracepoint does not say what its callers asked for.
    pub(super) fn is_told_unaudited(&self) -> bool {
        self.family == Family::Capability && self.backend == Some(Backend::Syscall)
    }

    /// Nobody can tell the probes.
    pub(super) fn is_not_told(&mut self, why: &str) {
        self.reason += ", and checks that ask not to be audited cannot be told from others: ";
        self.reason += why;
    }
}

/// What every family gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One entry per family, in the order of [`Family::ALL`]. Family syscall is there only where it was asked for:
    /// nothing is said of it elsewhere, not even that it is incomplete.
    pub families: Vec<FamilyPlan>,
}

impl Plan {
    /// The families that are observed, with their backends.
    pub(super) fn observed(&self) -> impl Iterator<Item = (Family, Backend)> {
        let families = self.families.iter();
        families.filter_map(|plan| Some((plan.family, plan.backend?)))
    }

    /// Of these, those that the one program at the exit of system calls leads to.
    pub(super) fn are_led_to(&self) -> impl Iterator<Item = Family> {
        let led_to = self
            .observed()
            .filter(|(family, backend)| hooks::is_led_to(*family, *backend));
        led_to.map(|(family, _)| family)
    }

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
        (None, _) => of_hooks(facts, family, wanted.backend),
    };
    Plan {
        families: families.map(of_family).collect(),
    }
}

/// A family that can be watched with any backend.
fn of_hooks(facts: &Facts, family: Family, wanted: Option<Backend>) -> FamilyPlan {
    let (backend, reason) = match wanted {
        Some(Backend::Kprobe) if facts.kprobe.is_ok() && !hooks::has_probes(family) => {
            (Some(Backend::Syscall), NO_MORE.to_owned())
        }
        Some(backend) => match refusal(facts, family, backend) {
            None => (Some(backend), "asked for".to_owned()),
            Some(why) => (
                None,
                format!("{}s were asked for, and {why}", backend.name()),
            ),
        },
        None => chosen(facts, family),
    };
    FamilyPlan {
        family,
        backend,
        reason,
    }
}

/// The first backend that works.
fn chosen(facts: &Facts, family: Family) -> (Option<Backend>, String) {
    let mut refusals = Vec::new();
    for backend in Backend::ALL {
        match refusal(facts, family, backend) {
            Some(why) => refusals.push(why),
            None if refusals.is_empty() => {
                return (
                    Some(backend),
                    format!("this kernel has {}s", backend.name()),
                );
            }
            None => return (Some(backend), refusals.join(", and ")),
        }
    }
    (None, refusals.join(", and "))
}

/// The backend that a family gets where the kernel refuses a probe of `refused`.
pub(super) fn after(facts: &Facts, family: Family, refused: Backend) -> Option<Backend> {
    let mut others = Backend::ALL.into_iter().skip_while(|one| *one != refused);
    others.next();
    others.find(|backend| refusal(facts, family, *backend).is_none())
}

/// Why a family cannot have a backend on this host.
fn refusal(facts: &Facts, family: Family, backend: Backend) -> Option<String> {
    match backend {
        Backend::Trampoline => facts.trampoline.clone().err(),
        Backend::Kprobe if !hooks::has_probes(family) => Some(NO_MORE.to_owned()),
        Backend::Kprobe => facts.kprobe.clone().err(),
        // No system call tells of a capability: it takes the tracepoint of the check itself.
        Backend::Syscall if family == Family::Capability && !facts.capability_tracepoint => {
            Some(NO_TRACEPOINT.to_owned())
        }
        Backend::Syscall => None,
    }
}

const NO_MORE: &str = "kprobes would see no more of it than the exits of system calls";

const NO_TRACEPOINT: &str = "before Linux 6.15 there is no tracepoint of capability checks";

#[cfg(test)]
mod tests;
