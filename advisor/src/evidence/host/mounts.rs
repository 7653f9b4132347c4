//! Mounts that may be written, and secrets that may be read.
//!
//! Opens are watched, and folders that are made, files that are renamed or removed are not. Whether such calls were made
//! only the system calls say, not where: so that a mount without an open for writing is `unused` only where they show none.

use std::collections::BTreeSet;

use whittle_schemas::table::{Outcome, Surface, UsageRow, text::escape};

use super::{
    super::model::{Confidence, Evidence, Observation, Status},
    Host, Silence, of_grant, touched,
};

/// System calls that change a file system without an open that says so.
pub(crate) const CHANGING: [&str; 30] = [
    "chmod",
    "chown",
    "creat",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "fchown",
    "fchownat",
    "fremovexattr",
    "fsetxattr",
    "futimesat",
    "lchown",
    "link",
    "linkat",
    "lremovexattr",
    "lsetxattr",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "removexattr",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "setxattr",
    "symlink",
    "symlinkat",
    "unlink",
    "unlinkat",
];
/// Further ones, that change times or sizes by path.
pub(crate) const CHANGING_TOO: [&str; 5] = ["bind", "truncate", "utime", "utimensat", "utimes"];

/// One entry for each mount that may be written, and each secret.
pub(super) fn evidence(host: &Host<'_>, files: &Observation, calls: &Observation) -> Vec<Evidence> {
    let lists = host.rows.iter().filter_map(|row| row.mounts.as_ref());
    let mounts: BTreeSet<Mount<'_>> = lists.flatten().filter_map(|text| mount(text)).collect();
    let points: BTreeSet<&str> = mounts.iter().map(|mount| mount.point).collect();
    let rows: Vec<&UsageRow> = host.of_surface(Surface::File).collect();
    let is_partial = |row: &&&UsageRow| !row.resource.starts_with(b"/");
    let has_partial_paths = rows.iter().filter(is_partial).any(|row| touched(row));
    let read_silence = without_paths(files.silence(), has_partial_paths);
    let partly_written = rows.iter().filter(is_partial).any(|row| writes(row));
    let write_silence = without_calls(without_paths(files.silence(), partly_written), host, calls);

    let mut evidence = Vec::new();
    for mount in mounts.iter().filter(|mount| mount.is_writable) {
        let of_mount = rows.iter().copied().filter(|row| {
            writes(row) && point_of(&escape(&row.resource), &points) == Some(mount.point)
        });
        let sum = Host::sum(of_mount);
        evidence.push(of_grant("write", mount.point, &sum, write_silence.clone()));
    }
    let lists = host
        .rows
        .iter()
        .filter_map(|row| row.secrets_mounted.as_ref());
    let secrets: BTreeSet<&String> = lists.flatten().collect();
    for secret in secrets {
        let of_secret = rows
            .iter()
            .copied()
            .filter(|row| reads(row) && is_below(&escape(&row.resource), secret));
        let sum = Host::sum(of_secret);
        evidence.push(of_grant("read", secret, &sum, read_silence.clone()));
    }
    evidence
}

/// A mount as the table has it: `MOUNTPOINT FSTYPE ro|rw`. A mount point may have spaces.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Mount<'a> {
    point: &'a str,
    is_writable: bool,
}

fn mount(text: &str) -> Option<Mount<'_>> {
    let (rest, mode) = text.rsplit_once(' ')?;
    let (point, _) = rest.rsplit_once(' ')?;
    Some(Mount {
        point,
        is_writable: mode == "rw",
    })
}

/// The mount point that a path is under: the longest.
fn point_of<'a>(path: &str, points: &BTreeSet<&'a str>) -> Option<&'a str> {
    let above = points.iter().filter(|point| is_below(path, point));
    above.max_by_key(|point| point.len()).copied()
}

fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn writes(row: &UsageRow) -> bool {
    let is_write = |part: &str| matches!(part, "write" | "append" | "create" | "truncate");
    row.action.split('+').any(is_write) && is_seen(row)
}

fn reads(row: &UsageRow) -> bool {
    let is_read = |part: &str| matches!(part, "read" | "execute");
    row.action.split('+').any(is_read) && is_seen(row)
}

/// Nothing was there, or it was refused: only the latter says that somebody wanted it.
fn is_seen(row: &UsageRow) -> bool {
    row.outcome != Outcome::Failed
}

fn without_paths(silence: Silence, has_partial_paths: bool) -> Silence {
    if silence.0 == Status::Unused && has_partial_paths {
        let reason = "some files were recorded with a path that is not whole";
        return (Status::Unknown, Confidence::None, reason.to_owned());
    }
    silence
}

fn without_calls(silence: Silence, host: &Host<'_>, calls: &Observation) -> Silence {
    if silence.0 != Status::Unused {
        return silence;
    }
    let unknown = |reason: String| (Status::Unknown, Confidence::None, reason);
    if !calls.is_complete() {
        return unknown(
            "no file below it was opened for writing; folders made, files renamed or removed are seen with --syscalls only".to_owned(),
        );
    }
    let made: BTreeSet<_> = host
        .of_surface(Surface::Syscall)
        .map(|row| String::from_utf8_lossy(&row.resource))
        .filter(|call| CHANGING.contains(&&**call) || CHANGING_TOO.contains(&&**call))
        .collect();
    if made.is_empty() {
        return silence;
    }
    let made: Vec<_> = made.iter().map(AsRef::as_ref).collect();
    unknown(format!(
        "no file below it was opened for writing, but {} may have changed it",
        made.join(", ")
    ))
}
