//! A program whose acts need a capability each, under a user who has those alone that it is given; and what whittle says that
//! it was checked for.

use std::{collections::BTreeSet, ffi::OsString, fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::Result;
use whittle_schemas::table::{Outcome, Surface, Tables};

use crate::workload;

/// A user that is granted nothing but what a test gives it.
const NOBODY: &str = "65534";

/// Capabilities that the program is given: those that containers have by default, and some more.
pub const GIVEN: [&str; 19] = [
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
    "sys_rawio",
    "mknod",
    "audit_write",
    "setfcap",
];

/// What `privileged.py` needs, by the manual page capabilities(7).
pub const NEEDED: [&str; 8] = [
    "chown",
    "dac_read_search",
    "kill",
    "net_bind_service",
    "net_raw",
    "sys_admin",
    "sys_nice",
    "sys_rawio",
];

/// Makes a folder that everybody can look into out of `path`, with what `privileged.py` acts on.
///
/// # Errors
/// The folder cannot be written.
pub fn prepare(path: &Path) -> Result<()> {
    workload::needs(&["setpriv", "unshare"])?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    fs::create_dir(path.join("mnt"))?;
    for name in ["owned", "sealed"] {
        fs::write(path.join(name), "")?;
        fs::set_permissions(path.join(name), fs::Permissions::from_mode(0o000))?;
    }
    fs::write(
        path.join("privileged.py"),
        include_str!("../peers/privileged.py"),
    )?;
    Ok(())
}

/// The program under a user without rights of its own, with these capabilities alone.
#[must_use]
pub fn with(capabilities: &BTreeSet<String>) -> Vec<OsString> {
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

/// Capabilities that the program was checked for with this outcome, in the words of setpriv.
#[must_use]
pub fn checked(tables: &Tables, outcome: Outcome) -> BTreeSet<String> {
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

/// A set of these.
#[must_use]
pub fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What the program is refused with these.
#[must_use]
pub fn lacked(given: &BTreeSet<String>) -> BTreeSet<String> {
    let mut lacked = set(&NEEDED);
    lacked.retain(|name| !given.contains(name));
    // A file that the mode protects can be opened with either of two, and the kernel asks for both.
    lacked.insert("dac_override".to_owned());
    lacked
}
