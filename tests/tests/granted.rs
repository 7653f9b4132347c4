//! What each process is granted, held to what `/proc` shows to the process itself: also of one that ends at once.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{Mode, mkfifoat};
use whittle_schemas::table::SubjectRow;
use whittle_tests::{recorded, workload};

/// Prints the status of `cat` itself, under several grants; one of them a seccomp filter.
const STATUSES: &str = "
cat /proc/self/status
setpriv --bounding-set -chown,-net_raw cat /proc/self/status
setpriv --inh-caps -all,+kill --ambient-caps -all,+kill --no-new-privs cat /proc/self/status
setpriv --reuid 65534 --regid 65534 --clear-groups cat /proc/self/status
/usr/bin/python3 filtered.py cat /proc/self/status
";

type Status<'a> = BTreeMap<&'a str, &'a str>;

/// What several `/proc/PID/status` say, in their order.
fn statuses(output: &str) -> Vec<Status<'_>> {
    let mut statuses: Vec<Status<'_>> = Vec::new();
    for line in output.lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name == "Name" {
            statuses.push(BTreeMap::new());
        }
        if let Some(status) = statuses.last_mut() {
            status.insert(name, value.trim());
        }
    }
    statuses
}

fn hex(set: Option<u64>) -> String {
    set.map_or_else(String::new, |set| format!("{set:016x}"))
}

/// The same as the row of a subject has it.
fn of_row(row: &SubjectRow) -> [(&'static str, String); 7] {
    [
        ("CapInh", hex(row.cap_inheritable)),
        ("CapPrm", hex(row.cap_permitted)),
        ("CapEff", hex(row.cap_effective)),
        ("CapBnd", hex(row.cap_bounding)),
        ("CapAmb", hex(row.cap_ambient)),
        (
            "NoNewPrivs",
            row.no_new_privs
                .map_or_else(String::new, |value| u8::from(value).to_string()),
        ),
        (
            "Seccomp",
            row.seccomp_mode
                .map_or_else(String::new, |mode| mode.to_string()),
        ),
    ]
}

#[test]
fn each_process_has_the_grants_that_it_sees_itself_however_short_it_lives() -> Result<()> {
    workload::needs(&["setpriv"])?;
    let root = tempfile::tempdir()?;
    let folder = fs::canonicalize(root.path())?;
    fs::write(
        folder.join("filtered.py"),
        include_str!("../peers/filtered.py"),
    )?;
    let command = ["sh", "-c", STATUSES].map(OsString::from);
    let recording = recorded::record(&folder.join("data"), &folder, &command)?;
    ensure!(recording.output.status.success(), "{:?}", recording.output);
    let output = String::from_utf8(recording.output.stdout)?;
    let seen = statuses(&output);
    assert_eq!(seen.len(), 5);
    let mut different = Vec::new();
    for status in seen {
        let tgid = status["Pid"];
        let mut rows = recording.tables.subjects.iter();
        let row = rows
            .find(|row| row.tgid.to_string() == tgid && row.executable.ends_with(b"/cat"))
            .with_context(|| format!("process {tgid} has no row"))?;
        let expected = of_row(row).map(|(name, _)| (name, status[name].to_owned()));
        assert_eq!(of_row(row), expected, "of process {tgid}");
        different.push(expected);
    }
    different.sort();
    different.dedup();
    assert_eq!(
        different.len(),
        5,
        "each of them was granted something else"
    );
    Ok(())
}

/// A namespace of its own with mounts as a container platform makes them, listed by the kernel; it then waits.
const MOUNTS: &str = r#"
mount -t tmpfs none outer
mkdir -p "outer/with blank" outer/run/secrets/token outer/app/tls outer/home/.aws
mount -t tmpfs none "outer/with blank"
mount -t tmpfs -o ro none outer/app/tls
touch outer/home/.aws/credentials
mount --bind outer/home/.aws/credentials outer/home/.aws/credentials
cat /proc/self/mountinfo >listed
stat -Lc %i /proc/self/ns/mnt >namespace
read -r line <go
"#;

/// Longest wait for the recorder to write down what it saw.
const PATIENCE: Duration = Duration::from_mins(5);

/// Waits until a spool of the data root holds these bytes.
fn wait_for_spooled(data: &Path, bytes: &[u8]) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        for spool in fs::read_dir(data.join(".spool")).into_iter().flatten() {
            let content = fs::read(spool?.path()).unwrap_or_default();
            if content.windows(bytes.len()).any(|window| window == bytes) {
                return Ok(());
            }
        }
        thread::yield_now();
    }
    bail!("nothing was spooled within {PATIENCE:?}")
}

/// What a mountinfo says, in the words of the table: by its own words, counted from both ends.
fn listed(mountinfo: &str) -> Vec<String> {
    let line = |line: &str| -> Option<String> {
        let (own, of_file_system) = line.split_once(" - ")?;
        let own: Vec<_> = own.split(' ').collect();
        let of_file_system: Vec<_> = of_file_system.split(' ').collect();
        let read_only = [own.get(5)?, of_file_system.last()?]
            .iter()
            .any(|options| options.split(',').any(|option| option == "ro"));
        let mode = if read_only { "ro" } else { "rw" };
        let point = own.get(4)?.replace(r"\040", " ");
        Some(format!("{point} {} {mode}", of_file_system.first()?))
    };
    mountinfo.lines().filter_map(line).collect()
}

#[test]
fn mounts_and_secrets_are_those_of_the_namespace_that_a_process_runs_in() -> Result<()> {
    workload::needs(&["unshare", "mount"])?;
    let root = tempfile::tempdir()?;
    let folder = fs::canonicalize(root.path())?;
    fs::create_dir(folder.join("outer"))?;
    mkfifoat(rustix::fs::CWD, folder.join("go"), Mode::RWXU).context("cannot make a named pipe")?;
    let data: PathBuf = folder.join("data");
    let command = ["unshare", "--mount", "sh", "-c", MOUNTS].map(OsString::from);
    let mut whittle = recorded::recorder(&data, &folder, &command)?
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // The last program that the script starts: once it is in the spool, its mounts have been read.
    wait_for_spooled(&data, b"/stat")?;
    OpenOptions::new()
        .write(true)
        .open(folder.join("go"))?
        .write_all(b"go\n")?;
    ensure!(whittle.wait()?.success());
    let tables = recorded::tables(&data)?;
    whittle_tests::accounting::check(&tables)?;

    let expected = listed(&fs::read_to_string(folder.join("listed"))?);
    let namespace = fs::read_to_string(folder.join("namespace"))?;
    let row = tables
        .subjects
        .iter()
        .find(|row| row.executable.ends_with(b"/stat"))
        .context("stat has no row")?;
    assert_eq!(row.mounts.as_ref(), Some(&expected));
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let secrets = row
        .secrets_mounted
        .clone()
        .context("its mounts were read")?;
    let secrets: Vec<_> = secrets
        .into_iter()
        .filter(|secret| Path::new(secret).starts_with(&folder))
        .collect();
    assert_eq!(
        secrets,
        [path("outer/app/tls"), path("outer/home/.aws/credentials")]
    );
    assert_eq!(
        row.mount_ns.map(|inode| inode.to_string()).as_deref(),
        Some(namespace.trim())
    );
    let outside = tables
        .subjects
        .iter()
        .find(|row| row.executable.ends_with(b"/unshare"))
        .context("unshare has no row")?;
    assert_ne!(outside.mount_ns, row.mount_ns);
    let own = listed(&fs::read_to_string("/proc/self/mountinfo")?);
    assert_eq!(outside.mounts, Some(own));
    Ok(())
}
