//! The action: loads the object, writes what the probes must know, and attaches what the plan says.

use std::{io, path::Path};

use aya::{
    Btf, Ebpf, EbpfError, EbpfLoader,
    maps::{HashMap, MapError},
    programs::{Program, ProgramError},
};
use whittle_schemas::record::{
    Family, bound,
    immediate::{CONSTANTS, Constant},
    process::INTERPRETER_NAME_BYTES,
    stand_in::SLOTS_ALONE,
    usage::WORDS,
};
use zerocopy::IntoBytes;

use crate::model::interpreter::interpreters;

use super::{
    attach::attach_all,
    counters::Counters,
    detach::{self, Left},
    drain::Generations,
    limits::Limits,
    losses::Losses,
    lsm,
    misses::Misses,
    offsets,
    openssl::{Openssl, OpensslFile, OpensslUse},
    pending::Pending,
    plan::{Plan, Wanted, plan},
    preemption,
    relocate::{Numbers, RelocateError, relocate},
    remembered::{Announced, Remembered},
    ring::Ring,
    stand_in::{self, StoodFor},
    support::{self, Facts},
    tasks::Tasks,
};

/// The probes, compiled; `cargo xtask ebpf` makes this file from the `ebpf` crate.
pub(super) static OBJECT: &[u8] = aya::include_bytes_aligned!("../../bpf/whittle.bpf.o");

/// Whom the probes watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The processes given to [`Probes::watch`], and all their descendants.
    Chosen,
    /// Every process but the agent.
    All,
}

/// Why the probes could not be brought into the kernel.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The caller is not root.
    #[error("recording loads probes into the kernel, which needs root: run it again with sudo")]
    NotRoot,
    /// The caller is a root that may not load programs.
    #[error(
        "the kernel does not let this root load probes, for it lacks CAP_BPF or CAP_SYS_ADMIN: run whittle on the host, or in a privileged container"
    )]
    NotPermitted,
    /// The kernel does not show its types.
    #[error(
        "this kernel shows no type information at /sys/kernel/btf/vmlinux ({0}): whittle needs Linux 5.10 or newer, built with CONFIG_DEBUG_INFO_BTF"
    )]
    NoBtf(#[source] io::Error),
    /// The kernel's types could not be read.
    #[error("the kernel's type information at /sys/kernel/btf/vmlinux cannot be read ({0})")]
    DamagedBtf(String),
    /// The object or its maps were refused.
    #[error("the kernel refused whittle's maps: {0}")]
    Object(#[from] EbpfError),
    /// The object does not fit the host.
    #[error(transparent)]
    Relocate(#[from] RelocateError),
    /// A program was refused.
    #[error("the kernel refused the probe `{program}`: {cause}")]
    Program {
        /// Name of the function in the `ebpf` crate.
        program: &'static str,
        /// What the kernel said; the verifier's log where it gave one.
        cause: ProgramError,
    },
    /// The object lacks a part; it was built from other sources.
    #[error("the probe object has no `{0}`: build it again with `cargo xtask ebpf`")]
    Incomplete(&'static str),
    /// A map could not be read or written.
    #[error("the kernel's map `{map}` cannot be used: {cause}")]
    Map {
        /// Name of the map.
        map: &'static str,
        /// What the kernel said.
        cause: MapError,
    },
    /// No hook family can be observed.
    #[error("this kernel lets whittle observe nothing: {0}")]
    Nothing(String),
}

/// What was attached, with the facts and the plan that led to it.
#[derive(Clone, Debug)]
pub struct Attached {
    /// What the host can do.
    pub facts: Facts,
    /// What each family got.
    pub plan: Plan,
}

/// The probes in the kernel. They stay attached until this is dropped, or for some seconds longer: see `detach`.
pub struct Probes {
    /// First sights.
    pub ring: Ring,
    /// Repeats.
    pub generations: Generations,
    /// What was seen and lost.
    pub counters: Counters,
    /// What was not even seen.
    pub misses: Misses,
    /// Whose losses were.
    pub losses: Losses,
    /// Connects whose end is not known yet.
    pub pending: Pending,
    tasks: Tasks,
    announced: Announced,
    attached: Attached,
    openssl: Openssl,
    /// Owns the links of programs with stand-ins.
    _stood_for: Vec<StoodFor>,
    /// Owns the programs and their links.
    object: Ebpf,
    /// Behind everything that owns links.
    left: Left,
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.left = detach::leave();
    }
}

impl Probes {
    /// What was attached, and why.
    #[must_use]
    pub fn attached(&self) -> &Attached {
        &self.attached
    }

    /// Watches a process from now on, and what it forks.
    ///
    /// # Errors
    /// The kernel's map of processes is full or gone.
    pub fn watch(&mut self, tgid: u32) -> Result<(), KernelError> {
        self.tasks.watch(tgid)
    }

    /// Watches a process from its next exec on, and what it forks then: what it does until then is its starter's.
    ///
    /// # Errors
    /// The kernel's map of processes is full or gone.
    pub fn watch_from_exec(&mut self, tgid: u32) -> Result<(), KernelError> {
        self.tasks.watch_from_exec(tgid)
    }

    /// Tells what script a process runs that started before the probes were there. `script` is the caller's own
    /// number for it; a process that the probes know already keeps what they found.
    ///
    /// # Errors
    /// The kernel's map of processes cannot be written.
    pub fn adopt(&mut self, tgid: u32, script: u64) -> Result<(), KernelError> {
        self.tasks.adopt(tgid, script)
    }

    /// A program is about to be started.
    pub fn expect(&mut self, executable: &Path) {
        self.openssl
            .look_into_executable(&mut self.object, executable);
    }

    /// A process of a kernel subject executes a file, by its path in the process's own mount namespace.
    pub fn executed(&mut self, subject: u64, tgid: u32, path: &Path) {
        self.openssl.executed(&mut self.object, subject, tgid, path);
    }

    /// A process of a kernel subject opened a file.
    pub fn opened(&mut self, subject: u64, tgid: u32, path: &Path) {
        self.openssl.opened(&mut self.object, subject, tgid, path);
    }

    /// The files with OpenSSL that were found, and what came of attaching to them.
    #[must_use]
    pub fn openssl_files(&self) -> &[OpensslFile] {
        self.openssl.files()
    }

    /// What is known of OpenSSL in the processes of a kernel subject.
    #[must_use]
    pub fn openssl_of(&self, subject: u64) -> OpensslUse {
        self.openssl.of_subject(subject)
    }

    /// What the verifier did per attached program: its name, and instructions looked at. Empty before Linux 5.16.
    #[must_use]
    pub fn verified(&self) -> Vec<(String, u32)> {
        let count = |program: &Program| program.info().ok()?.verified_instruction_count();
        self.object
            .programs()
            .filter_map(|(name, program)| Some((name.to_owned(), count(program)?)))
            .collect()
    }

    /// Processes that are watched now.
    ///
    /// # Errors
    /// The kernel's map of processes cannot be read.
    pub fn watched(&self) -> Result<Vec<u32>, KernelError> {
        self.tasks.watched()
    }

    /// Subjects and scripts that a record made from now on may name without announcing them first.
    ///
    /// # Errors
    /// The kernel's maps cannot be read.
    pub fn remembered(&self) -> Result<Remembered, KernelError> {
        self.announced.read(&self.tasks)
    }
}

/// Loads the probes and attaches them.
///
/// # Errors
/// See [`KernelError`]. A family that the host cannot do is no error: the plan says so.
pub fn load(scope: Scope, limits: Limits, wanted: Wanted) -> Result<Probes, KernelError> {
    if !rustix::process::geteuid().is_root() {
        return Err(KernelError::NotRoot);
    }
    let resolved = offsets::resolve()?;
    let btf = Btf::from_sys_fs().map_err(|error| KernelError::DamagedBtf(error.to_string()))?;
    let stand_ins = resolved.cookies && preemption::is_on();
    let constants = Constants {
        offsets: &resolved.offsets,
        opaque_registers: resolved.opaque_registers,
        syscalls: wanted.syscalls,
        stand_ins,
    };
    let mut object = load_object(scope, limits, &constants, &btf)?;
    let facts = support::facts(&mut object, &btf, resolved.missing, wanted.backend);
    let mut plan = plan(&facts, wanted);
    support::end_trial(&mut object, &plan);
    if plan.families.iter().all(|family| family.backend.is_none()) {
        return Err(KernelError::Nothing(plan.families[0].reason.clone()));
    }
    fill_interpreters(&mut object)?;
    let mut stood_for = stand_ins.then(Vec::new);
    attach_all(&mut object, &btf, &mut plan, &facts, wanted, &mut stood_for)?;
    let stood_for = stood_for.unwrap_or_default();
    let mut openssl = Openssl::default();
    if wanted.tls {
        openssl.start(&mut object, scope);
        plan.say_of(Family::Payload, openssl.refused());
    }
    Ok(Probes {
        ring: Ring::take(&mut object)?,
        generations: Generations::take(&mut object)?,
        counters: Counters::take(&mut object)?,
        misses: Misses::take(&mut object, &plan, &stood_for)?,
        losses: Losses::take(&mut object)?,
        pending: Pending::take(&mut object)?,
        tasks: Tasks::take(&mut object)?,
        announced: Announced::take(&mut object)?,
        attached: Attached { facts, plan },
        openssl,
        _stood_for: stood_for,
        object,
        left: Left::default(),
    })
}

/// What the probes are told about the host and the caller's wishes.
struct Constants<'a> {
    offsets: &'a [u32],
    opaque_registers: bool,
    syscalls: bool,
    stand_ins: bool,
}

fn load_object(
    scope: Scope,
    limits: Limits,
    constants: &Constants<'_>,
    btf: &Btf,
) -> Result<Ebpf, KernelError> {
    let mut numbers = Numbers {
        offsets: constants.offsets,
        constants: [0; CONSTANTS],
    };
    numbers.set(Constant::AgentTgid, std::process::id());
    numbers.set(Constant::UsageMask, limits.usage_mask());
    numbers.set(Constant::LowestAddress, lsm::lowest_address());
    for (constant, holds) in [
        (Constant::WatchAll, scope == Scope::All),
        (Constant::CountCalls, constants.syscalls),
        (Constant::OpaqueRegisters, constants.opaque_registers),
        (Constant::TypedTask, support::has_typed_task(btf)),
        (Constant::TaskRegisters, support::has_task_registers(btf)),
        (Constant::StandIns, constants.stand_ins),
    ] {
        numbers.set(constant, u32::from(holds));
    }
    let relocated = relocate(OBJECT, &numbers)?;
    let seed = random_number();
    let factors: [u64; 2 * WORDS] = std::array::from_fn(|_| random_number() | 1);
    let mut loader = EbpfLoader::new();
    loader
        .btf(Some(btf))
        .override_global("HASH_SEED", &seed, true)
        .override_global("USAGE_FACTORS", factors.as_slice(), true);
    for (map, entries) in bound::ALL {
        loader.map_max_entries(map, limits.of(map, entries));
    }
    if constants.stand_ins {
        loader.map_max_entries("TAKEN", stand_in::entries());
    } else {
        loader.map_max_entries("SCRATCH", SLOTS_ALONE);
    }
    loader.load(relocated.as_bytes()).map_err(|error| {
        if is_refusal(&error) {
            KernelError::NotPermitted
        } else {
            error.into()
        }
    })
}

/// Whether the last cause of an error is the kernel's EPERM or EACCES.
fn is_refusal(error: &EbpfError) -> bool {
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| {
        error.source()
    });
    causes.any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::PermissionDenied)
    })
}

/// A number that no workload can know: the standard library's own hash keys are random per process.
fn random_number() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

fn fill_interpreters(object: &mut Ebpf) -> Result<(), KernelError> {
    const NAME: &str = "INTERPRETERS";
    const VALUE_BYTES: usize = size_of::<whittle_schemas::record::process::Interpreter>();
    let map = object.map_mut(NAME).ok_or(KernelError::Incomplete(NAME))?;
    let failed = |cause| KernelError::Map { map: NAME, cause };
    let mut map: HashMap<_, [u8; INTERPRETER_NAME_BYTES], [u8; VALUE_BYTES]> =
        HashMap::try_from(map).map_err(failed)?;
    for (name, interpreter) in interpreters() {
        let value: [u8; VALUE_BYTES] = zerocopy::transmute!(interpreter);
        map.insert(name, value, 0).map_err(failed)?;
    }
    Ok(())
}
