//! The script that an interpreter runs: `python3 etl.py` is not `python3 report.py`. Found at exec, when
//! the new command line has just been written and nobody can have changed it.

use core::hint::black_box;

use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use whittle_schemas::record::{
    Text,
    counter::Reason,
    process::{INTERPRETER_NAME_BYTES, Interpreter, SCRIPT_UNKNOWN},
    subject::{PART_MODULE, PART_SCRIPT, SubjectKey},
};

use crate::{
    asked::{self, Asked},
    config::offset,
    hash::{self, mix},
    kernel::{current, read},
    lineage,
    maps::{INTERPRETERS, SCRIPTS},
    path::{self, Path},
    scratch::{self, BPF_NOEXIST, Scratch},
    subject,
};

/// Most arguments that are looked at for the script's name.
const MOST_ARGUMENTS: u32 = 16;

/// Finds the script of the program that was just executed, announces it, and gives the hash that stands
/// for it in the subject's key: 0 without a script, [`SCRIPT_UNKNOWN`] where it cannot be told.
///
/// `interpreted` is the script's path where the kernel itself started the interpreter for a `#!` line, else 0.
#[inline(always)]
pub(crate) fn find(exe: u64, interpreted: u64) -> u64 {
    find_script(exe, interpreted)
}

/// A global function, which the verifier checks once, with a stack of its own.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn find_script(exe: u64, interpreted: u64) -> u64 {
    let found = scratch::with(|scratch, slot| try_find(scratch, slot, exe, interpreted));
    found.unwrap_or(SCRIPT_UNKNOWN)
}

#[inline(always)]
fn try_find(scratch: &mut Scratch, slot: u32, exe: u64, interpreted: u64) -> Result<u64, Reason> {
    let (mut text, part) = if interpreted != 0 {
        (
            asked::read(scratch, Asked::Kernel(interpreted))?,
            PART_SCRIPT,
        )
    } else {
        let Some(rules) = interpreter(exe) else {
            return Ok(0);
        };
        match by_arguments(scratch, slot, &rules)? {
            Some(found) => found,
            None => return Ok(0),
        }
    };
    let lanes = hash::text(slot, text.asked_bytes);
    let mut id = lanes[0] ^ lanes[1].rotate_left(1) ^ u64::from(part);
    let relative = part == PART_SCRIPT && asked::is_relative(scratch);
    let directory = Path::working_directory().ok_or(Reason::SubjectUnknown)?;
    if relative {
        let identity = lineage::identity(directory).ok_or(Reason::SubjectUnknown)?;
        let lineage = lineage::of(directory).ok_or(Reason::SubjectUnknown)?;
        id ^= mix(identity ^ lineage, 0xff51_afd7_ed55_8ccd);
    }
    if id <= SCRIPT_UNKNOWN {
        id = SCRIPT_UNKNOWN + 1;
    }
    if SCRIPTS.get_ptr(id).is_some() {
        return Ok(id);
    }
    if relative {
        path::walk(slot, directory, &mut text);
    }
    subject::send(scratch, slot, id, NO_KEY, text, part)?;
    // Without an entry the script is announced again, which costs ring space and loses nothing.
    let _ = SCRIPTS.insert(id, 1, BPF_NOEXIST);
    Ok(id)
}

const NO_KEY: SubjectKey = SubjectKey {
    cgroup_id: 0,
    inode: 0,
    lineage: 0,
    device: 0,
    script: 0,
    grants: 0,
    uid: 0,
};

/// How the executable's command line leads to its script; None for what is no interpreter.
#[inline(always)]
fn interpreter(exe: u64) -> Option<Interpreter> {
    let dentry: u64 = read(exe, offset!(file_path_dentry))?;
    let length: u32 = read(dentry, offset!(dentry_name_len))?;
    if length as usize >= INTERPRETER_NAME_BYTES {
        return None;
    }
    let from: u64 = read(dentry, offset!(dentry_name))?;
    let mut name = [0u8; INTERPRETER_NAME_BYTES];
    // SAFETY: `name` has that many bytes.
    unsafe {
        bpf_probe_read_kernel_str(
            name.as_mut_ptr().cast(),
            INTERPRETER_NAME_BYTES as u32,
            from as *const _,
        )
    };
    // SAFETY: only the agent writes this map, before any program is attached.
    unsafe { INTERPRETERS.get(name) }.copied()
}

/// The first argument that is no option, or what a module option names, at the start of the text.
#[inline(always)]
fn by_arguments(
    scratch: &mut Scratch,
    slot: u32,
    interpreter: &Interpreter,
) -> Result<Option<(Text, u32)>, Reason> {
    let mm: u64 = read(current(), offset!(task_mm)).ok_or(Reason::SubjectUnknown)?;
    scratch.arguments = Arguments {
        at: read(mm, offset!(mm_arg_start)).ok_or(Reason::SubjectUnknown)?,
        end: read(mm, offset!(mm_arg_end)).ok_or(Reason::SubjectUnknown)?,
        inline_letters: interpreter.inline_letters,
        module_letters: interpreter.module_letters,
        value_letters: interpreter.value_letters,
        text: path::EMPTY,
    };
    let mut expected = PROGRAM_NAME;
    let mut index = 0;
    while index < MOST_ARGUMENTS {
        expected = look_at_argument(slot, expected);
        match expected {
            SCRIPT => return Ok(Some((looked_at(slot)?, PART_SCRIPT))),
            MODULE_NAME => return Ok(Some((looked_at(slot)?, PART_MODULE))),
            NOTHING => return Ok(None),
            FAULT => return Err(Reason::SubjectUnknown),
            _ => index += 1,
        }
    }
    Ok(None)
}

/// The text of the argument that was looked at last. The memory is asked for again: who looked had it to itself.
#[inline(always)]
fn looked_at(slot: u32) -> Result<Text, Reason> {
    let scratch = scratch::of(slot).ok_or(Reason::Nested)?;
    Ok(scratch.arguments.text)
}

/// The command line that is looked at, and the interpreter's rules for it. In the slot, for the verifier would follow each member through
/// every turn of the loop.
#[repr(C)]
pub(crate) struct Arguments {
    at: u64,
    end: u64,
    inline_letters: u64,
    module_letters: u64,
    value_letters: u64,
    /// Of the argument that was looked at last.
    text: Text,
}

/// What the next argument is.
const PROGRAM_NAME: u32 = 0;
const ANY: u32 = 1;
const VALUE: u32 = 2;
const MODULE: u32 = 3;
/// What the argument was: the search is over.
const SCRIPT: u32 = 4;
const MODULE_NAME: u32 = 5;
/// There is no script: the code itself follows, or comes from standard input, or the command line has ended.
const NOTHING: u32 = 6;
const FAULT: u32 = 7;

/// Looks at one argument: gives what it is, or what it makes of the next one. A global function, which the verifier checks once.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn look_at_argument(slot: u32, expected: u32) -> u32 {
    let Some(scratch) = scratch::of(slot) else {
        return FAULT;
    };
    let at = scratch.arguments.at;
    if at >= scratch.arguments.end {
        return NOTHING;
    }
    let Ok(text) = asked::read(scratch, Asked::User(at)) else {
        return FAULT;
    };
    scratch.arguments.text = text;
    scratch.arguments.at = at + u64::from(text.asked_bytes) + 1;
    match expected {
        PROGRAM_NAME | VALUE => ANY,
        MODULE => MODULE_NAME,
        _ => option(scratch, &text),
    }
}

#[inline(always)]
fn option(scratch: &mut Scratch, text: &Text) -> u32 {
    // SAFETY: the text has at least one byte: the NUL; and the mask of `text` keeps any other inside.
    let (first, second) = unsafe { (scratch.text(0).read(), scratch.text(1).read()) };
    if first != b'-' {
        return SCRIPT;
    }
    if text.asked_bytes < 2 {
        return NOTHING;
    }
    if second == b'-' {
        return ANY;
    }
    // Opaque, or the compiler leaves the mask out for bounds that the verifier of 6.1 does not see.
    let last = black_box(text.asked_bytes.wrapping_sub(1) as usize);
    // SAFETY: the mask of `text` keeps it inside.
    let last = unsafe { scratch.text(last).read() };
    let letter = last.wrapping_sub(b'A');
    let bit = if letter < 64 { 1u64 << letter } else { 0 };
    if scratch.arguments.inline_letters & bit != 0 {
        return NOTHING;
    }
    if scratch.arguments.module_letters & bit != 0 {
        return MODULE;
    }
    if scratch.arguments.value_letters & bit != 0 {
        return VALUE;
    }
    ANY
}
