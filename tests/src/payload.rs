//! Runs a program under the probes and keeps what it said: connections, and the bytes on them, as events.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::Write,
    os::unix::ffi::OsStrExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

use anyhow::{Context, Result};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsFd, BorrowedFd},
    process::{Pid, PidfdFlags, pidfd_open},
};
use whittle_agent::{
    decode::Decoder,
    kernel::{self, Backend, Counts, Limits, OpensslFile, Probes, Scope, Wanted, WokenBy},
    model::{Closed, ConnectionId, Direction, Event, Opened, Payload, Transport},
};
use whittle_schemas::record::{Family, counter::Reason};

/// What a program said, and how much of it was lost.
pub struct Overheard {
    /// How the program ended.
    pub status: ExitStatus,
    /// What it opened.
    pub opened: Vec<Opened>,
    /// The bytes, in the order of their arrival.
    pub payloads: Vec<Payload>,
    /// What was closed.
    pub closed: Vec<Closed>,
    /// What the kernel counted in the first generation, which ends some time after the program.
    pub counts: Counts,
    /// The files with OpenSSL that were found.
    pub openssl: Vec<OpensslFile>,
    /// What the family was watched with.
    pub backend: Option<Backend>,
}

/// A part of what went over a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// What was kept, in order, with nothing for what was not.
    pub bytes: Vec<u8>,
    /// Bytes that went over it, kept or not, as far as the payloads tell.
    pub length: u64,
    /// Where in `bytes` something is missing.
    pub gaps: Vec<usize>,
    kept_to: u64,
}

impl Overheard {
    /// What went over each connection in a direction, in the order of the connections' first bytes.
    #[must_use]
    pub fn streams(&self, transport: Transport, direction: Direction) -> Vec<Stream> {
        let mut order: Vec<(ConnectionId, usize)> = Vec::new();
        let mut streams: BTreeMap<(ConnectionId, usize), Stream> = BTreeMap::new();
        let payloads = self.payloads.iter();
        for payload in payloads
            .filter(|payload| payload.transport == transport && payload.direction == direction)
        {
            // The address of an OpenSSL object is used again: it begins anew at offset 0.
            let lives = order
                .iter()
                .filter(|(id, _)| *id == payload.connection)
                .count();
            let life = if payload.offset == 0 || lives == 0 {
                order.push((payload.connection, lives));
                lives
            } else {
                lives - 1
            };
            let stream = streams.entry((payload.connection, life)).or_default();
            if payload.offset > stream.kept_to || payload.lost_before {
                stream.gaps.push(stream.bytes.len());
            }
            stream.bytes.extend_from_slice(&payload.bytes);
            stream.kept_to = payload.offset + payload.bytes.len() as u64;
            stream.length = payload.offset + u64::from(payload.length);
        }
        order
            .iter()
            .map(|key| streams.remove(key).unwrap_or_default())
            .collect()
    }

    /// Checks that what the kernel counted arrived or is lost, and says how much is lost.
    ///
    /// # Panics
    /// The counts do not add up.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let count = |reason| self.counts.get(Family::Payload, reason);
        let lost = [
            Reason::RingFull,
            Reason::SubjectUnknown,
            Reason::ObjectUnknown,
            Reason::Nested,
            Reason::Unsupported,
        ];
        let lost: u64 = lost.into_iter().map(count).sum();
        let opened = self.opened.iter().map(|opened| opened.generation);
        let moved = self.payloads.iter().map(|payload| payload.generation);
        let closed = self.closed.iter().map(|closed| closed.generation);
        let arrived = opened.chain(moved).chain(closed);
        assert_eq!(
            count(Reason::Seen),
            arrived.filter(|generation| *generation == 0).count() as u64 + lost,
            "seen is what arrived and what is lost"
        );
        lost
    }
}

/// Runs a command to its end, as `whittle record` does.
///
/// # Errors
/// The probes or the command cannot be started, or a record cannot be decoded.
pub fn overhear(command: &mut Command, limits: Limits) -> Result<Overheard> {
    let wanted = Wanted {
        tls: true,
        ..Wanted::default()
    };
    let mut probes = kernel::load(Scope::Chosen, limits, wanted)?;
    probes.expect(Path::new(command.get_program()));
    // The shell waits for a line and becomes the command.
    let mut child = Command::new("/bin/sh")
        .args(["-c", "read -r line && exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(command.get_current_dir().unwrap_or(Path::new("/")))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start the command")?;
    let ended = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
    probes.watch(child.id())?;
    let mut stdin = child.stdin.take().context("stdin is a pipe")?;
    stdin.write_all(b"go\n")?;
    let mut overheard = Overheard {
        status: ExitStatus::default(),
        opened: Vec::new(),
        payloads: Vec::new(),
        closed: Vec::new(),
        counts: Counts::default(),
        openssl: Vec::new(),
        backend: None,
    };
    let mut families = probes.attached().plan.families.iter();
    if let Some(family) = families.find(|family| family.family == Family::Payload) {
        overheard.backend = family.backend;
    }
    let mut decoder = Decoder::default();
    let mut ended = Some(ended.as_fd());
    let until_closed = Timespec {
        tv_sec: 10,
        tv_nsec: 0,
    };
    // A connection is over some time after the program: when the other end has closed it too.
    while ended.is_some() || overheard.is_any_open() {
        let timeout = ended.is_none().then_some(&until_closed);
        match wait(&mut probes, ended, timeout)? {
            Waited::Records => {}
            Waited::Ended => ended = None,
            Waited::TimedOut => break,
        }
        while let Some(record) = probes.ring.next_record() {
            overheard.take(&mut probes, decoder.decode(&record)?);
        }
    }
    overheard.status = child.wait()?;
    probes.generations.swap()?;
    while let Some(record) = probes.ring.next_record() {
        overheard.take(&mut probes, decoder.decode(&record)?);
    }
    overheard.counts = probes.counters.read(0)?;
    overheard.openssl = probes.openssl_files().to_vec();
    Ok(overheard)
}

impl Overheard {
    fn is_any_open(&self) -> bool {
        let is_open = |opened: &Opened| {
            let closed = |closed: &Closed| closed.connection == opened.connection;
            !self.closed.iter().any(closed)
        };
        self.opened.iter().any(is_open)
    }

    fn take(&mut self, probes: &mut Probes, event: Event<'_>) {
        match event {
            Event::Opened(opened) => self.opened.push(opened),
            Event::Payload(payload) => self.payloads.push(payload),
            Event::Closed(closed) => self.closed.push(closed),
            Event::Subject(seen) => {
                let path = Path::new(OsStr::from_bytes(&seen.executable));
                probes.executed(seen.id, seen.tgid, path);
            }
            Event::Touch(touch) => {
                let path = Path::new(OsStr::from_bytes(&touch.resource));
                probes.opened(touch.key.subject, touch.tgid, path);
            }
            Event::Script(_) => {}
        }
    }
}

enum Waited {
    Records,
    Ended,
    TimedOut,
}

/// Waits for records, or for the end of the process.
fn wait(
    probes: &mut Probes,
    ended: Option<BorrowedFd<'_>>,
    timeout: Option<&Timespec>,
) -> Result<Waited> {
    let Some(ring) = probes.ring.waiting(WokenBy::Any) else {
        return Ok(Waited::Records);
    };
    let mut wanted = vec![PollFd::from_borrowed_fd(ring.as_fd(), PollFlags::IN)];
    wanted.extend(ended.map(|ended| PollFd::from_borrowed_fd(ended, PollFlags::IN)));
    let ready = rustix::io::retry_on_intr(|| poll(&mut wanted, timeout))?;
    let has_ended = wanted
        .get(1)
        .is_some_and(|ended| !ended.revents().is_empty());
    if ready == 0 {
        return Ok(Waited::TimedOut);
    }
    Ok(if has_ended {
        Waited::Ended
    } else {
        Waited::Records
    })
}
