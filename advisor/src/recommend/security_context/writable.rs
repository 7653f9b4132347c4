//! The folders that have to stay writable when the root is read-only, and whether that can be done with empty ones.

use std::collections::{BTreeMap, BTreeSet};

use whittle_schemas::table::{Outcome, Surface, file_action};

use crate::history::{Access, History, WindowId};

/// Folders that are there to be filled: whatever is written deeper in them, they are the ones to keep.
const SCRATCH: [&str; 4] = ["/tmp", "/var/tmp", "/run", "/var/run"];

/// The writable folders of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Writable {
    /// Folders that an empty volume can stand in for.
    pub(super) folders: BTreeMap<String, Written>,
    /// Mounts that were written and have to stay as they are.
    pub(super) mounts: BTreeMap<String, BTreeSet<WindowId>>,
    /// Why the root has to stay writable; empty where it has not.
    pub(super) obstacles: Vec<String>,
}

/// What was written in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) files: usize,
    pub(super) windows: BTreeSet<WindowId>,
}

impl Writable {
    /// `most` folders in one are told apart.
    pub(super) fn of(history: &History, most: usize) -> Self {
        let own_mounts = own_mounts(history);
        let mut writable = Self::default();
        let mut files: BTreeMap<String, BTreeSet<WindowId>> = BTreeMap::new();
        for access in &history.accesses {
            let Some(path) = written(access) else {
                continue;
            };
            let Ok(path) = String::from_utf8(path) else {
                let obstacle = format!("{} is no text, and YAML holds only text", access.shown());
                writable.obstacles.push(obstacle);
                continue;
            };
            let Some(path) = normal(&path) else {
                writable.obstacles.push(format!(
                    "{} goes up with .., so that the folder that it is in is not known for sure",
                    access.shown()
                ));
                continue;
            };
            if let Some(mount) = own_mounts.iter().find(|mount| is_inside(&path, mount)) {
                let windows = writable.mounts.entry(mount.clone()).or_default();
                windows.extend(access.windows.iter().cloned());
            } else {
                files
                    .entry(path)
                    .or_default()
                    .extend(access.windows.iter().cloned());
            }
        }
        writable.folders = folders(&files, most);
        if writable.folders.remove("/").is_some() {
            writable
                .obstacles
                .push("it writes files right in the root folder".to_owned());
        }
        writable.add_hidden(history, &files);
        writable
    }

    /// An empty volume hides what the image has there.
    fn add_hidden(&mut self, history: &History, written: &BTreeMap<String, BTreeSet<WindowId>>) {
        let path_of = |access: &Access| normal(&String::from_utf8_lossy(&access.resource));
        let created: BTreeSet<String> = history
            .on(Surface::File)
            .filter(|access| file_action::makes(&access.action))
            .filter_map(path_of)
            .collect();
        let mut hidden: BTreeMap<&str, (usize, String)> = BTreeMap::new();
        for access in history.on(Surface::File) {
            let Some(path) = path_of(access) else {
                continue;
            };
            let is_there = access.outcome == Outcome::Allowed
                && access.detail.as_deref() != Some("directory")
                && !created.contains(&path);
            let folder = above(&path)
                .find_map(|folder| self.folders.get_key_value(folder))
                .map(|(folder, _)| folder);
            if let Some(folder) = folder.filter(|_| is_there) {
                let (files, _) = hidden.entry(folder).or_insert_with(|| (0, access.shown()));
                *files += 1;
            }
        }
        let obstacles = hidden.into_iter().map(|(folder, (files, example))| {
            let verb = if written.contains_key(&example) {
                "writes"
            } else {
                "reads"
            };
            format!(
                "an empty volume at {folder} would hide files that the image has there ({files} in all) and that it {verb}, such as {example}"
            )
        });
        self.obstacles.extend(obstacles.collect::<Vec<_>>());
    }
}

/// The path that an access writes on the root file system, or on a mount of the container's; None for what a read-only root
/// does not touch.
pub(crate) fn written(access: &Access) -> Option<Vec<u8>> {
    if access.outcome != Outcome::Allowed {
        return None;
    }
    let path = match access.surface {
        Surface::File if file_action::changes(&access.action) => {
            // Devices, pipes and sockets are written on a read-only file system too.
            let is_special = access.detail.as_deref().is_some_and(|detail| {
                ["character device", "block device", "pipe", "socket"].contains(&detail)
            });
            (!is_special).then_some(access.resource.as_slice())?
        }
        Surface::Network if access.action == "bind" => access.resource.strip_prefix(b"unix:")?,
        _ => return None,
    };
    let is_elsewhere = ["/dev", "/proc", "/sys"]
        .iter()
        .any(|mount| is_inside(&String::from_utf8_lossy(path), mount));
    (path.starts_with(b"/") && !is_elsewhere).then(|| path.to_vec())
}

/// The path without empty components and those that stay where they are, for a change is recorded as it was asked for. None where
/// it goes up: behind a symbolic link that leads elsewhere than it seems.
fn normal(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            return None;
        }
        normal.push('/');
        normal.push_str(part);
    }
    Some(normal)
}

/// Whether a path is in a folder, or is the folder.
pub(crate) fn is_inside(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Writable mounts of the container's own, deepest first: `/data ext4 rw`.
pub(crate) fn own_mounts(history: &History) -> Vec<String> {
    const NOT_FOR_DATA: [&str; 6] = ["proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue"];
    let rows = history
        .subjects
        .iter()
        .filter(|row| row.container_id.is_some());
    let mounts: BTreeSet<String> = rows
        .flat_map(|row| row.mounts.iter().flatten())
        .filter_map(|mount| {
            let mut words = mount.rsplitn(3, ' ');
            let (mode, kind, path) = (words.next()?, words.next()?, words.next()?);
            (mode == "rw" && path != "/" && !NOT_FOR_DATA.contains(&kind)).then(|| path.to_owned())
        })
        .collect();
    let mut mounts: Vec<String> = mounts.into_iter().collect();
    mounts.sort_by_key(|path| std::cmp::Reverse(path.len()));
    mounts
}

fn folders(files: &BTreeMap<String, BTreeSet<WindowId>>, most: usize) -> BTreeMap<String, Written> {
    let mut folders: BTreeMap<String, Written> = BTreeMap::new();
    for (path, windows) in files {
        let scratch = SCRATCH.iter().find(|folder| is_inside(path, folder));
        let folder = scratch.map_or_else(|| parent(path), |folder| (*folder).to_owned());
        let written = folders.entry(folder).or_default();
        written.files += 1;
        written.windows.extend(windows.iter().cloned());
    }
    merge_inner(&mut folders);
    // Many folders in one become that one, deepest first, but never one right under the root or the root itself.
    loop {
        let mut by_parent: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for folder in folders.keys() {
            by_parent
                .entry(parent(folder))
                .or_default()
                .push(folder.clone());
        }
        let crowded = by_parent
            .into_iter()
            .filter(|(parent, inner)| inner.len() > most && parent.matches('/').count() > 1)
            .max_by_key(|(parent, _)| parent.matches('/').count());
        let Some((parent, _)) = crowded else { break };
        folders.entry(parent).or_default();
        merge_inner(&mut folders);
    }
    folders
}

/// A folder inside of another one of these goes with it.
fn merge_inner(folders: &mut BTreeMap<String, Written>) {
    let all: Vec<String> = folders.keys().cloned().collect();
    for folder in all {
        let outer = above(&folder)
            .skip(1)
            .find(|outer| folders.contains_key(*outer));
        if let Some(outer) = outer
            && let Some(inner) = folders.remove(&folder)
            && let Some(written) = folders.get_mut(outer)
        {
            written.files += inner.files;
            written.windows.extend(inner.windows);
        }
    }
}

/// A path, and the folders that it is in, from the inside to the one right under the root.
fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        let (folder, _) = path.rsplit_once('/')?;
        (!folder.is_empty()).then_some(folder)
    })
}

fn parent(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/".to_owned(),
        Some((folder, _)) => folder.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use whittle_schemas::table::{Tables, UsageRow, sample};

    use super::*;
    use crate::history::Who;

    fn of(writes: &[&str], reads: &[&str]) -> Writable {
        let row = |action: &str, path: &&str| UsageRow {
            action: action.to_owned(),
            resource: path.as_bytes().to_vec(),
            ..sample::usage()
        };
        let writes = writes.iter().map(|path| row("write+create", path));
        let usage = writes.chain(reads.iter().map(|path| row("read", path)));
        let tables = Tables {
            usage: usage.collect(),
            ..Tables::default()
        };
        Writable::of(
            &History::of_host(&Who::Subject("s-1".to_owned()), &tables),
            2,
        )
    }

    /// The folders that stay writable, where that can be.
    fn check(writes: &[&str], folders: &[&str]) {
        let found = of(writes, &[]);
        assert_eq!(
            found.folders.keys().collect::<Vec<_>>(),
            folders,
            "{writes:?}"
        );
        assert_eq!(found.obstacles, Vec::<String>::new());
    }

    #[test]
    fn files_stand_for_their_folder_and_folders_go_with_those_around_them() {
        check(&["/data/a", "/data/b"], &["/data"]);
        check(&["/data/a", "/data/in/b", "/srv/x/y"], &["/data", "/srv/x"]);
        check(&["/database/a", "/data/b"], &["/data", "/database"]);
        check(&["/tmp/a/b/c", "/run/x.pid"], &["/run", "/tmp"]);
        check(&["/srv/x/1/a", "/srv/x/2/a", "/srv/x/3/a"], &["/srv/x"]);
    }

    #[test]
    fn devices_and_the_kernels_file_systems_need_no_folder() {
        check(&["/dev/null", "/proc/self/oom_score_adj", "(deleted)"], &[]);
    }

    #[test]
    fn an_empty_volume_must_hide_nothing_that_is_used() {
        let said = |writes: &[&str], reads: &[&str]| of(writes, reads).obstacles.join("; ");
        assert_eq!(
            said(&["/app/out"], &["/app/out", "/etc/hosts", "/application"]),
            ""
        );
        assert!(said(&["/app/out"], &["/app/lib/code.py"]).contains("such as /app/lib/code.py"));
        assert!(said(&["/out"], &[]).contains("right in the root folder"));
    }

    #[test]
    fn folders_made_and_files_renamed_count_and_paths_are_taken_as_they_were_asked_for() {
        let row = |action: &str, path: &str| UsageRow {
            action: action.to_owned(),
            resource: path.as_bytes().to_vec(),
            ..sample::usage()
        };
        let of = |usage: Vec<UsageRow>| {
            let tables = Tables {
                usage,
                ..Tables::default()
            };
            let who = Who::Subject("s-1".to_owned());
            Writable::of(&History::of_host(&who, &tables), 2)
        };
        let found = of(vec![
            row("mkdir", "/data//in/."),
            row("rename", "/srv/a"),
            row("rename-to", "/srv/./b"),
            row("read", "/srv/b"),
            row("map", "/usr/lib/libc.so.6"),
        ]);
        assert_eq!(found.folders.keys().collect::<Vec<_>>(), ["/data", "/srv"]);
        assert!(
            found.obstacles[0].contains("such as /srv/a"),
            "{:?}",
            found.obstacles
        );
        let found = of(vec![row("unlink", "/data/../x")]);
        assert!(
            found.obstacles[0].contains("goes up"),
            "{:?}",
            found.obstacles
        );
    }

    #[test]
    fn many_folders_take_no_square_of_their_number() {
        let paths: Vec<String> = (0..20_000)
            .map(|at| format!("/data/{at}/{at}/file"))
            .collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        assert_eq!(
            of(&paths, &[]).folders.len(),
            20_000,
            "one right under the root is not opened for all"
        );
    }
}
