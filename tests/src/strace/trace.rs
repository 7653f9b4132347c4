//! A log as accesses: what each call did, in which process and from which working directory.

use std::collections::HashMap;

use whittle_schemas::table::Outcome;

use super::{
    Error, address,
    call::{self, Call, Returned, decorated_path, path_of, text_of},
    change::{self, Object},
    executable,
    word::{named, outcome, words},
};
use crate::access::{self, Tally};

/// What strace saw.
#[derive(Debug, Default)]
pub struct Trace {
    /// Accesses of the command and its children, without the exec by which strace started the command.
    pub tally: Tally,
    /// What that exec executed.
    pub started: Vec<Vec<u8>>,
    /// Calls that no observer can tell the end of: the thread died in them, or they were restarted.
    pub endless: Vec<Call>,
    /// Processes, without threads.
    pub processes: usize,
}

/// Reads a log of a command that was started in `folder`.
///
/// # Errors
/// [`Error`] for a line or an argument of a form that is not known.
pub fn read(log: &str, folder: &[u8]) -> Result<Trace, Error> {
    let mut reader = Reader {
        trace: Trace::default(),
        threads: HashMap::new(),
        folders: vec![folder.to_vec()],
        listening: HashMap::new(),
    };
    for call in call::read(log)? {
        reader.call(call)?;
    }
    // A socket that listens without a bind has no address before the call, and none is printed.
    for outcome in reader.listening.into_values() {
        access::add(&mut reader.trace.tally, ["listen"], Vec::new(), outcome, 1);
    }
    Ok(reader.trace)
}

/// A thread: its process, and which of the working directories it shares.
#[derive(Clone, Copy)]
struct Thread {
    tgid: u32,
    folder: usize,
}

struct Reader {
    trace: Trace,
    threads: HashMap<u32, Thread>,
    folders: Vec<Vec<u8>>,
    /// Sockets that listen at an address that is not known, by process and descriptor.
    listening: HashMap<(u32, String), Outcome>,
}

impl Reader {
    fn call(&mut self, call: Call) -> Result<(), Error> {
        if self.threads.is_empty() {
            self.threads.insert(
                call.id,
                Thread {
                    tgid: call.id,
                    folder: 0,
                },
            );
            self.trace.processes = 1;
        }
        let thread = *self.threads.entry(call.id).or_insert(Thread {
            tgid: call.id,
            folder: 0,
        });
        if call.result == Returned::Nothing {
            self.trace.endless.push(call);
            return Ok(());
        }
        if let Some(current) = call
            .arguments
            .first()
            .and_then(|argument| argument.strip_prefix("AT_FDCWD<"))
        {
            self.folders[thread.folder] =
                decorated_path(&format!("<{current}")).ok_or_else(|| unknown(&call, 0))?;
        }
        match call.name.as_str() {
            "clone" | "clone3" | "fork" | "vfork" => self.started(thread, &call),
            "chdir" | "fchdir" => self.moved(thread, &call)?,
            "execve" | "execveat" => self.executed(thread, &call)?,
            "connect" | "bind" => self.addressed(thread, &call, 1)?,
            "sendto" => self.addressed(thread, &call, 4)?,
            "sendmsg" | "sendmmsg" => self.sent(thread, &call)?,
            "listen" => self.listened(thread, &call),
            "accept" | "accept4" => self.accepted(thread, &call)?,
            "getsockname" => self.named(thread, &call),
            _ => match change::of(&call) {
                Some(changes) => self.changed(thread, &call, &changes)?,
                None => self.opened(thread, &call)?,
            },
        }
        Ok(())
    }

    fn started(&mut self, parent: Thread, call: &Call) {
        let Returned::Value { value, .. } = call.result else {
            return;
        };
        let id = u32::try_from(value).expect("a thread id is 32 bits wide");
        let has = |flag: &str| {
            call.arguments
                .iter()
                .any(|argument| argument.contains(flag))
        };
        let folder = if has("CLONE_FS") {
            parent.folder
        } else {
            self.folders.push(self.folders[parent.folder].clone());
            self.folders.len() - 1
        };
        let tgid = if has("CLONE_THREAD") { parent.tgid } else { id };
        self.trace.processes += usize::from(tgid == id);
        self.threads.insert(id, Thread { tgid, folder });
    }

    fn moved(&mut self, thread: Thread, call: &Call) -> Result<(), Error> {
        if matches!(call.result, Returned::Value { .. }) {
            let folder = match call.name.as_str() {
                "chdir" => text_of(&call.arguments[0])
                    .map(|asked| path_of(&self.folders[thread.folder], &asked)),
                _ => folder(&call.arguments[0]),
            };
            self.folders[thread.folder] =
                executable::resolved(&folder.ok_or_else(|| unknown(call, 0))?);
        }
        Ok(())
    }

    fn executed(&mut self, thread: Thread, call: &Call) -> Result<(), Error> {
        let (folder, asked) = match call.name.as_str() {
            "execve" => (self.folders[thread.folder].clone(), 0),
            _ => (
                folder(&call.arguments[0]).ok_or_else(|| unknown(call, 0))?,
                1,
            ),
        };
        let asked = text_of(&call.arguments[asked]).ok_or_else(|| unknown(call, asked))?;
        let outcome = outcome(&call.result);
        let found = match outcome {
            // execveat with AT_EMPTY_PATH runs the descriptor itself.
            _ if asked.is_empty() => vec![folder],
            Outcome::Allowed => executable::resources(&folder, &asked),
            _ => vec![path_of(&folder, &asked)],
        };
        if self.trace.started.is_empty() && outcome == Outcome::Allowed {
            self.trace.started = found;
            return Ok(());
        }
        // A script that interprets a script is neither the first nor the last file: `compare` knows it.
        let last = found.len() - 1;
        for (at, resource) in found.into_iter().enumerate() {
            let words: &[&str] = if at == 0 || at == last {
                &["execute"]
            } else {
                &["execute", "between"]
            };
            let words = words.iter().copied();
            access::add(&mut self.trace.tally, words, resource, outcome, 1);
        }
        Ok(())
    }

    fn opened(&mut self, thread: Thread, call: &Call) -> Result<(), Error> {
        let (folder, asked, flags) = match call.name.as_str() {
            "open" => (
                self.folders[thread.folder].clone(),
                0,
                call.arguments[1].as_str(),
            ),
            "creat" => (
                self.folders[thread.folder].clone(),
                0,
                "O_WRONLY|O_CREAT|O_TRUNC",
            ),
            "openat" | "openat2" => (
                folder(&call.arguments[0]).ok_or_else(|| unknown(call, 0))?,
                1,
                call.arguments[2].as_str(),
            ),
            "open_by_handle_at" => (Vec::new(), 1, call.arguments[2].as_str()),
            _ => {
                return Err(Error::Line(format!(
                    "{}({})",
                    call.name,
                    call.arguments.join(", ")
                )));
            }
        };
        let flags = flags
            .trim_start_matches("{flags=")
            .split(',')
            .next()
            .unwrap_or_default();
        let resource = match &call.result {
            Returned::Value { decoration, .. } => {
                let path = decorated_path(decoration).ok_or_else(|| Error::Argument {
                    call: call.name.clone(),
                    argument: format!("result {decoration}"),
                })?;
                named(path, thread.tgid)
            }
            _ => path_of(
                &folder,
                &text_of(&call.arguments[asked]).ok_or_else(|| unknown(call, asked))?,
            ),
        };
        access::add(
            &mut self.trace.tally,
            words(flags),
            resource,
            outcome(&call.result),
            1,
        );
        Ok(())
    }

    fn changed(
        &mut self,
        thread: Thread,
        call: &Call,
        changes: &[change::Change],
    ) -> Result<(), Error> {
        for change in changes {
            let path = |argument: usize| {
                let text = call.arguments.get(argument).and_then(|text| text_of(text));
                text.ok_or_else(|| unknown(call, argument))
            };
            let of_folder = |argument: usize| {
                folder(&call.arguments[argument]).ok_or_else(|| unknown(call, argument))
            };
            let resource = match change.object {
                Object::Path(argument) => path_of(&self.folders[thread.folder], &path(argument)?),
                Object::At(folder, argument) => path_of(&of_folder(folder)?, &path(argument)?),
                Object::Descriptor(argument) => named(of_folder(argument)?, thread.tgid),
            };
            let outcome = outcome(&call.result);
            access::add(&mut self.trace.tally, [change.action], resource, outcome, 1);
        }
        Ok(())
    }

    fn addressed(&mut self, thread: Thread, call: &Call, at: usize) -> Result<(), Error> {
        let action = if call.name == "sendto" {
            "send"
        } else {
            &call.name
        };
        let structure = call.arguments.get(at).ok_or_else(|| unknown(call, 0))?;
        if structure.starts_with('{') {
            let resource =
                address::resource(structure, &call.arguments[0], &self.folders[thread.folder]);
            let resource = resource.ok_or_else(|| unknown(call, at))?;
            access::add(
                &mut self.trace.tally,
                [action],
                resource,
                outcome(&call.result),
                1,
            );
        }
        Ok(())
    }

    fn sent(&mut self, thread: Thread, call: &Call) -> Result<(), Error> {
        // sendmmsg returns how many messages it sent; those after them were not tried.
        let tried = match call.result {
            Returned::Value { value, .. } if call.name == "sendmmsg" => {
                usize::try_from(value).unwrap_or(0)
            }
            _ => 1,
        };
        for message in call.arguments[1].split("msg_name=").skip(1).take(tried) {
            let Some(structure) = call::braced(message) else {
                continue;
            };
            let resource =
                address::resource(structure, &call.arguments[0], &self.folders[thread.folder]);
            let resource = resource.ok_or_else(|| unknown(call, 1))?;
            access::add(
                &mut self.trace.tally,
                ["send"],
                resource,
                outcome(&call.result),
                1,
            );
        }
        Ok(())
    }

    fn listened(&mut self, thread: Thread, call: &Call) {
        let outcome = outcome(&call.result);
        match address::bound(&call.arguments[0], &self.folders[thread.folder]) {
            Some(resource) => {
                access::add(&mut self.trace.tally, ["listen"], resource, outcome, 1);
            }
            // Before 6.8 the kernel tells nobody the address of a TCP socket that does not listen yet: the
            // program may ask for it afterwards.
            None => {
                self.listening
                    .insert((thread.tgid, descriptor(call)), outcome);
            }
        }
    }

    /// Only a connection that came says whom it let in.
    fn accepted(&mut self, thread: Thread, call: &Call) -> Result<(), Error> {
        if let Returned::Value { decoration, .. } = &call.result {
            let folder = &self.folders[thread.folder];
            let resource = address::connected(decoration, folder);
            let resource = resource.ok_or_else(|| Error::Argument {
                call: call.name.clone(),
                argument: format!("result {decoration}"),
            })?;
            access::add(
                &mut self.trace.tally,
                ["accept"],
                resource,
                Outcome::Allowed,
                1,
            );
        }
        Ok(())
    }

    fn named(&mut self, thread: Thread, call: &Call) {
        let place = (thread.tgid, descriptor(call));
        let folder = &self.folders[thread.folder];
        let resource = call
            .arguments
            .get(1)
            .and_then(|structure| address::resource(structure, &call.arguments[0], folder));
        if let (Some(resource), Some(outcome)) = (resource, self.listening.remove(&place)) {
            access::add(&mut self.trace.tally, ["listen"], resource, outcome, 1);
        }
    }
}

/// `3` of `3<TCP:[20394]>`.
fn descriptor(call: &Call) -> String {
    let argument = &call.arguments[0];
    argument.split('<').next().unwrap_or(argument).to_owned()
}

fn unknown(call: &Call, argument: usize) -> Error {
    let argument = call.arguments.get(argument).cloned().unwrap_or_default();
    Error::Argument {
        call: call.name.clone(),
        argument,
    }
}

/// The path of a folder descriptor, `AT_FDCWD<...>` or `5<...>`; empty for one that is not open.
fn folder(argument: &str) -> Option<Vec<u8>> {
    match argument.find('<') {
        Some(start) => decorated_path(&argument[start..]),
        None => argument.parse::<i32>().is_ok().then(Vec::new),
    }
}

#[cfg(test)]
mod tests;
