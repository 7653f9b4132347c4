//! Control groups: from the kernel's id to a path, and from the path to the workload.

use std::{
    collections::HashMap,
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use whittle_schemas::table::text::escape;

use crate::model::Workload;

/// Most folders that one search for a control group looks at.
const MOST_FOLDERS: usize = 100_000;

/// Most paths that are remembered: then all are forgotten, and found again where they are needed.
const MOST_PATHS: usize = 65_536;

pub(super) struct Cgroups {
    /// Where cgroup v2 is mounted; None where it is not.
    mount: Option<PathBuf>,
    paths: HashMap<u64, Option<String>>,
}

impl Cgroups {
    pub(super) fn new() -> Self {
        Self {
            mount: mount(),
            paths: HashMap::new(),
        }
    }

    /// The path below the cgroup v2 mount, escaped, for workloads name their groups; None where it is gone or there is no such
    /// mount.
    pub(super) fn path(&mut self, id: u64, tgid: u32) -> Option<String> {
        if let Some(path) = self.paths.get(&id) {
            return path.clone();
        }
        let path = self.of_process(id, tgid).or_else(|| self.search(id));
        if self.paths.len() >= MOST_PATHS {
            self.paths.clear();
        }
        self.paths.insert(id, path.clone());
        path
    }

    /// What the process says, if it is still there and in that group.
    fn of_process(&self, id: u64, tgid: u32) -> Option<String> {
        let mount = self.mount.as_ref()?;
        let process = procfs::process::Process::new(i32::try_from(tgid).ok()?).ok()?;
        let groups = process.cgroups().ok()?;
        let unified = groups.into_iter().find(|group| group.hierarchy == 0)?;
        let folder = mount.join(unified.pathname.trim_start_matches('/'));
        (fs::metadata(folder).ok()?.ino() == id).then(|| escape(unified.pathname.as_bytes()))
    }

    /// Looks for the folder whose inode is the id.
    fn search(&self, id: u64) -> Option<String> {
        let mount = self.mount.as_ref()?;
        let mut folders = vec![mount.clone()];
        for _ in 0..MOST_FOLDERS {
            let folder = folders.pop()?;
            if fs::metadata(&folder).is_ok_and(|metadata| metadata.ino() == id) {
                let below = folder.strip_prefix(mount).ok()?;
                return Some(format!("/{}", escape(below.as_os_str().as_bytes())));
            }
            // A group that vanished meanwhile has no folders.
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            let is_folder =
                |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
            folders.extend(
                entries
                    .filter_map(Result::ok)
                    .filter(is_folder)
                    .map(|entry| entry.path()),
            );
        }
        None
    }
}

fn mount() -> Option<PathBuf> {
    let mounts = procfs::process::Process::myself().ok()?.mountinfo().ok()?;
    mounts
        .into_iter()
        .find(|mount| mount.fs_type == "cgroup2")
        .map(|mount| mount.mount_point)
}

/// The workload that a control group's path tells of: a container by its 64 hex digits, else a systemd unit.
pub(super) fn workload(path: &str) -> Workload {
    let components = || {
        Path::new(path)
            .components()
            .rev()
            .filter_map(|part| part.as_os_str().to_str())
    };
    if let Some(id) = components().find_map(container_id) {
        return Workload {
            kind: Some("container"),
            name: Some(id.to_owned()),
            container_id: Some(id.to_owned()),
            systemd_unit: None,
        };
    }
    let is_unit = |part: &&str| {
        Path::new(part)
            .extension()
            .is_some_and(|kind| kind == "service")
    };
    match components().find(is_unit) {
        Some(unit) => Workload {
            kind: Some("systemd"),
            name: Some(unit.to_owned()),
            container_id: None,
            systemd_unit: Some(unit.to_owned()),
        },
        None => Workload::default(),
    }
}

/// `ID`, `docker-ID.scope`, `cri-containerd-ID.scope`, `crio-ID.scope`, `libpod-ID.scope`.
fn container_id(component: &str) -> Option<&str> {
    const DIGITS: usize = 64;
    let name = component.strip_suffix(".scope").unwrap_or(component);
    let id = name.get(name.len().checked_sub(DIGITS)?..)?;
    let before = &name[..name.len() - DIGITS];
    let is_id = id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id && (before.is_empty() || before.ends_with('-'))).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_and_units_are_told_from_paths_of_common_runtimes() {
        let id = "0123456789abcdef".repeat(4);
        let check = |path: String, kind: Option<&str>, name: Option<&str>| {
            let found = workload(&path);
            assert_eq!((found.kind, found.name.as_deref()), (kind, name), "{path}");
        };
        check(
            format!("/system.slice/docker-{id}.scope"),
            Some("container"),
            Some(&id),
        );
        check(
            format!("/kubepods/burstable/pod1/{id}"),
            Some("container"),
            Some(&id),
        );
        check(
            format!("/kubepods.slice/x.slice/cri-containerd-{id}.scope/init"),
            Some("container"),
            Some(&id),
        );
        check(
            "/system.slice/nginx.service".to_owned(),
            Some("systemd"),
            Some("nginx.service"),
        );
        check("/user.slice/session-3.scope".to_owned(), None, None);
        check("/".to_owned(), None, None);
    }

    #[test]
    fn the_group_of_this_process_is_found_by_its_id() {
        let mut groups = Cgroups::new();
        let mount = groups.mount.clone().expect("cgroup v2 is mounted");
        let myself = procfs::process::Process::myself().expect("/proc");
        let own = myself
            .cgroups()
            .expect("/proc/self/cgroup")
            .into_iter()
            .find(|group| group.hierarchy == 0);
        let own = own.expect("a v2 group").pathname;
        let id = fs::metadata(mount.join(own.trim_start_matches('/')))
            .expect("its folder")
            .ino();
        assert_eq!(groups.search(id), Some(own.clone()));
        assert_eq!(groups.path(id, std::process::id()), Some(own));
    }
}
