//! Reading plaintext at OpenSSL's functions: which files have them, and attaching the probes to those files. A probe
//! belongs to the file and fires in every process that maps it; it asks first whether the process is watched.
//!
//! Files are found before the first call where that can be: the system's own at the start, those beside an executable
//! when it starts, any other when a watched process opens it.

mod functions;
mod places;
mod shelf;

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    os::{fd::AsRawFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
};

use aya::{
    Ebpf,
    programs::{
        ProgramError, UProbe,
        uprobe::{UProbeAttachLocation, UProbeScope},
    },
};

use functions::{NAMES, Offsets};
use shelf::Shelf;

use super::{Scope, support::innermost};

/// Most files that are attached to: stops a workload that makes libraries from filling the kernel with probes.
const MOST_FILES: usize = 64;

/// Most files that are remembered as having been looked into.
const MOST_KNOWN: usize = 65_536;

/// The probes of each function of [`NAMES`]: at its entry, and at its return.
const PROBES: [(&str, Option<&str>); NAMES.len()] = [
    ("tls_enter", Some("tls_write")),
    ("tls_enter", Some("tls_write_ex")),
    ("tls_enter", Some("tls_write_ex2")),
    ("tls_enter", Some("tls_read")),
    ("tls_enter", Some("tls_read_ex")),
    ("tls_free", None),
];

/// A file with OpenSSL in it, and what came of attaching to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpensslFile {
    /// Where it was found.
    pub path: PathBuf,
    /// Functions that are probed.
    pub functions: Vec<&'static str>,
    /// Why it is not read, or not in full; None where it is.
    pub error: Option<String>,
}

/// What is known of OpenSSL in the programs of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpensslUse {
    /// It opened no library of OpenSSL, and has none linked in that could be found.
    NotFound,
    /// It has one that is read, since this time on `CLOCK_BOOTTIME`: what it said before is not.
    ReadSince(u64),
    /// It has one that could not be attached to.
    Refused,
}

/// Device and inode.
type FileId = (u64, u64);

/// The files that are read, and those that need not be looked into again.
#[derive(Debug, Default)]
pub(super) struct Openssl {
    is_loaded: bool,
    shelf: Shelf,
    refused: Option<String>,
    files: Vec<OpensslFile>,
    known: HashMap<FileId, Option<OpensslUse>>,
    paths: HashSet<PathBuf>,
    subjects: HashMap<u64, OpensslUse>,
}

impl Openssl {
    /// Loads the probes, and attaches them to the libraries of the system and, where all processes are watched, to what
    /// they have mapped.
    pub(super) fn start(&mut self, object: &mut Ebpf, scope: Scope) {
        for (entry, exit) in PROBES {
            for name in [Some(entry), exit].into_iter().flatten() {
                if let Err(error) = load(object, name) {
                    tracing::warn!(%error, name, "probe");
                    let why = innermost(&error);
                    self.refused = Some(format!(
                        "OpenSSL is not read: the kernel refused `{name}` ({why})"
                    ));
                    return;
                }
            }
        }
        self.is_loaded = true;
        self.shelf = Shelf::new();
        let mut places = places::of_system();
        if scope == Scope::All {
            places.extend(places::of_running());
        }
        for path in places {
            self.look(object, &path);
        }
    }

    /// Why nothing is read, where the kernel refused the probes.
    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Looks into an executable and the libraries beside it.
    pub(super) fn look_into_executable(&mut self, object: &mut Ebpf, path: &Path) {
        self.look(object, path);
        for library in places::of_executable(path) {
            self.look(object, &library);
        }
    }

    /// A process of a subject executes a file.
    pub(super) fn executed(&mut self, object: &mut Ebpf, subject: u64, tgid: u32, path: &Path) {
        if !self.is_loaded {
            return;
        }
        let inside = places::of_mount(tgid, path);
        let found = self.look(object, &inside);
        self.found(subject, found);
        if self.paths.len() < MOST_KNOWN && self.paths.insert(path.to_owned()) {
            for library in places::of_executable(&inside) {
                self.look(object, &library);
            }
        }
    }

    /// A process of a subject opened a file.
    pub(super) fn opened(&mut self, object: &mut Ebpf, subject: u64, tgid: u32, path: &Path) {
        if self.is_loaded && places::may_be_library(path) {
            let mut found = self.look(object, &places::of_mount(tgid, path));
            if found.is_none() {
                // The process may have ended meanwhile.
                found = self.look(object, path);
            }
            self.found(subject, found);
        }
    }

    /// What is known of OpenSSL in a subject.
    pub(super) fn of_subject(&self, subject: u64) -> OpensslUse {
        let known = self.subjects.get(&subject);
        known.copied().unwrap_or(OpensslUse::NotFound)
    }

    /// The files with OpenSSL in them.
    pub(super) fn files(&self) -> &[OpensslFile] {
        &self.files
    }

    fn found(&mut self, subject: u64, found: Option<OpensslUse>) {
        let Some(found) = found else { return };
        if self.subjects.len() < MOST_KNOWN {
            self.subjects.entry(subject).or_insert(found);
        }
    }

    /// Looks into a file that was not looked into yet; None where it has no OpenSSL, or is gone.
    fn look(&mut self, object: &mut Ebpf, path: &Path) -> Option<OpensslUse> {
        if !self.is_loaded {
            return None;
        }
        let file = File::open(path).ok()?;
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let id = (metadata.dev(), metadata.ino());
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        let found = self.look_inside(object, path, &file);
        if self.known.len() < MOST_KNOWN {
            self.known.insert(id, found);
        }
        found
    }

    fn look_inside(&mut self, object: &mut Ebpf, path: &Path, file: &File) -> Option<OpensslUse> {
        let offsets = match functions::find(file) {
            Ok(offsets) => offsets?,
            Err(error) => {
                tracing::debug!(path = %path.display(), %error, "symbols");
                return None;
            }
        };
        let attached = if self.files.len() < MOST_FILES {
            attach(object, &mut self.shelf, file, &offsets)
        } else {
            Err(format!(
                "whittle reads OpenSSL in {MOST_FILES} files at most"
            ))
        };
        let functions = NAMES
            .iter()
            .zip(offsets)
            .filter(|(_, offset)| offset.is_some());
        let (functions, error) = match attached {
            Ok(()) => (functions.map(|(name, _)| *name).collect(), None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let found = if error.is_none() {
            OpensslUse::ReadSince(now_ns())
        } else {
            OpensslUse::Refused
        };
        tracing::debug!(path = %path.display(), ?functions, ?error, "OpenSSL");
        if self.files.len() < 2 * MOST_FILES {
            self.files.push(OpensslFile {
                path: path.to_owned(),
                functions,
                error,
            });
        }
        Some(found)
    }
}

fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

fn program<'a>(object: &'a mut Ebpf, name: &str) -> Result<&'a mut UProbe, ProgramError> {
    let program = object.program_mut(name).ok_or(ProgramError::NotLoaded)?;
    program.try_into()
}

fn load(object: &mut Ebpf, name: &str) -> Result<(), ProgramError> {
    match program(object, name)?.load() {
        // It is the probe of more than one function.
        Err(ProgramError::AlreadyLoaded) => Ok(()),
        result => result,
    }
}

/// Attaches to all functions of a file: to returns before entries, so that no call is seen begin and not end.
fn attach(
    object: &mut Ebpf,
    shelf: &mut Shelf,
    file: &File,
    offsets: &Offsets,
) -> Result<(), String> {
    // The file that was looked into, whatever its path means by now.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let probes = || PROBES.iter().zip(offsets);
    let exits = probes().filter_map(|((_, exit), offset)| Some(((*exit)?, (*offset)?)));
    let entries = probes().filter_map(|((entry, _), offset)| Some((*entry, (*offset)?)));
    for (name, offset) in exits.chain(entries) {
        program(object, name)
            .and_then(|program| attach_probe(program, shelf, &path, offset))
            .map_err(|error| format!("the kernel refused a probe there: {}", innermost(&error)))?;
    }
    Ok(())
}

fn attach_probe(
    program: &mut UProbe,
    shelf: &mut Shelf,
    path: &str,
    offset: u64,
) -> Result<(), ProgramError> {
    let location = || UProbeAttachLocation::AbsoluteOffset(offset);
    let link = program.attach(location(), path, UProbeScope::AllProcesses)?;
    if shelf.is_there() && !shelf.put(program, link) {
        program.attach(location(), path, UProbeScope::AllProcesses)?;
    }
    Ok(())
}
