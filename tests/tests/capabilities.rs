//! Capabilities: the set that whittle says a program used is the smallest one with which it still works, which is
//! found out by taking each away.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use whittle_schemas::table::{Outcome, Surface, Tables};
use whittle_tests::{recorded, workload};

/// A user that is granted nothing but what a test gives it.
const NOBODY: &str = "65534";

/// Capabilities that the program is given: those that containers have by default, and some more.
const GIVEN: [&str; 18] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "net_bind_service",
    "net_admin",
    "net_raw",
    "sys_chroot",
    "sys_admin",
    "sys_nice",
    "mknod",
    "audit_write",
    "setfcap",
];

/// What `privileged.py` needs, by the manual page capabilities(7).
const NEEDED: [&str; 7] = [
    "chown",
    "dac_read_search",
    "kill",
    "net_bind_service",
    "net_raw",
    "sys_admin",
    "sys_nice",
];

/// A folder that everybody can look into, with what `privileged.py` acts on.
fn folder() -> Result<(TempDir, PathBuf)> {
    workload::needs(&["setpriv", "unshare"])?;
    let root = tempfile::tempdir()?;
    let path = fs::canonicalize(root.path())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    fs::create_dir(path.join("mnt"))?;
    for name in ["owned", "sealed"] {
        fs::write(path.join(name), "")?;
        fs::set_permissions(path.join(name), fs::Permissions::from_mode(0o000))?;
    }
    fs::write(
        path.join("privileged.py"),
        include_str!("../peers/privileged.py"),
    )?;
    Ok((root, path))
}

/// The program under a user without rights of its own, with these capabilities alone.
fn with(capabilities: &BTreeSet<String>) -> Vec<OsString> {
    let list = capabilities
        .iter()
        .fold(String::new(), |list, name| list + ",+" + name);
    let command = [
        "unshare",
        "--mount",
        "setpriv",
        "--reuid",
        NOBODY,
        "--regid",
        NOBODY,
        "--clear-groups",
        &format!("--inh-caps=-all{list}"),
        &format!("--ambient-caps=-all{list}"),
        "/usr/bin/python3",
        "-IS",
        "privileged.py",
    ];
    command.iter().map(OsString::from).collect()
}

fn passes(folder: &Path, capabilities: &BTreeSet<String>) -> Result<bool> {
    let command = with(capabilities);
    let status = Command::new(&command[0])
        .args(&command[1..])
        .current_dir(folder)
        .stdout(Stdio::null())
        .status()?;
    Ok(status.success())
}

/// Capabilities that the program was checked for with this outcome, in the words of setpriv.
fn checked(tables: &Tables, outcome: Outcome) -> BTreeSet<String> {
    let of_program = |id: &str| {
        let mut subjects = tables.subjects.iter();
        subjects.any(|row| {
            row.subject_id == id
                && row
                    .script
                    .as_deref()
                    .is_some_and(|script| script.ends_with(b"privileged.py"))
        })
    };
    let rows = tables.usage.iter().filter(|row| {
        row.surface == Surface::Capability
            && row.outcome == outcome
            && row.action == "use"
            && of_program(&row.subject_id)
    });
    rows.map(|row| {
        let name = String::from_utf8_lossy(&row.resource).to_lowercase();
        name.strip_prefix("cap_").unwrap_or(&name).to_owned()
    })
    .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_used_capabilities_are_the_smallest_set_with_which_the_program_works() -> Result<()> {
    let (_root, folder) = folder()?;
    let recording = recorded::record(&folder.join("data"), &folder, &with(&set(&GIVEN)))?;
    ensure!(recording.output.status.success(), "{:?}", recording.output);
    let used = checked(&recording.tables, Outcome::Allowed);
    assert_eq!(used, set(&NEEDED));
    assert_eq!(checked(&recording.tables, Outcome::Denied), set(&[]));

    ensure!(passes(&folder, &used)?, "it fails with what it used");
    for capability in &used {
        let mut rest = used.clone();
        rest.remove(capability);
        ensure!(
            !passes(&folder, &rest)?,
            "it works without {capability}, which it is said to use"
        );
    }
    Ok(())
}

#[test]
fn what_a_program_lacks_is_denied_and_is_no_use() -> Result<()> {
    let (_root, folder) = folder()?;
    let given = set(&["chown", "kill"]);
    let recording = recorded::record(&folder.join("data"), &folder, &with(&given))?;
    assert_eq!(recording.output.status.code(), Some(1));
    assert_eq!(checked(&recording.tables, Outcome::Allowed), given);
    let mut lacked = set(&NEEDED);
    lacked.retain(|name| !given.contains(name));
    // A file that the mode protects can be opened with either of two, and the kernel asks for both.
    lacked.insert("dac_override".to_owned());
    assert_eq!(checked(&recording.tables, Outcome::Denied), lacked);
    Ok(())
}

#[test]
fn checks_that_are_not_audited_are_no_use() -> Result<()> {
    let root = tempfile::tempdir()?;
    let folder = fs::canonicalize(root.path())?;
    // Memory is mapped, tmpfs lists attributes, and /proc/kallsyms looks for CAP_SYSLOG: all ask, and none is audited.
    let program = "import mmap, os\nmmap.mmap(-1, 1 << 20)\nos.listxattr('/dev/shm')\nopen('/proc/kallsyms').readline()";
    let command = ["/usr/bin/python3", "-IS", "-c", program].map(OsString::from);
    let recording = recorded::record(&folder.join("data"), &folder, &command)?;
    ensure!(recording.output.status.success(), "{:?}", recording.output);
    let rows: Vec<_> = recording
        .tables
        .usage
        .iter()
        .filter(|row| row.surface == Surface::Capability)
        .map(|row| String::from_utf8_lossy(&row.resource))
        .collect();
    assert!(rows.is_empty(), "{rows:?}");
    Ok(())
}

#[test]
fn the_names_are_those_that_the_kernels_library_has() -> Result<()> {
    workload::needs(&["capsh"])?;
    for (number, name) in whittle_schemas::record::capability::NAMES
        .iter()
        .enumerate()
    {
        let output = Command::new("capsh")
            .arg(format!("--decode={:x}", 1_u64 << number))
            .output()?;
        let decoded = String::from_utf8(output.stdout)?;
        let decoded = decoded.trim().split_once('=').context("capsh decodes")?.1;
        assert_eq!(decoded, name.to_lowercase());
    }
    Ok(())
}
