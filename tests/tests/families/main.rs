//! Every hook family, on the kernel and with the backend at hand: it is loaded, it fires, and what it saw is what another
//! observer saw. Each test prints its cell of the matrix in `docs/kernels.md`. One recording serves all of them, because on
//! an emulated CPU loading the probes takes longest; the tests of single families look at more.

mod run;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    os::unix::ffi::OsStrExt,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use whittle_schemas::{
    record::Family,
    table::{EndpointRow, Outcome, SubjectRow, Surface, Tables, UsageRow},
};
use whittle_tests::{
    access::{self, Access, Tally},
    accounting, cloud_server, compare,
    left_out::LeftOut,
    privileged,
    strace::{self, counts},
};
use xtask::vm::matrix::Cell;

use run::{Run, URING_FOLDER, run};

/// What runs outside of strace's sight in this recording: by executable, and by script.
const OTHERS: [&str; 4] = ["strace", "unshare", "setpriv", "curl"];
const OTHER_SCRIPTS: [&str; 6] = [
    "families.py",
    "privileged.py",
    "cloud_calls.py",
    "acts.py",
    "uring.py",
    "rooted.py",
];

/// Holds a family to its cell: loaded, fired and in parity, or not there for the one reason that there is.
#[track_caller]
fn check(family: Family, parity: fn(&Run) -> Result<()>) {
    let run = run();
    let mut cell = cell(&run.recording.tables, family);
    let known = cell.reason.ends_with(accounting::NO_TRACEPOINT);
    let outcome = if cell.loaded { parity(run) } else { Ok(()) };
    cell.parity = cell.loaded && outcome.is_ok();
    // Not by `println!`, which the test harness keeps to itself.
    writeln!(std::io::stdout(), "{}", cell.line()).expect("standard output is there");
    if let Err(error) = outcome {
        panic!("{error:?}");
    }
    assert!(cell.loaded || known, "{}", cell.reason);
    assert!(cell.fired || !cell.loaded, "nothing was seen");
}

fn cell(tables: &Tables, family: Family) -> Cell {
    let rows = tables
        .coverage
        .iter()
        .filter(|row| row.family == family.name());
    let rows: Vec<_> = rows.collect();
    let loaded = !rows.is_empty() && rows.iter().all(|row| row.backend != "none");
    // The backend that was asked for names the column, also where the family has another one or none.
    let asked = std::env::var("WHITTLE_BACKEND");
    let found = || {
        rows.first()
            .map_or_else(String::new, |row| row.backend.clone())
    };
    Cell {
        family: family.name().to_owned(),
        backend: asked.unwrap_or_else(|_| found()),
        loaded,
        fired: rows.iter().map(|row| row.seen).sum::<u64>() > 0,
        parity: false,
        reason: rows
            .first()
            .map_or_else(String::new, |row| row.backend_reason.clone()),
    }
}

/// Whether strace's log of accesses has what a subject did.
fn is_straced(subject: &SubjectRow) -> bool {
    let name = |path: &[u8]| {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let is_one =
        |path: &[u8], names: &[&str]| name(path).is_some_and(|name| names.contains(&name.as_str()));
    let script = subject.script.as_deref().unwrap_or_default();
    !is_one(&subject.executable, &OTHERS) && !is_one(script, &OTHER_SCRIPTS)
}

/// The family whose hooks an access is seen at.
fn family_of(access: &Access) -> Family {
    match access.action.as_str() {
        "execute" | "between+execute" => Family::Process,
        "connect" | "bind" | "listen" | "accept" | "send" => Family::Socket,
        _ => Family::File,
    }
}

/// Strace and whittle saw the same accesses of this family, as often.
fn agrees_with_strace(run: &Run, family: Family) -> Result<()> {
    let log = fs::read_to_string(run.folder.join("accesses.log"))?;
    let trace = strace::read(&log, run.folder.as_os_str().as_bytes())?;
    let tables = &run.recording.tables;
    let subjects = tables.subjects.iter().filter(|row| is_straced(row));
    let subjects: BTreeSet<_> = subjects.map(|row| &row.subject_id).collect();
    let rows = tables
        .usage
        .iter()
        .filter(|row| subjects.contains(&row.subject_id));
    let of_family = |tally: Tally| -> Tally {
        let of_family = tally
            .into_iter()
            .filter(|(access, _)| family_of(access) == family);
        of_family.collect()
    };
    let (strace, whittle) = (of_family(trace.tally), of_family(access::of_rows(rows)));
    ensure!(
        !strace.is_empty(),
        "strace saw no access of family {}",
        family.name()
    );
    let left_out = LeftOut::of(tables, &[family]);
    compare::agree(family.name(), &strace, &whittle, left_out)
}

/// What a program says it did with `io_uring` is what was recorded, as often; or else that it made a ring is counted as lost.
fn agrees_with_uring(run: &Run, family: Family, surface: Surface) -> Result<()> {
    let tables = &run.recording.tables;
    let mut rows = tables.coverage.iter();
    let of_family = rows.find(|row| row.family == family.name() && row.backend == "syscall");
    if let Some(row) = of_family {
        ensure!(row.lost_unsupported > 0, "a ring was not counted as lost");
        return Ok(());
    }
    let said: Vec<Act> = serde_json::from_slice(&fs::read(run.folder.join("6.out"))?)?;
    let is_ours = |resource: &[u8]| match surface {
        Surface::Network => !resource.starts_with(b"/"),
        _ => [run.folder.join(URING_FOLDER), "/proc/version".into()]
            .iter()
            .any(|path| resource.starts_with(path.as_os_str().as_bytes())),
    };
    let mut asked: BTreeMap<String, u64> = BTreeMap::new();
    for act in said.into_iter().filter(|act| is_ours(act.1.as_bytes())) {
        *asked.entry(format!("{act:?}")).or_default() += 1;
    }
    let ids = subjects_of(tables, b"/uring.py");
    let rows = tables.usage.iter().filter(|row| {
        row.surface == surface && ids.contains(&&row.subject_id) && is_ours(&row.resource)
    });
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows {
        *found.entry(format!("{:?}", act(row))).or_default() += row.count;
    }
    ensure!(!asked.is_empty(), "the program says nothing");
    LeftOut::of(tables, &[family]).explains_times(&found, &asked)
}

/// A process with a root in the middle of a mount has read a file by the path that it sees, once.
fn agrees_with_the_root(run: &Run) -> Result<()> {
    let tables = &run.recording.tables;
    let ids = subjects_of(tables, b"/rooted.py");
    let rows = tables.usage.iter().filter(|row| {
        row.action == "read" && row.resource.ends_with(b"/file") && ids.contains(&row.subject_id)
    });
    let mut found = BTreeMap::new();
    for row in rows {
        *found.entry(format!("{:?}", act(row))).or_default() += row.count;
    }
    let seen = ("read", "/cell/file", "allowed");
    let asked = BTreeMap::from([(format!("{seen:?}"), 1)]);
    LeftOut::of(tables, &[Family::File]).explains_times(&found, &asked)
}

/// Action, resource and outcome.
type Act = (String, String, String);

fn act(row: &UsageRow) -> Act {
    let resource = String::from_utf8_lossy(&row.resource).into_owned();
    (row.action.clone(), resource, row.outcome.to_string())
}

/// Those that run a script.
fn subjects_of<'a>(tables: &'a Tables, script: &[u8]) -> BTreeSet<&'a String> {
    let runs = |row: &&SubjectRow| {
        let own = row.script.as_deref();
        own.is_some_and(|own| own.ends_with(script))
    };
    let subjects = tables.subjects.iter().filter(runs);
    subjects.map(|row| &row.subject_id).collect()
}

#[test]
fn programs_that_are_executed_are_those_that_strace_sees() {
    check(Family::Process, |run| {
        agrees_with_strace(run, Family::Process)
    });
}

#[test]
fn files_that_are_opened_and_changed_are_those_that_strace_and_a_user_of_io_uring_see() {
    check(Family::File, |run| {
        agrees_with_strace(run, Family::File)?;
        agrees_with_the_root(run)?;
        agrees_with_uring(run, Family::File, Surface::File)
    });
}

#[test]
fn addresses_are_those_that_strace_and_a_user_of_io_uring_see() {
    check(Family::Socket, |run| {
        agrees_with_strace(run, Family::Socket)?;
        agrees_with_uring(run, Family::Socket, Surface::Network)
    });
}

/// Action, resource and endpoint of a call's line.
fn words(line: &str) -> (&str, &str, &str) {
    let words: Vec<_> = line.split(' ').collect();
    (words[2], words[3], words[6])
}

/// A call's line with whoever made it left open.
fn without_principal(line: &str) -> String {
    let mut words: Vec<_> = line.split(' ').collect();
    words[1] = "?";
    words.join(" ")
}

#[test]
fn requests_in_plain_text_and_openssl_are_those_that_the_client_makes() {
    check(Family::Payload, |run| {
        let tables = &run.recording.tables;
        let calls = cloud_server::calls(&tables.usage);
        if LeftOut::of(tables, &[Family::Payload]) == LeftOut(0) {
            ensure!(calls == run.cloud, "{calls:#?} and not {:#?}", run.cloud);
            return Ok(());
        }
        // Whose the keys are is said at another endpoint than the calls are made at.
        let are_keys_known = tables.endpoints.iter().all(EndpointRow::is_complete);
        for endpoint in run.cloud.iter().map(|line| words(line).2) {
            let of_endpoint = |lines: &BTreeSet<String>| -> BTreeSet<String> {
                let lines = lines.iter().filter(|line| words(line).2 == endpoint);
                if are_keys_known {
                    lines.cloned().collect()
                } else {
                    lines.map(|line| without_principal(line)).collect()
                }
            };
            let (found, expected) = (of_endpoint(&calls), of_endpoint(&run.cloud));
            let rows = tables.endpoints.iter();
            let rows: Vec<_> = rows.filter(|row| row.endpoint == endpoint).collect();
            let is_read = !rows.is_empty() && rows.iter().all(|row| row.is_complete());
            ensure!(
                found == expected || !is_read,
                "{found:#?} and not {expected:#?}, and {endpoint} counts as read"
            );
            // Bytes that are missing take calls with them, or whom they act as, what on, and how they ended; they make none.
            let is_asked = |line: &String| {
                let (action, resource, _) = words(line);
                let mut expected = expected.iter().map(|line| words(line));
                expected.any(|asked| asked.0 == action && (asked.1 == resource || resource == "*"))
            };
            ensure!(
                found.iter().all(is_asked),
                "{found:#?} and not {expected:#?}"
            );
        }
        Ok(())
    });
}

#[test]
fn capabilities_are_those_that_the_acts_need() {
    check(Family::Capability, |run| {
        let tables = &run.recording.tables;
        let left_out = LeftOut::of(tables, &[Family::Capability]);
        let used = privileged::checked(tables, Outcome::Allowed);
        left_out
            .explains(&used, &privileged::set(&privileged::NEEDED))
            .context("used")?;
        let denied = privileged::checked(tables, Outcome::Denied);
        let lacked = privileged::lacked(&privileged::set(&["chown", "kill"]));
        left_out.explains(&denied, &lacked).context("denied")
    });
}

#[test]
fn system_calls_are_those_that_strace_logs() {
    check(Family::Syscall, |run| {
        let log = fs::read(run.folder.join("calls.log")).context("strace has written no log")?;
        let logged = counts::logged(&String::from_utf8_lossy(&log));
        let is_curl = |row: &SubjectRow| row.executable.ends_with(b"/curl");
        let counted = counts::counted(&run.recording.tables, is_curl);
        ensure!(
            logged.calls.len() > 10,
            "strace's log is not understood: {logged:?}"
        );
        let LeftOut(left_out) = LeftOut::of(&run.recording.tables, &[Family::Syscall]);
        let never_made = logged.cut_off.values().sum::<u64>();
        LeftOut(left_out + never_made).explains_times(&counted, &logged.calls)
    });
}

#[test]
fn privileged_acts_are_those_that_the_program_says_it_did() {
    check(Family::Privilege, |run| {
        let said = fs::read(run.folder.join("5.out"))?;
        let said: BTreeSet<Act> = serde_json::from_slice(&said)?;
        let tables = &run.recording.tables;
        let ids = subjects_of(tables, b"/acts.py");
        let rows = tables
            .usage
            .iter()
            .filter(|row| row.surface == Surface::Privilege && ids.contains(&row.subject_id));
        let found: BTreeSet<_> = rows.map(act).collect();
        LeftOut::of(tables, &[Family::Privilege]).explains(&found, &said)
    });
}
