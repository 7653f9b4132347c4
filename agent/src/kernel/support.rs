//! The facts: what this host lets whittle do.

use aya::{
    Btf, Ebpf,
    programs::{FExit, KProbe, Program, ProgramError},
};
use aya_obj::btf::BtfKind;
use whittle_schemas::record::Family;

use super::{
    hooks::{self, Hook, Modules, PROBE_TRIAL, TRIAL, Trigger},
    lsm,
    offsets::is_needed,
    plan::{Backend, Plan},
};

/// What was found out about the host.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whether programs can be attached to the exit of kernel functions; else why not, as a phrase.
    pub trampoline: Result<(), String>,
    /// Whether programs can be attached to the entry of kernel functions by kprobes; else why not, as a phrase.
    pub kprobe: Result<(), String>,
    /// Struct members that the probes need and this kernel does not have.
    pub missing: Vec<(&'static str, &'static str)>,
    /// Whether the kernel has the tracepoint of capability checks, as from Linux 6.15 on.
    pub capability_tracepoint: bool,
    /// How the host's security modules ask for capabilities.
    pub(super) modules: Modules,
}

impl Facts {
    /// The first missing member that a family cannot do without, as `struct.member`.
    #[must_use]
    pub fn missing_members(&self, family: Family) -> Option<String> {
        let (structure, path) = self
            .missing
            .iter()
            .find(|(structure, _)| is_needed(structure, family))?;
        Some(format!("{structure}.{path}"))
    }
}

/// Finds the facts out by trying: a program is attached to a kernel function. That of trampolines stays there, for to take it off takes
/// a tenth of a second, and [`end_trial`] is for who does not need it. What nobody `asked` for is not tried.
pub fn facts(
    probes: &mut Ebpf,
    btf: &Btf,
    missing: Vec<(&'static str, &'static str)>,
    asked: Option<Backend>,
) -> Facts {
    let tracepoint = btf.id_by_type_name_kind("btf_trace_cap_capable", BtfKind::Typedef);
    let is_tried = |backend| asked.is_none_or(|asked| asked == backend);
    let not_tried = || Err("another backend was asked for".to_owned());
    Facts {
        trampoline: if is_tried(Backend::Trampoline) {
            try_trampoline(probes, btf)
        } else {
            not_tried()
        },
        kprobe: if is_tried(Backend::Kprobe) {
            try_kprobe(probes)
        } else {
            not_tried()
        },
        missing,
        capability_tracepoint: tracepoint.is_ok(),
        modules: lsm::modules(),
    }
}

/// Whether programs can have the running task with its type, as from Linux 5.11 on: the helper is a function of the kernel.
pub(super) fn has_typed_task(btf: &Btf) -> bool {
    btf.id_by_type_name_kind("bpf_get_current_task_btf", BtfKind::Func)
        .is_ok()
}

/// Whether programs can have a task's registers of user mode, as from Linux 5.15 on.
pub(super) fn has_task_registers(btf: &Btf) -> bool {
    btf.id_by_type_name_kind("bpf_task_pt_regs", BtfKind::Func)
        .is_ok()
}

fn try_trampoline(probes: &mut Ebpf, btf: &Btf) -> Result<(), String> {
    let Trigger::Exit([function, ..]) = TRIAL.trigger else {
        return Err("there is nothing to try".to_owned());
    };
    let program: &mut FExit = probes
        .program_mut(TRIAL.program)
        .and_then(|program| program.try_into().ok())
        .ok_or("the object has no such program")?;
    let attempt = (|| -> Result<(), ProgramError> {
        program.load(function, btf)?;
        program.attach().map(|_| ())
    })();
    if attempt.is_err() {
        // One that was not loaded cannot be unloaded.
        let _ = program.unload();
    }
    attempt.map_err(|error| {
        tracing::debug!(%error, "no trampolines");
        format!("this kernel refuses trampolines ({})", innermost(&error))
    })
}

/// Takes off what was tried, unless the plan has it where it is.
pub(super) fn end_trial(probes: &mut Ebpf, plan: &Plan) {
    let needed = plan
        .observed()
        .any(|(family, backend)| hooks::of(family, backend).any(is_trial));
    if !needed && let Some(Program::FExit(program)) = probes.program_mut(TRIAL.program) {
        // One that was not loaded cannot be unloaded.
        let _ = program.unload();
    }
}

/// Whether it is the hook that was tried.
pub(super) fn is_trial(hook: &Hook) -> bool {
    hook.program == TRIAL.program
}

fn try_kprobe(probes: &mut Ebpf) -> Result<(), String> {
    let Trigger::Probe([function, ..]) = PROBE_TRIAL.trigger else {
        return Err("there is nothing to try".to_owned());
    };
    let program: &mut KProbe = probes
        .program_mut(PROBE_TRIAL.program)
        .and_then(|program| program.try_into().ok())
        .ok_or("the object has no such program")?;
    let attempt = (|| -> Result<(), ProgramError> {
        program.load()?;
        let link = program.attach(function, 0)?;
        program.detach(link)
    })();
    // One that was not loaded cannot be unloaded.
    let _ = program.unload();
    attempt.map_err(|error| {
        tracing::debug!(%error, "no kprobes");
        format!("this kernel refuses kprobes ({})", innermost(&error))
    })
}

/// The last cause of an error: the operating system's own words.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}
