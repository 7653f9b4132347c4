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
use whittle_schemas::table::{Outcome, Surface};
use whittle_tests::{
    privileged::{GIVEN, NEEDED, checked, lacked, prepare, set, with},
    recorded, workload,
};

/// A folder for the program.
fn folder() -> Result<(TempDir, PathBuf)> {
    let root = tempfile::tempdir()?;
    let path = fs::canonicalize(root.path())?;
    prepare(&path)?;
    Ok((root, path))
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
    let lacked = lacked(&given);
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
fn forks_that_ask_for_a_capability_are_told_from_those_that_ask_whether_there_is_memory()
-> Result<()> {
    let root = tempfile::tempdir()?;
    let folder = fs::canonicalize(root.path())?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
    // All fork, by which the kernel asks for CAP_SYS_ADMIN without audit. A new namespace takes it, and so does passing the limit of
    // processes, which root has none of.
    let plain = "os.fork() or os._exit(0)";
    let namespace = "libc.syscall(56, 0x04000000 | 17, 0, 0, 0, 0) or os._exit(0)";
    let limited = "os.setuid(12345)\nresource.setrlimit(resource.RLIMIT_NPROC, (0, 0))\ntry: os.fork()\nexcept BlockingIOError: pass";
    let cases: [(&str, Outcome, &[&str]); 3] = [
        (plain, Outcome::Allowed, &[]),
        (namespace, Outcome::Allowed, &["CAP_SYS_ADMIN"]),
        (
            limited,
            Outcome::Denied,
            &["CAP_SYS_ADMIN", "CAP_SYS_RESOURCE"],
        ),
    ];
    for (act, outcome, expected) in cases {
        let imports = "import ctypes, os, resource\nlibc = ctypes.CDLL(None)\n";
        let program = format!("{imports}{act}");
        let command = ["/usr/bin/python3", "-IS", "-c", &program].map(OsString::from);
        let recording = recorded::record(&folder.join("data"), &folder, &command)?;
        ensure!(recording.output.status.success(), "{:?}", recording.output);
        let rows = recording
            .tables
            .usage
            .iter()
            .filter(|row| row.surface == Surface::Capability && row.outcome == outcome);
        let asked: BTreeSet<_> = rows
            .map(|row| String::from_utf8_lossy(&row.resource).into_owned())
            .collect();
        let asked: Vec<_> = asked
            .iter()
            .filter(|name| name.starts_with("CAP_SYS"))
            .collect();
        assert_eq!(asked, expected, "{act}");
    }
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
