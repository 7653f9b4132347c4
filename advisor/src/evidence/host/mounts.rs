//! Mounts that may be written, and secrets that may be read.

use std::collections::BTreeSet;

use whittle_schemas::table::{Outcome, Surface, UsageRow, file_action, text::escape};

use super::{
    super::model::{Confidence, Evidence, Observation, Status},
    Host, Silence, of_grant, touched,
};

/// One entry for each mount that may be written, and each secret.
pub(super) fn evidence(host: &Host<'_>, files: &Observation) -> Vec<Evidence> {
    let lists = host.rows.iter().filter_map(|row| row.mounts.as_ref());
    let mounts: BTreeSet<Mount<'_>> = lists.flatten().filter_map(|text| mount(text)).collect();
    let points: BTreeSet<&str> = mounts.iter().map(|mount| mount.point).collect();
    let rows: Vec<&UsageRow> = host.of_surface(Surface::File).collect();
    let is_partial = |row: &&&UsageRow| !row.resource.starts_with(b"/");
    let has_partial_paths = rows.iter().filter(is_partial).any(|row| touched(row));
    let read_silence = without_paths(files.silence(), has_partial_paths);
    let partly_written = rows.iter().filter(is_partial).any(|row| writes(row));
    let write_silence = without_paths(files.silence(), partly_written);

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
    file_action::changes(&row.action) && is_seen(row)
}

fn reads(row: &UsageRow) -> bool {
    file_action::reads(&row.action) && is_seen(row)
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
