//! Attaches the programs of a hook family where `hooks` says, and falls back where the kernel refuses.

use aya::{
    Btf, Ebpf,
    maps::ProgramArray,
    programs::{BtfTracePoint, FEntry, FExit, KProbe, Program, ProgramError, ProgramFd},
};

use super::{
    KernelError,
    hooks::{self, Hook, Trigger},
    plan::{self, Backend, FamilyPlan, Plan, Wanted},
    stand_in::{self, StoodFor},
    support::{self, Facts},
    symbols,
};

/// Attaches every family as planned, with stand-ins where there is a place to put them; last what leads to those of several.
pub(super) fn attach_all(
    object: &mut Ebpf,
    btf: &Btf,
    plan: &mut Plan,
    facts: &Facts,
    wanted: Wanted,
    stood_for: &mut Option<Vec<StoodFor>>,
) -> Result<(), KernelError> {
    let mut families = plan.families.iter_mut();
    families.try_for_each(|family| {
        attach_planned(object, btf, family, facts, wanted.backend, stood_for)
    })?;
    if plan.are_led_to().next().is_some() {
        attach_hook(object, btf, &hooks::SYS_EXIT, stood_for.as_mut())?;
    }
    Ok(())
}

/// Attaches a family as planned. Where the kernel refuses one of its probes and nobody asked for that backend, all are taken
/// off again, and the family gets the next one.
fn attach_planned(
    object: &mut Ebpf,
    btf: &Btf,
    plan: &mut FamilyPlan,
    facts: &Facts,
    asked: Option<Backend>,
    stood_for: &mut Option<Vec<StoodFor>>,
) -> Result<(), KernelError> {
    let Some(backend) = plan.backend else {
        return Ok(());
    };
    if plan.is_told_unaudited()
        && let Err(why) = symbols::tell(object)?
    {
        plan.is_not_told(&why);
    }
    let hooks = hooks::of(plan.family, backend).filter(|hook| hook.is_with(facts.modules));
    let refused = match attach_hooks(object, btf, hooks, stood_for.as_mut()) {
        Err(refused) if asked.is_none() => refused,
        other => return other,
    };
    let Some(next) = plan::after(facts, plan.family, backend) else {
        return Err(refused);
    };
    let (family, name) = (plan.family.name(), backend.name());
    tracing::warn!(family, backend = name, %refused, "a probe was refused");
    for hook in hooks::of(plan.family, backend) {
        if let Some(stood_for) = stood_for {
            stood_for.retain(|other| other.program != hook.program);
        }
        // One that was never loaded cannot be unloaded.
        let _ = match object.program_mut(hook.program) {
            Some(Program::FExit(program)) => program.unload(),
            Some(Program::FEntry(program)) => program.unload(),
            Some(Program::BtfTracePoint(program)) => program.unload(),
            Some(Program::KProbe(program)) => program.unload(),
            _ => Ok(()),
        };
    }
    plan.backend = Some(next);
    plan.reason = match &refused {
        KernelError::Program { program, cause } => {
            format!(
                "this kernel refuses the probe `{program}` ({})",
                support::innermost(cause)
            )
        }
        other => other.to_string(),
    };
    attach_planned(object, btf, plan, facts, asked, stood_for)
}

fn attach_hooks(
    object: &mut Ebpf,
    btf: &Btf,
    hooks: impl Iterator<Item = &'static Hook>,
    mut stood_for: Option<&mut Vec<StoodFor>>,
) -> Result<(), KernelError> {
    for hook in hooks {
        attach_hook(object, btf, hook, stood_for.as_deref_mut())?;
    }
    Ok(())
}

fn attach_hook(
    object: &mut Ebpf,
    btf: &Btf,
    hook: &Hook,
    stood_for: Option<&mut Vec<StoodFor>>,
) -> Result<(), KernelError> {
    attach(object, btf, hook, stood_for).map_err(|cause| KernelError::Program {
        program: hook.program,
        cause,
    })
}

fn attach(
    object: &mut Ebpf,
    btf: &Btf,
    hook: &Hook,
    stood_for: Option<&mut Vec<StoodFor>>,
) -> Result<(), ProgramError> {
    let Some(function) = function(btf, hook) else {
        return Ok(());
    };
    let mut program: &mut Program = object
        .program_mut(hook.program)
        .ok_or(ProgramError::NotLoaded)?;
    if support::is_trial(hook) && program.fd().is_ok() {
        // Since it was tried.
        return Ok(());
    }
    if let Some(stood_for) = stood_for
        && hook.stand_ins != 0
    {
        if let Some((taker, map)) = hook.taker() {
            stand_in::load(program, function, btf)?;
            let entered = program.fd()?.try_clone()?;
            put(object, &map, 0, &entered)?;
            program = object.program_mut(&taker).ok_or(ProgramError::NotLoaded)?;
        }
        let hooks_before = stood_for.len();
        let one = stand_in::attach(hook, program, function, btf, hooks_before)?;
        stood_for.push(one);
        return Ok(());
    }
    match hook.trigger {
        Trigger::Tracepoint(_) => {
            let program: &mut BtfTracePoint = program.try_into()?;
            program.load(function, btf)?;
            program.attach()?;
        }
        Trigger::Exit(_) | Trigger::CallExit(_) => {
            let program: &mut FExit = program.try_into()?;
            program.load(function, btf)?;
            program.attach()?;
        }
        Trigger::Entry(_) => {
            let program: &mut FEntry = program.try_into()?;
            program.load(function, btf)?;
            program.attach()?;
        }
        Trigger::Probe(_) => {
            let program: &mut KProbe = program.try_into()?;
            // One program may be on several functions.
            if program.fd().is_err() {
                program.load()?;
            }
            program.attach(function, 0)?;
        }
        Trigger::Entered(_, place) => {
            let program: &mut FExit = program.try_into()?;
            program.load(function, btf)?;
            let program = program.fd()?.try_clone()?;
            put(object, ENTERED, place, &program)?;
        }
        Trigger::Exited(place) => {
            let program: &mut BtfTracePoint = program.try_into()?;
            program.load(function, btf)?;
            let program = program.fd()?.try_clone()?;
            put(object, EXITS, place, &program)?;
        }
    }
    Ok(())
}

/// Puts a program where others enter it.
fn put(object: &mut Ebpf, map: &str, place: u32, program: &ProgramFd) -> Result<(), ProgramError> {
    let map = object.map_mut(map).ok_or(ProgramError::NotLoaded)?;
    ProgramArray::try_from(map)?.set(place, program, 0)?;
    Ok(())
}

/// What a hook is attached to; None where the kernel has nothing of the kind, and need not have. One that is needed and
/// not there the kernel refuses by its name.
fn function(btf: &Btf, hook: &Hook) -> Option<&'static str> {
    let names = match hook.trigger {
        Trigger::Tracepoint(name) | Trigger::Entered(name, _) => return Some(name),
        Trigger::Exited(_) => return Some(hooks::EXIT),
        Trigger::CallExit(name) => return Some(name).filter(|name| has_function(btf, name)),
        Trigger::Exit(names) | Trigger::Entry(names) | Trigger::Probe(names) => names,
    };
    let mut names = names.iter().copied();
    let first = names.clone().next().filter(|_| !hook.is_optional);
    names.find(|name| has_function(btf, name)).or(first)
}

/// The maps of programs that others enter.
const ENTERED: &str = "ENTERED";
const EXITS: &str = "EXITS";

fn has_function(btf: &Btf, name: &str) -> bool {
    btf.id_by_type_name_kind(name, aya_obj::btf::BtfKind::Func)
        .is_ok()
}
