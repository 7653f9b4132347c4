//! The wiring, from the kernel to Parquet: the one file that knows every stage.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    rc::Rc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsFd, BorrowedFd},
    time::{ClockId, clock_gettime},
};
use whittle_schemas::{
    record::Family,
    table::{SubjectRow, Tables},
};

use crate::{
    decode,
    identity::{self, Identities},
    kernel::{self, Backend, Counts, KernelError, Limits, Plan, Probes, Scope},
    model::{Clock, Event, ScriptSeen, Subject, Touch},
    sink::{self, Append, Place, Spool},
    window::{Added, FamilyCoverage, Frame, Usage, Window, coverage_row, subject_row, usage_row},
};

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
    /// A backend that the user asked for.
    pub backend: Option<Backend>,
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
    #[error("waiting for the kernel failed: {0}")]
    Wait(#[source] rustix::io::Errno),
}

/// High half of the script ids that the agent gives itself. The probes' own are hashes: one of them has this
/// half once in four billion scripts.
const ADOPTED: u64 = 0xad09_7ed0 << 32;

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
    /// One per generation of the kernel's usage map.
    windows: [Window; 2],
    spool: Option<Spool>,
    /// Subjects and instances that are in the spool.
    spooled: HashSet<(String, String)>,
    /// A file error during the window; it is reported when the window ends, so that recording goes on.
    deferred: Option<sink::Error>,
    /// Of each generation, as read when its last window ended.
    counted: [Counts; 2],
    clock: Clock,
    start_us: i64,
    recording: Recording,
}

impl Recorder {
    /// Attaches the probes and opens the spool.
    ///
    /// # Errors
    /// The folder cannot be written, or the kernel refuses.
    pub fn start(config: Config) -> Result<Self, RecordError> {
        let start_us = now_us();
        let spool = Spool::create(&config.root, &config.place, start_us, None)?;
        let probes = kernel::load(config.scope, config.limits, config.backend);
        let probes = match probes {
            Ok(probes) => probes,
            Err(error) => {
                spool.remove()?;
                return Err(error.into());
            }
        };
        let mut recorder = Self {
            config,
            probes,
            identities: Identities::new(),
            windows: [Window::default(), Window::default()],
            spool: Some(spool),
            spooled: HashSet::new(),
            deferred: None,
            counted: [Counts::ZERO; 2],
            clock: clock(),
            start_us,
            recording: Recording::default(),
        };
        if recorder.config.scope == Scope::All {
            recorder.adopt_running()?;
        }
        Ok(recorder)
    }

    /// Tells the probes what scripts run already. What a process executes from now on they see themselves.
    fn adopt_running(&mut self) -> Result<(), RecordError> {
        for process in identity::running() {
            let Some(name) = process.script else { continue };
            let id = ADOPTED | u64::from(process.tgid);
            self.identities.script(ScriptSeen { id, name });
            self.probes.adopt(process.tgid, id)?;
        }
        Ok(())
    }

    /// Watches a process and what it forks from now on.
    ///
    /// # Errors
    /// The kernel's map of processes cannot be written.
    pub fn watch(&mut self, tgid: u32) -> Result<(), RecordError> {
        Ok(self.probes.watch(tgid)?)
    }

    /// Processes that are watched now.
    #[must_use]
    pub fn watched(&self) -> Vec<u32> {
        self.probes.watched()
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
        loop {
            self.read_ring();
            let left = self.left_of_window();
            if left.is_zero() {
                self.end_window()?;
                continue;
            }
            let ready = self.wait(until, left)?;
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
        self.end_window()?;
        match self.deferred {
            Some(error) => Err(error.into()),
            None => Ok(self.recording),
        }
    }

    fn left_of_window(&self) -> Duration {
        let end_us = self.start_us.saturating_add_unsigned(
            self.config
                .window
                .as_micros()
                .try_into()
                .unwrap_or(u64::MAX),
        );
        Duration::from_micros(u64::try_from(end_us - now_us()).unwrap_or(0))
    }

    /// None: records are there, or the window is over.
    fn wait(&self, until: &[BorrowedFd<'_>], left: Duration) -> Result<Option<usize>, RecordError> {
        let mut wanted = vec![PollFd::from_borrowed_fd(
            self.probes.ring.as_fd(),
            PollFlags::IN,
        )];
        wanted.extend(
            until
                .iter()
                .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)),
        );
        let left = Timespec::try_from(left).unwrap_or(Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        });
        match poll(&mut wanted, Some(&left)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(RecordError::Wait(error)),
        }
        Ok(wanted
            .iter()
            .skip(1)
            .position(|fd| !fd.revents().is_empty()))
    }

    fn read_ring(&mut self) {
        while let Some(record) = self.probes.ring.next_record() {
            match decode::decode(&record) {
                Ok(Event::Script(seen)) => self.identities.script(seen),
                Ok(Event::Subject(seen)) => self.identities.subject(&seen, self.clock),
                Ok(Event::Touch(touch)) => self.touch(touch),
                Err(error) => {
                    tracing::warn!(%error, "record");
                    self.recording.undecodable += 1;
                }
            }
        }
    }

    fn touch(&mut self, touch: Touch) {
        let family = touch.deed.family;
        let window = &mut self.windows[touch.generation & 1];
        let (boottime_ns, deed) = (touch.boottime_ns, touch.deed.clone());
        let Some(access) = self.identities.access(touch) else {
            window.lose(family, 1);
            return;
        };
        let subject = Rc::clone(&access.subject);
        if window.add(access) == Added::Refused {
            return;
        }
        let usage = Usage {
            subject,
            deed,
            count: 1,
            first_boottime_ns: boottime_ns,
            last_boottime_ns: boottime_ns,
        };
        self.spool(&usage);
    }

    /// Keeps an access for the case that this process dies before the window ends.
    fn spool(&mut self, usage: &Usage) {
        let Some(spool) = &mut self.spool else { return };
        let now = self.clock.utc_us(usage.last_boottime_ns);
        let frame = frame(&self.config.place, self.clock, self.start_us, now);
        let backend = backend_name(&self.probes.attached().plan, usage.deed.family);
        let subject = &usage.subject;
        let mut rows = vec![sink::Frame::Usage(usage_row(usage, &frame, backend))];
        if self
            .spooled
            .insert((subject.subject_id.clone(), subject.instance.id.clone()))
        {
            rows.push(sink::Frame::Subject(Box::new(subject_row(
                subject, &frame, now, now,
            ))));
        }
        for row in &rows {
            match spool.append(row) {
                Ok(Append::Spooled | Append::Refused) => {}
                Err(error) => {
                    self.deferred.get_or_insert(error);
                    self.spool = None;
                    return;
                }
            }
        }
    }

    /// Swaps the generations, and writes what the old one holds.
    fn end_window(&mut self) -> Result<(), RecordError> {
        let old = self.probes.generations.swap()?;
        self.read_ring();
        for repeat in self.probes.generations.drain(old)? {
            let value = repeat.value;
            self.windows[old].repeat(&repeat.key, value.repeats, value.last_boottime_ns);
        }
        let counted = self.probes.counters.read(old)?;
        let window = std::mem::take(&mut self.windows[old]);
        let end_us = now_us();
        let frame = frame(&self.config.place, self.clock, self.start_us, end_us);
        let tables = self.tables(&window, &frame, &counted.since(&self.counted[old]));
        self.counted[old] = counted;
        self.spooled.clear();
        self.write(&frame, &tables);
        self.start_us = end_us;
        self.clock = clock();
        Ok(())
    }

    fn write(&mut self, frame: &Frame, tables: &Tables) {
        let window = sink::Window {
            start_us: frame.start_us,
            end_us: frame.end_us,
        };
        let written = sink::write_window(&self.config.root, &self.config.place, window, tables);
        let result = written.and_then(|files| {
            self.recording.files.extend(files);
            if let Some(spool) = self.spool.take() {
                spool.remove()?;
            }
            self.spool = Some(Spool::create(
                &self.config.root,
                &self.config.place,
                frame.end_us,
                None,
            )?);
            Ok(())
        });
        if let Err(error) = result {
            self.deferred.get_or_insert(error);
        }
    }

    fn tables(&self, window: &Window, frame: &Frame, counted: &Counts) -> Tables {
        let plan = &self.probes.attached().plan;
        let usage = window
            .usages()
            .iter()
            .map(|usage| usage_row(usage, frame, backend_name(plan, usage.deed.family)));
        let coverage = plan.families.iter().map(|family| {
            let coverage = FamilyCoverage {
                family: family.family,
                backend: family.backend.map_or("none", Backend::name),
                reason: &family.reason,
                counted: &|reason| counted.get(family.family, reason),
                recorded: window.recorded(family.family),
                unresolved: window.unresolved(family.family),
            };
            coverage_row(&coverage, frame)
        });
        Tables {
            usage: usage.collect(),
            subjects: subjects(window, frame),
            coverage: coverage.collect(),
        }
    }
}

/// One row per subject and instance, seen from its first to its last access.
fn subjects(window: &Window, frame: &Frame) -> Vec<SubjectRow> {
    let mut seen: HashMap<(&str, &str), (&Subject, u64, u64)> = HashMap::new();
    for usage in window.usages() {
        let subject = &*usage.subject;
        let (first, last) = (usage.first_boottime_ns, usage.last_boottime_ns);
        let entry = seen
            .entry((&subject.subject_id, &subject.instance.id))
            .or_insert((subject, first, last));
        entry.1 = entry.1.min(first);
        entry.2 = entry.2.max(last);
    }
    let mut rows: Vec<_> = seen
        .into_values()
        .map(|(subject, first, last)| {
            subject_row(
                subject,
                frame,
                frame.clock.utc_us(first),
                frame.clock.utc_us(last),
            )
        })
        .collect();
    rows.sort_by(|one, two| {
        one.first_seen_us
            .cmp(&two.first_seen_us)
            .then_with(|| one.subject_id.cmp(&two.subject_id))
    });
    rows
}

fn frame(place: &Place, clock: Clock, start_us: i64, end_us: i64) -> Frame {
    Frame {
        start_us,
        end_us,
        cluster: place.cluster.clone(),
        node: place.node.clone(),
        clock,
    }
}

fn backend_name(plan: &Plan, family: Family) -> &'static str {
    let of_family = plan.families.iter().find(|entry| entry.family == family);
    of_family
        .and_then(|entry| entry.backend)
        .map_or("none", Backend::name)
}

fn now_us() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// How the kernel's clock relates to the calendar, now.
fn clock() -> Clock {
    let boot = clock_gettime(ClockId::Boottime);
    let boot_us = boot
        .tv_sec
        .saturating_mul(1_000_000)
        .saturating_add(boot.tv_nsec / 1_000);
    Clock {
        offset_us: now_us() - boot_us,
    }
}
