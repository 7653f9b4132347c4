//! Which programs make up a hook family under each backend, and where each is attached. Adding a hook is
//! a line in its family's file here and its program in `ebpf`.

mod capability;
mod file;
mod payload;
mod privilege;
mod process;
mod socket;

use whittle_schemas::record::{Family, exit as place};

use super::plan::Backend;

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A tracepoint, with typed arguments (`tp_btf`).
    Tracepoint(&'static str),
    /// By tail calls from the programs after it in the list: the place in map `ENTERED`, and a function with the arguments
    /// of theirs.
    Entered(&'static str, u32),
    /// By tail calls from [`SYS_EXIT`] and each other: the place in map `EXITS`.
    Exited(u32),
    /// The exit of a kernel function: the first of these names that the host has.
    Exit(&'static [&'static str]),
    /// The entry of one.
    Entry(&'static [&'static str]),
    /// A kprobe or a kretprobe on one, as the program is one or the other.
    Probe(&'static [&'static str]),
    /// The exit of a system call's entry function.
    CallExit(&'static str),
}

/// One program and its hook.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hook {
    /// Name of the function in the `ebpf` crate.
    pub(super) program: &'static str,
    pub(super) trigger: Trigger,
    /// Not attached where the kernel has no such function: then nobody can call it, or nobody but system calls does.
    pub(super) is_optional: bool,
    /// How many more of the same stand behind it where the kernel preempts probes. None where an interrupt may come by: it would
    /// have taken the call of the thread below it.
    pub(super) stand_ins: u8,
    /// Whether what is attached then is a small program that enters this one.
    pub(super) has_taker: bool,
    /// With which security modules it is attached; None with all.
    pub(super) modules: Option<Modules>,
}

impl Hook {
    /// Whether it is attached with these security modules.
    pub(super) fn is_with(&self, modules: Modules) -> bool {
        self.modules.is_none_or(|needed| needed == modules)
    }

    /// The program that enters this one, and the map by which it does: `stand_in::taker` of the `ebpf` crate. None where this one
    /// is attached itself.
    pub(super) fn taker(&self) -> Option<(String, String)> {
        let names = || {
            (
                format!("{}_taker", self.program),
                self.program.to_uppercase(),
            )
        };
        self.has_taker.then(names)
    }
}

/// How the security modules of a host ask for capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modules {
    /// As everything else does, or not at all.
    AskLikeAll,
    /// Some go past what everything else asks.
    AskThemselves,
}

const fn hook(program: &'static str, trigger: Trigger) -> Hook {
    Hook {
        program,
        trigger,
        is_optional: false,
        stand_ins: 0,
        has_taker: false,
        modules: None,
    }
}

const fn tracepoint(program: &'static str, name: &'static str) -> Hook {
    hook(program, Trigger::Tracepoint(name))
}

const fn entry(program: &'static str, functions: &'static [&'static str]) -> Hook {
    hook(program, Trigger::Entry(functions))
}

const fn exit(program: &'static str, functions: &'static [&'static str]) -> Hook {
    hook(program, Trigger::Exit(functions))
}

const fn probe(program: &'static str, functions: &'static [&'static str]) -> Hook {
    hook(program, Trigger::Probe(functions))
}

const fn call(program: &'static str, function: &'static str) -> Hook {
    optional(hook(program, Trigger::CallExit(function)))
}

const fn entered(program: &'static str, function: &'static str, place: u32) -> Hook {
    hook(program, Trigger::Entered(function, place))
}

const fn exited(program: &'static str, place: u32) -> Hook {
    hook(program, Trigger::Exited(place))
}

const fn optional(hook: Hook) -> Hook {
    Hook {
        is_optional: true,
        ..hook
    }
}

/// One that many tasks come by: while this many of them are inside, another may come. Its program first asks
/// `stand_in::is_taken`, or each copy would count the call.
const fn stood_for(stand_ins: u8, hook: Hook) -> Hook {
    Hook { stand_ins, ..hook }
}

/// As [`stood_for`], of a large program: its taker asks, and enters it.
const fn taken(stand_ins: u8, hook: Hook) -> Hook {
    Hook {
        stand_ins,
        has_taker: true,
        ..hook
    }
}

const fn beside(modules: Modules, hook: Hook) -> Hook {
    Hook {
        modules: Some(modules),
        ..hook
    }
}

/// The hook by which [`super::support`] finds out whether trampolines work.
pub(super) const TRIAL: Hook = exit("process_execveat", &["__x64_sys_execveat"]);

/// The hook by which it finds out whether kprobes work.
pub(super) const PROBE_TRIAL: Hook = probe("capability_capset_entry", &["cap_capset"]);

/// What leads to the programs of all families at the exits of system calls. Every call of every task comes by, and is held there for as
/// long as a program behind it takes: it has more stand-ins than others.
pub(super) const SYS_EXIT: Hook = stood_for(4, tracepoint("exit_sys_exit", EXIT));

/// The tracepoint of a call's exit.
pub(super) const EXIT: &str = "sys_exit";

/// The tracepoint of a new ring of `io_uring`.
const RING: &str = "io_uring_create";

const CALLSET: &[Hook] = &[taken(2, tracepoint("callset_sys_enter", "sys_enter"))];

/// The entry functions of system calls that programs are attached to.
pub(super) fn syscall_entries() -> impl Iterator<Item = &'static str> {
    let hooks = Family::ALL
        .into_iter()
        .flat_map(|family| of(family, Backend::Trampoline));
    let functions = hooks.filter_map(|hook| match hook.trigger {
        Trigger::CallExit(function) => Some(function),
        Trigger::Exit([function]) => Some(*function),
        _ => None,
    });
    functions.filter(|function| function.starts_with("__x64_sys_"))
}

/// Whether kprobes see something of a family that the exits of system calls do not show.
pub(super) fn has_probes(family: Family) -> bool {
    matches!(family, Family::File | Family::Socket | Family::Capability)
}

/// Whether [`SYS_EXIT`] leads to a program of the family.
pub(super) fn is_led_to(family: Family, backend: Backend) -> bool {
    of(family, backend).any(|hook| matches!(hook.trigger, Trigger::Exited(_)))
}

/// The hooks of a family under a backend. A kprobe comes after its kretprobe: what the first remembers the second must forget.
pub(super) fn of(family: Family, backend: Backend) -> impl Iterator<Item = &'static Hook> {
    let lists = match family {
        Family::Process => process::of(backend),
        Family::File => file::of(backend),
        Family::Socket => socket::of(backend),
        Family::Payload => payload::of(backend),
        Family::Capability => capability::of(backend),
        Family::Syscall => [CALLSET, &[]],
        Family::Privilege => privilege::of(backend),
    };
    lists.into_iter().flatten()
}
