//! Attaches the programs of a hook family where `hooks` says, and falls back where the kernel refuses.

use aya::{
    Btf, Ebpf,
    maps::ProgramArray,
    programs::{BtfTracePoint, FExit, Program, ProgramError},
};
use whittle_schemas::record::Family;

use super::{
    KernelError,
    hooks::{self, Hook, Trigger},
    plan::{Backend, FamilyPlan},
    support,
};

/// Attaches a family as planned. Where the kernel refuses one of its trampolines and nobody asked for them, all are taken
/// off again, and the family gets the other backend.
pub(super) fn attach_planned(
    object: &mut Ebpf,
    btf: &Btf,
    plan: &mut FamilyPlan,
    asked: Option<Backend>,
) -> Result<(), KernelError> {
    let Some(backend) = plan.backend else {
        return Ok(());
    };
    let refused = match attach_family(object, btf, plan.family, backend) {
        Err(refused) if backend == Backend::Trampoline && asked.is_none() => refused,
        other => return other,
    };
    tracing::warn!(family = plan.family.name(), %refused, "no trampolines");
    for hook in hooks::of(plan.family, backend) {
        // One that was never loaded cannot be unloaded.
        let _ = match object.program_mut(hook.program) {
            Some(Program::FExit(program)) => program.unload(),
            Some(Program::BtfTracePoint(program)) => program.unload(),
            _ => Ok(()),
        };
    }
    plan.backend = Some(Backend::Syscall);
    plan.reason = match &refused {
        KernelError::Program { program, cause } => {
            format!(
                "this kernel refuses the probe `{program}` ({})",
                support::innermost(cause)
            )
        }
        other => other.to_string(),
    };
    attach_family(object, btf, plan.family, Backend::Syscall)
}

fn attach_family(
    object: &mut Ebpf,
    btf: &Btf,
    family: Family,
    backend: Backend,
) -> Result<(), KernelError> {
    for hook in hooks::of(family, backend) {
        attach(object, btf, hook).map_err(|cause| KernelError::Program {
            program: hook.program,
            cause,
        })?;
    }
    Ok(())
}

fn attach(object: &mut Ebpf, btf: &Btf, hook: &Hook) -> Result<(), ProgramError> {
    let program: &mut Program = object
        .program_mut(hook.program)
        .ok_or(ProgramError::NotLoaded)?;
    match hook.trigger {
        Trigger::Tracepoint(name) => {
            let program: &mut BtfTracePoint = program.try_into()?;
            program.load(name, btf)?;
            program.attach()?;
        }
        Trigger::Exit(functions) => {
            let function = functions
                .iter()
                .find(|name| has_function(btf, name))
                .unwrap_or(&functions[0]);
            attach_exit(program, btf, function)?;
        }
        Trigger::CallExit(function) if has_function(btf, function) => {
            attach_exit(program, btf, function)?;
        }
        Trigger::CallExit(_) => {}
        Trigger::Entered(function, place) => {
            let program: &mut FExit = program.try_into()?;
            program.load(function, btf)?;
            let program = program.fd()?.try_clone()?;
            let map = object.map_mut(ENTERED).ok_or(ProgramError::NotLoaded)?;
            ProgramArray::try_from(map)?.set(place, &program, 0)?;
        }
    }
    Ok(())
}

/// The map of programs that others enter.
const ENTERED: &str = "ENTERED";

fn attach_exit(program: &mut Program, btf: &Btf, function: &str) -> Result<(), ProgramError> {
    let program: &mut FExit = program.try_into()?;
    program.load(function, btf)?;
    program.attach().map(drop)
}

fn has_function(btf: &Btf, name: &str) -> bool {
    btf.id_by_type_name_kind(name, aya_obj::btf::BtfKind::Func)
        .is_ok()
}
