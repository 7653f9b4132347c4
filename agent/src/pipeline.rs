//! The wiring, from the kernel to Parquet: the one module that knows every stage. `calls` is the way of connections and
//! their calls, `pace` says when to look into the ring, `wait` waits, `rows` makes
//! tables of a window, `end` ends a window, `writer` writes it, `forget` keeps memory bounded.

mod calls;
mod end;
mod forget;
mod pace;
mod rows;
mod wait;
mod writer;

use std::{
    ffi::OsStr,
    mem,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags},
    fd::{AsFd, BorrowedFd},
    process::{DumpableBehavior, set_dumpable_behavior},
};
use whittle_schemas::{record::Family, table::Outcome};

use crate::{
    clock,
    conversation::Conversations,
    decode::Decoder,
    identity::{self, Identities},
    kernel::{self, Backend, Counts, KernelError, Limits, Plan, Probes, Scope, Wanted, WokenBy},
    model::{Clock, Event, ScriptSeen, Subject, Touch},
    sink::{self, Place, Touched},
    window::{Frame, Usage, Window, subject_row},
};
use pace::Pace;
use writer::{Who, Writer};

/// What to record, and where to.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data root.
    pub root: PathBuf,
    /// Names of the place.
    pub place: Place,
    /// Whom to watch.
    pub scope: Scope,
    /// Bounds of the kernel's maps.
    pub limits: Limits,
    /// What the user asked for of the probes.
    pub wanted: Wanted,
    /// How long a window is.
    pub window: Duration,
}

/// Why recording could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The probes.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The files.
    #[error(transparent)]
    Sink(#[from] sink::Error),
    /// Waiting for records.
    #[error(
        "the kernel's records cannot be waited for ({0}): run it again, and report it where that does not help"
    )]
    Wait(#[source] rustix::io::Errno),
}

/// High half of the script ids that the agent gives itself. The probes' own are hashes: one of them has this
/// half once in four billion scripts.
const ADOPTED: u64 = 0xad09_7ed0 << 32;

/// Records that are read in a row: a workload that fills the ring as fast as it is read must not keep the recorder
/// from the end of a window, or of the command.
const TURN: usize = 4_096;

/// What a recording left behind.
#[derive(Debug, Default)]
pub struct Recording {
    /// The Parquet files.
    pub files: Vec<PathBuf>,
    /// Records of the kernel that could not be decoded.
    pub undecodable: u64,
}

/// A running recording.
pub struct Recorder {
    config: Config,
    probes: Probes,
    identities: Identities,
    conversations: Conversations,
    /// One per generation of the kernel's usage map.
    windows: [Window; 2],
    writer: Writer,
    /// Of each generation, as read when its last window ended.
    counted: [Counts; 2],
    /// As it was when the running window began: what somebody sets meanwhile is for the next one.
    clock: Clock,
    /// Which generation is the running window's.
    current: usize,
    start_boottime_ns: u64,
    pace: Pace,
    decoder: Decoder,
    /// Records that could not be decoded.
    undecodable: u64,
    /// Of these, the ones that no window has counted as lost yet.
    unexplained: u64,
    /// Connects that were told of in the last window, for they had not ended.
    unended: u64,
}

impl Recorder {
    /// Attaches the probes and opens the spool.
    ///
    /// # Errors
    /// The folder cannot be written, or the kernel refuses.
    pub fn start(config: Config) -> Result<Self, RecordError> {
        let mut identities = Identities::new();
        let found = sink::root::found(&config.root);
        sink::root::prepare(&config.root)?;
        let attached = attach(&config, &mut identities).map_err(RecordError::from);
        // The first window begins where probes watch: attaching them takes its time.
        let (clock, start_boottime_ns) = (clock::now(), clock::boottime_ns());
        let started = attached.and_then(|probes| {
            let start_us = clock.utc_us(start_boottime_ns);
            let (root, place) = (config.root.clone(), config.place.clone());
            let writer = Writer::create(root, place, start_us, config.window)?;
            Ok((probes, writer))
        });
        let (probes, writer) = started.inspect_err(|_| sink::root::abandon(&config.root, found))?;
        kernel::give_back();
        Ok(Self {
            config,
            probes,
            identities,
            conversations: Conversations::new(),
            windows: [Window::default(), Window::default()],
            writer,
            counted: [Counts::default(), Counts::default()],
            clock,
            current: 0,
            start_boottime_ns,
            pace: Pace::default(),
            decoder: Decoder::default(),
            undecodable: 0,
            unexplained: 0,
            unended: 0,
        })
    }

    /// Watches a process and what it forks from now on.
    ///
    /// # Errors
    /// The kernel's map of processes cannot be written.
    pub fn watch(&mut self, tgid: u32) -> Result<(), RecordError> {
        Ok(self.probes.watch(tgid)?)
    }

    /// Watches a process from its next exec on, and what it forks then.
    ///
    /// # Errors
    /// The kernel's map of processes cannot be written.
    pub fn watch_from_exec(&mut self, tgid: u32) -> Result<(), RecordError> {
        Ok(self.probes.watch_from_exec(tgid)?)
    }

    /// Says what program is about to be started, so that it can be read from its first call on.
    pub fn expect(&mut self, executable: &Path) {
        self.probes.expect(executable);
    }

    /// Processes that are watched now.
    ///
    /// # Errors
    /// The kernel's map of processes cannot be read.
    pub fn watched(&self) -> Result<Vec<u32>, RecordError> {
        Ok(self.probes.watched()?)
    }

    /// What each hook family got, and why.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.probes.attached().plan
    }

    /// Records until one of `until` is readable, and says which one (its index). Ends windows in time.
    ///
    /// # Errors
    /// The kernel's maps or the wait fail. File errors are kept until [`Self::finish`].
    pub fn run(&mut self, until: &[BorrowedFd<'_>]) -> Result<usize, RecordError> {
        // From here on memory holds what programs say: no core dump may, and no other user's debugger.
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(%error, "PR_SET_DUMPABLE");
        }
        loop {
            let records = self.read_ring(TURN);
            self.writer.flush();
            let now_ns = clock::boottime_ns();
            let left = self.left_of_window(now_ns);
            if left.is_zero() {
                self.end_window()?;
                self.forget_the_gone()?;
                continue;
            }
            if records < TURN {
                self.forget_the_gone()?;
            }
            let ready = match records {
                0 => self.wait(until, left, WokenBy::Any)?,
                TURN.. => wait::wait(&mut wait::polled(until), Duration::ZERO)?,
                _ => match self.pace.looked(now_ns) {
                    None => self.wait(until, left.min(pace::LATER), WokenBy::Urgent)?,
                    Some(rest) => wait::wait(&mut wait::polled(until), rest.min(left))?,
                },
            };
            if let Some(index) = ready {
                return Ok(index);
            }
        }
    }

    /// Ends the last window and takes the probes out of the kernel.
    ///
    /// # Errors
    /// The first error that a window's files met; what was written before stays readable.
    pub fn finish(mut self) -> Result<Recording, RecordError> {
        let last = self.turn()?;
        self.end_connects(last.generation)?;
        self.end_conversations(last.generation);
        self.write_window(&last)?;
        Ok(Recording {
            files: self.writer.finish()?,
            undecodable: self.undecodable,
        })
    }

    /// Nothing where the window is full.
    fn left_of_window(&self, now_ns: u64) -> Duration {
        if self.windows[self.current].is_full() {
            return Duration::ZERO;
        }
        let passed = Duration::from_nanos(now_ns.saturating_sub(self.start_boottime_ns));
        self.config.window.saturating_sub(passed)
    }

    /// None: records are there, or the window is over.
    fn wait(
        &mut self,
        until: &[BorrowedFd<'_>],
        left: Duration,
        by: WokenBy,
    ) -> Result<Option<usize>, RecordError> {
        let Some(ring) = self.probes.ring.waiting(by) else {
            // What is waited for beside the ring is looked at all the same.
            return wait::wait(&mut wait::polled(until), Duration::ZERO);
        };
        // The ring comes last, so that the others keep their numbers.
        let mut wanted = wait::polled(until);
        wanted.push(PollFd::from_borrowed_fd(ring.as_fd(), PollFlags::IN));
        let ready = wait::wait(&mut wanted, left)?;
        Ok(ready.filter(|index| *index < until.len()))
    }

    /// Reads the ring empty, or as many records; says how many there were.
    fn read_ring(&mut self, most: usize) -> usize {
        // Apart from the rest, for what it decodes is in its memory.
        let mut decoder = mem::take(&mut self.decoder);
        let count = (0..most)
            .find(|_| !self.read_record(&mut decoder))
            .unwrap_or(most);
        self.decoder = decoder;
        count
    }

    /// Whether there was one.
    fn read_record(&mut self, decoder: &mut Decoder) -> bool {
        let Some(event) = self.probes.ring.read(|record| decoder.decode(record)) else {
            return false;
        };
        match event {
            Ok(Event::Script(seen)) => self.identities.script(seen),
            Ok(Event::Subject(seen)) => {
                let executable = Path::new(OsStr::from_bytes(&seen.executable));
                self.probes.executed(seen.id, seen.tgid, executable);
                self.identities.subject(&seen, self.clock);
            }
            Ok(Event::Touch(touch)) => self.touch(&touch),
            Ok(Event::Opened(opened)) => self.opened(&opened),
            Ok(Event::Payload(payload)) => self.payload(&payload),
            Ok(Event::Closed(closed)) => self.closed(&closed),
            Err(error) => {
                tracing::debug!(%error, "record");
                self.undecodable += 1;
                self.unexplained += 1;
            }
        }
        true
    }

    fn touch(&mut self, touch: &Touch<'_>) {
        let family = touch.deed.family;
        if family == Family::File && touch.deed.outcome == Outcome::Allowed {
            let path = Path::new(OsStr::from_bytes(&touch.resource));
            self.probes.opened(touch.key.subject, touch.tgid, path);
        }
        let generation = touch.generation & 1;
        let window = &mut self.windows[generation];
        let at_us = self.clock.utc_us(touch.boottime_ns);
        let Some(subject) = self.identities.subject_of(touch.key.subject) else {
            window.lose(family, 1);
            return;
        };
        let Some(Usage {
            doing, resource, ..
        }) = window.add(&subject, touch)
        else {
            return;
        };
        // For the case that this process dies before the window ends.
        let backend = || backend_name(&self.probes.attached().plan, family);
        let touched = || Touched::new(&doing.subject, &doing.deed, resource, backend(), at_us);
        // Of both windows, of which records may come in turns.
        let number = (generation as u64) << 32 | u64::from(doing.number);
        self.writer.spool(
            who(&subject),
            |spool| spool.touch(number, resource, at_us, touched),
            || {
                let start_us = self.clock.utc_us(self.start_boottime_ns);
                let frame = frame(start_us, at_us, &self.config.place, self.clock);
                subject_row(&subject, &frame, at_us, at_us)
            },
        );
    }

    /// What the rows of the running window share, were it to end now.
    fn frame(&self, end_us: i64) -> Frame {
        let start_us = self.clock.utc_us(self.start_boottime_ns);
        frame(start_us, end_us, &self.config.place, self.clock)
    }
}

fn frame(start_us: i64, end_us: i64, place: &Place, clock: Clock) -> Frame {
    Frame {
        start_us,
        end_us,
        cluster: place.cluster.clone(),
        node: place.node.clone(),
        clock,
    }
}

/// A subject as the writer knows it: the windows keep it where it is until they end.
fn who(subject: &Rc<Subject>) -> Who {
    Who(Rc::as_ptr(subject).addr())
}

/// Attaches the probes. Where all processes are watched, it tells them what scripts run already: what a process
/// executes from now on they see themselves.
fn attach(config: &Config, identities: &mut Identities) -> Result<Probes, KernelError> {
    let mut probes = kernel::load(config.scope, config.limits, config.wanted)?;
    if config.scope == Scope::All {
        for process in identity::running() {
            let Some(name) = process.script else { continue };
            let id = ADOPTED | u64::from(process.tgid);
            identities.script(ScriptSeen { id, name });
            probes.adopt(process.tgid, id)?;
        }
    }
    Ok(probes)
}

fn backend_name(plan: &Plan, family: Family) -> &'static str {
    let of_family = plan.families.iter().find(|entry| entry.family == family);
    of_family
        .and_then(|entry| entry.backend)
        .map_or("none", Backend::name)
}
