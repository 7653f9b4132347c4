//! What the agent does for each file that is opened for the first time in a window, stage by stage, on records as the ring gives
//! them: `cargo bench --package whittle-agent --bench first_sight -- [RECORDS]` for times and page faults, and under
//! `valgrind --tool=callgrind` for instructions (`docs/benchmarks.md`). The stages are functions of this file, as `pipeline` calls them.

use std::{
    fs,
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use whittle_agent::{
    decode::Decoder,
    identity::Identities,
    model::{Clock, Event, Subject, Touch},
    sink::{self, Alike, Each, Place, Spool, Touched},
    window::{Frame, Usage, Window, subject_row, usage_row},
};
use whittle_schemas::{
    record::{
        ABI_VERSION, Family, Header, KIND_FILE, KIND_SUBJECT, Text, WALK_BELOW,
        file::{FileBody, READ},
        subject::{PART_EXECUTABLE, SubjectBody},
        usage::{FOLDER, UsageId, UsageKey},
    },
    table::Tables,
};
use zerocopy::{FromZeros, Immutable, IntoBytes};

/// Files that the benchmark of docs/benchmarks.md opens.
const RECORDS: u32 = 20_000;

/// Records that come between two looks into the ring.
const BATCH: usize = 100;

/// The kernel's number of the one who opens.
const SUBJECT: u64 = 7;

/// Of the kernel's clock, between two opens.
const OPEN_NS: u64 = 21_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let records = arguments.find_map(|argument| argument.parse().ok());
    let ring: Vec<_> = (0..records.unwrap_or(RECORDS)).map(file_record).collect();
    let root = tempfile::tempdir_in("/dev/shm").expect("a folder on a tmpfs");
    let mut agent = Agent::start(root.path());
    let before = (Instant::now(), faults());
    agent.subject(&subject_record());
    for batch in ring.chunks(BATCH) {
        for record in batch {
            agent.read(record);
        }
        flush(&mut agent.spool);
    }
    let middle = (Instant::now(), faults());
    let spooled = bytes_below(root.path());
    agent.end(root.path());
    let after = (Instant::now(), faults());
    report("records", ring.len(), before, middle, spooled);
    report(
        "the end",
        ring.len(),
        middle,
        after,
        bytes_below(root.path()),
    );
}

/// What of `pipeline` these records come by.
struct Agent {
    decoder: Decoder,
    clock: Clock,
    place: Place,
    identities: Identities,
    window: Window,
    spool: Spool,
    /// Whether the subject is in the spool.
    is_spooled: bool,
}

impl Agent {
    fn start(root: &Path) -> Self {
        let place = Place {
            cluster: "local".to_owned(),
            node: "bench".to_owned(),
        };
        // Not asked of the kernel: valgrind has no vDSO.
        let clock = Clock {
            offset_us: 1_795_950_000_000_000,
        };
        Self {
            spool: Spool::create(root, &place, clock.utc_us(0), None).expect("a spool"),
            decoder: Decoder::default(),
            clock,
            place,
            identities: Identities::new(),
            window: Window::default(),
            is_spooled: false,
        }
    }

    fn frame(&self, end_us: i64) -> Frame {
        Frame {
            start_us: self.clock.utc_us(0),
            end_us,
            cluster: self.place.cluster.clone(),
            node: self.place.node.clone(),
            clock: self.clock,
        }
    }

    fn subject(&mut self, record: &[u8]) {
        let Event::Subject(seen) = decode(&mut self.decoder, record) else {
            unreachable!("it was made as one");
        };
        self.identities.subject(&seen, self.clock);
    }

    fn read(&mut self, record: &[u8]) {
        let Event::Touch(touch) = decode(&mut self.decoder, record) else {
            unreachable!("it was made as one");
        };
        let at_us = self.clock.utc_us(touch.boottime_ns);
        let subject = identity(&self.identities, &touch);
        let usage = window(&mut self.window, &subject, &touch);
        spool(&mut self.spool, usage, at_us);
        if !self.is_spooled {
            self.is_spooled = true;
            let row = subject_row(&subject, &self.frame(at_us), at_us, at_us);
            self.spool.add(&sink::Frame::Subject(Box::new(row)));
        }
    }

    fn end(self, root: &Path) {
        let end_us = self.clock.utc_us(OPEN_NS * u64::from(u32::MAX));
        let frame = self.frame(end_us);
        end(root, &self.place, &self.window, &frame);
        self.spool.remove().expect("the spool is there");
    }
}

#[inline(never)]
fn decode<'a>(decoder: &'a mut Decoder, record: &[u8]) -> Event<'a> {
    decoder.decode(record).expect("the record is whole")
}

#[inline(never)]
fn identity(identities: &Identities, touch: &Touch<'_>) -> Rc<Subject> {
    let subject = identities.subject_of(touch.key.subject);
    subject.expect("the subject came first")
}

#[inline(never)]
fn window<'a>(window: &'a mut Window, subject: &Rc<Subject>, touch: &Touch<'_>) -> Usage<'a> {
    window.add(subject, touch).expect("the window has room")
}

#[inline(never)]
fn spool(spool: &mut Spool, usage: Usage<'_>, at_us: i64) {
    let Usage {
        doing, resource, ..
    } = usage;
    let touched = || Touched::new(&doing.subject, &doing.deed, resource, "trampoline", at_us);
    spool.touch(doing.number.into(), resource, at_us, touched);
}

#[inline(never)]
fn flush(spool: &mut Spool) {
    spool.flush().expect("the tmpfs has room");
}

#[inline(never)]
fn end(root: &Path, place: &Place, window: &Window, frame: &Frame) {
    let rows = window.alike().filter_map(|mut usages| {
        let all = usages.clone();
        Some(Alike {
            like: usage_row(usages.next()?, frame, "file/trampoline"),
            rows: all.map(|usage| Each {
                resource: usage.resource,
                count: usage.count,
                first_seen_us: frame.clock.utc_us(usage.first_boottime_ns),
                last_seen_us: frame.clock.utc_us(usage.last_boottime_ns),
            }),
        })
    });
    let times = sink::Window {
        start_us: frame.start_us,
        end_us: frame.end_us,
    };
    sink::write_usage(root, place, times, rows, &Tables::default()).expect("the tmpfs has room");
}

fn subject_record() -> Vec<u8> {
    let walked = b"open/bin/usr/";
    let mut body = SubjectBody::new_zeroed();
    body.header = header::<SubjectBody>(KIND_SUBJECT, walked, 0);
    body.subject = SUBJECT;
    body.part = PART_EXECUTABLE;
    body.text = text(walked);
    record(&body, walked)
}

/// The first one says the path of its folder, and the others do not.
fn file_record(number: u32) -> Vec<u8> {
    let (folder, flags) = match number {
        0 => ("files/bench/tmp/", 0),
        _ => ("", WALK_BELOW),
    };
    let walked = format!("{number:08}/{folder}");
    let mut body = FileBody::new_zeroed();
    body.header = header::<FileBody>(KIND_FILE, walked.as_bytes(), number);
    body.key = UsageKey {
        subject: SUBJECT,
        id: UsageId([
            u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            Family::File as u64,
        ]),
        action: READ,
        family: Family::File as u8,
        pad: 0,
        errno: 0,
    };
    body.text = text(walked.as_bytes());
    body.text.walk_flags = flags;
    body.folder = UsageId([1, FOLDER]);
    body.inode = 1_000 + u64::from(number);
    body.device = 1;
    body.mode = 0o100_644;
    record(&body, walked.as_bytes())
}

fn header<T>(kind: u8, text: &[u8], number: u32) -> Header {
    let mut header = Header::new_zeroed();
    (header.kind, header.version) = (kind, ABI_VERSION);
    header.fixed = Header::fixed_of::<T>();
    header.length = u32::try_from(size_of::<T>() + text.len()).expect("a path is short");
    header.boottime_ns = u64::from(number) * OPEN_NS;
    (header.tgid, header.tid) = (std::process::id(), std::process::id());
    header
}

fn text(walked: &[u8]) -> Text {
    let mut text = Text::new_zeroed();
    text.walked_bytes = u32::try_from(walked.len()).expect("a path is short");
    text.magic = 0x0102_1994;
    text
}

fn record(body: &(impl IntoBytes + Immutable), text: &[u8]) -> Vec<u8> {
    let mut bytes = body.as_bytes().to_vec();
    bytes.extend_from_slice(text);
    bytes
}

/// Pages that were given to this process, by `/proc`.
fn faults() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("a process has this");
    let behind_name = stat
        .rsplit(')')
        .next()
        .expect("there is one piece at least");
    let minor = behind_name.split_whitespace().nth(7);
    minor
        .and_then(|minor| minor.parse().ok())
        .expect("proc(5): minflt")
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let bytes = entries.map(|entry| {
        let entry = entry.expect("it can be listed");
        let metadata = entry.metadata().expect("it is there");
        if metadata.is_dir() {
            bytes_below(&entry.path())
        } else {
            metadata.len()
        }
    });
    bytes.sum()
}

fn report(what: &str, records: usize, from: (Instant, u64), to: (Instant, u64), bytes: u64) {
    let each = |number: u128| number / records.max(1) as u128;
    let time: Duration = to.0 - from.0;
    println!(
        "{what}: {} ns each; {} page faults of {records} records; {bytes} bytes below the folder then",
        each(time.as_nanos()),
        to.1 - from.1
    );
}
