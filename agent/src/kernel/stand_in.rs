//! Attaching a program several times over, where the kernel preempts probes: see `stand_in` of the `ebpf` crate. Each time it is loaded
//! anew, for what the kernel leaves out is a program that is running, and not its copy.

use std::{
    fs, io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

use aya::{
    Btf,
    programs::{Program, ProgramError},
};
use aya_obj::generated::{bpf_attach_type, bpf_cmd};
use whittle_schemas::record::stand_in::{FIRST, MOST, THREADS_OF_ENTRY, cookie};

use super::{
    hooks::Hook,
    sys::{bpf, zeroed},
};

/// A program with stand-ins. They are attached until this is dropped.
pub(super) struct StoodFor {
    /// Name of the function in the `ebpf` crate.
    pub(super) program: &'static str,
    /// The one that comes first.
    pub(super) first: OwnedFd,
    /// Each keeps its program in the kernel.
    _links: Vec<OwnedFd>,
}

/// Attaches a program to a hook's function, or to its tracepoint, with its stand-ins behind it: the hook's own program or its taker. `number`
/// is the hook's.
pub(super) fn attach(
    hook: &Hook,
    program: &mut Program,
    function: &str,
    btf: &Btf,
    number: usize,
) -> Result<StoodFor, ProgramError> {
    let places = (FIRST..=MOST).take(usize::from(hook.stand_ins) + 1);
    let mut places: Vec<u8> = places.collect();
    // Of a tracepoint's programs the first that was attached runs first, of a function's the last.
    if !matches!(program, Program::BtfTracePoint(_)) {
        places.reverse();
    }
    let (mut first, mut links) = (None, Vec::new());
    for place in places {
        let kind = load(program, function, btf)?;
        let loaded = program.fd()?.as_fd();
        links.push(link(loaded, kind, cookie(number, place))?);
        if place == FIRST {
            first = Some(loaded.try_clone_to_owned()?);
        }
    }
    Ok(StoodFor {
        program: hook.program,
        first: first.ok_or(ProgramError::NotLoaded)?,
        _links: links,
    })
}

/// Entries of the map `TAKEN`: enough for every number that the kernel gives a thread.
pub(super) fn entries() -> u32 {
    let most = fs::read_to_string("/proc/sys/kernel/pid_max").ok();
    let most = most.and_then(|text| text.trim().parse::<u32>().ok());
    most.unwrap_or(PID_MAX_LIMIT)
        .min(PID_MAX_LIMIT)
        .div_ceil(THREADS_OF_ENTRY)
}

/// `PID_MAX_LIMIT` of `include/linux/threads.h`.
const PID_MAX_LIMIT: u32 = 4 << 20;

/// Loads a program, once more where it is loaded already; what is attached stays in the kernel.
pub(super) fn load(
    program: &mut Program,
    function: &str,
    btf: &Btf,
) -> Result<bpf_attach_type, ProgramError> {
    let is_loaded = program.fd().is_ok();
    match program {
        Program::BtfTracePoint(program) => {
            if is_loaded {
                program.unload()?;
            }
            program.load(function, btf)?;
            Ok(bpf_attach_type::BPF_TRACE_RAW_TP)
        }
        Program::FEntry(program) => {
            if is_loaded {
                program.unload()?;
            }
            program.load(function, btf)?;
            Ok(bpf_attach_type::BPF_TRACE_FENTRY)
        }
        Program::FExit(program) => {
            if is_loaded {
                program.unload()?;
            }
            program.load(function, btf)?;
            Ok(bpf_attach_type::BPF_TRACE_FEXIT)
        }
        _ => Err(ProgramError::UnexpectedProgramType),
    }
}

/// Attaches a program to what it was loaded for, with a cookie, which aya has no way to give.
fn link(program: BorrowedFd<'_>, kind: bpf_attach_type, cookie: u64) -> io::Result<OwnedFd> {
    let mut attr = zeroed();
    attr.link_create.__bindgen_anon_1.prog_fd = program.as_raw_fd().cast_unsigned();
    attr.link_create.attach_type = kind as u32;
    attr.link_create.__bindgen_anon_3.tracing.cookie = cookie;
    // SAFETY: the argument points to nothing.
    let descriptor = unsafe { bpf(bpf_cmd::BPF_LINK_CREATE, &mut attr) }?;
    // SAFETY: the kernel has just made it for this process, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use object::{Endianness, Object, ObjectSection, ObjectSymbol, read::elf::ElfFile64};
    use whittle_schemas::record::{Family, exit::PLACES, stand_in::ALONE};

    use super::{
        super::{
            hooks::{self, Trigger},
            loader::OBJECT,
            plan::Backend,
        },
        *,
    };

    #[test]
    fn places_of_32_hooks_have_different_cookies_that_fit_into_the_byte_of_a_thread() {
        let cookies: BTreeSet<u64> = (0..32)
            .flat_map(|hook| (FIRST..=MOST).map(move |place| cookie(hook, place)))
            .collect();
        assert_eq!(cookies.len(), 32 * usize::from(MOST));
        assert!(!cookies.contains(&ALONE));
        assert!(
            cookies
                .into_iter()
                .all(|cookie| u8::try_from(cookie).is_ok())
        );
    }

    /// `call bpf_get_attach_cookie`, helper 174 of `include/uapi/linux/bpf.h`.
    const ASKS: [u8; 8] = [0x85, 0, 0, 0, 174, 0, 0, 0];

    /// The instructions of a program.
    fn code<'a>(object: &ElfFile64<'a, Endianness>, program: &str) -> Option<&'a [u8]> {
        let mut symbols = object.symbols();
        let symbol = symbols.find(|symbol| symbol.name() == Ok(program))?;
        let section = object.section_by_index(symbol.section_index()?).ok()?;
        section.data_range(symbol.address(), symbol.size()).ok()?
    }

    /// `call bpf_tail_call`, helper 12.
    const ENTERS: [u8; 8] = [0x85, 0, 0, 0, 12, 0, 0, 0];

    fn has(code: &[u8], instruction: [u8; 8]) -> bool {
        let mut instructions = code.chunks_exact(instruction.len());
        instructions.any(|one| one == instruction)
    }

    #[test]
    fn a_program_that_others_enter_has_a_tail_call_or_tasks_would_share_its_variables() {
        let object = ElfFile64::<Endianness>::parse(OBJECT).expect("the object is whole");
        let backends = [Backend::Trampoline, Backend::Syscall];
        let families = Family::ALL.into_iter();
        let hooks = families.flat_map(|family| backends.map(|backend| hooks::of(family, backend)));
        let mut at_exit = BTreeSet::new();
        for hook in hooks.flatten() {
            match hook.trigger {
                Trigger::Entered(..) => {}
                Trigger::Exited(place) => assert!(at_exit.insert(place), "{}", hook.program),
                _ if hook.has_taker => {}
                _ => continue,
            }
            let code = code(&object, hook.program).expect("the object has each hook's program");
            assert!(has(code, ENTERS), "{}", hook.program);
        }
        assert_eq!(at_exit, (0..PLACES).collect());
    }

    #[test]
    fn a_program_with_stand_ins_asks_whether_it_is_one_or_each_would_count_the_call() {
        let object = ElfFile64::<Endianness>::parse(OBJECT).expect("the object is whole");
        let backends = [Backend::Trampoline, Backend::Kprobe, Backend::Syscall];
        let families = Family::ALL.into_iter();
        let hooks = families.flat_map(|family| backends.map(|backend| hooks::of(family, backend)));
        let mut asking = 0;
        let hooks = hooks.flatten().chain([&hooks::SYS_EXIT]);
        for hook in hooks.filter(|hook| hook.stand_ins > 0) {
            let own = || hook.program.to_owned();
            let asks = hook.taker().map_or_else(own, |(taker, _)| taker);
            let code = code(&object, &asks).expect("the object has each hook's programs");
            assert!(has(code, ASKS), "{asks}");
            asking += 1;
        }
        assert!(asking > 10, "{asking} hooks have stand-ins");
    }
}
