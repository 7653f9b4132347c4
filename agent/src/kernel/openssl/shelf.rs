//! Links of probes that the kernel lets go of in its own time. Closing a probe of a function waits for all CPUs, a tenth
//! of a second for each of ten probes per file, and whoever ends a recording would wait for them. A link in a file system for
//! BPF objects is released by a worker of the kernel instead: this one is mounted nowhere, and goes with its descriptor.

use std::os::fd::{AsRawFd, OwnedFd};

use aya::{
    programs::{UProbe, links::FdLink, uprobe::UProbeLinkId},
    util::KernelVersion,
};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

/// Where links are put; without a mount they stay with their programs, and are closed with those.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    mount: Option<OwnedFd>,
    links: u32,
}

impl Shelf {
    /// A shelf, or none where the kernel has no links for probes (before 5.15), or no such file system.
    pub(super) fn new() -> Self {
        let has_links =
            KernelVersion::current().is_ok_and(|version| version >= KernelVersion::new(5, 15, 0));
        let mount = if has_links { mount().ok() } else { None };
        Self { mount, links: 0 }
    }

    /// Whether there is one.
    pub(super) fn is_there(&self) -> bool {
        self.mount.is_some()
    }

    /// Puts a link away. False: it could not be put there and is gone, and so is the shelf.
    pub(super) fn put(&mut self, program: &mut UProbe, link: UProbeLinkId) -> bool {
        let Some(mount) = &self.mount else {
            return false;
        };
        let path = format!("/proc/self/fd/{}/{}", mount.as_raw_fd(), self.links);
        let taken = program.take_link(link).ok();
        let link = taken.and_then(|link| FdLink::try_from(link).ok());
        let is_put = link.is_some_and(|link| link.pin(&path).is_ok());
        self.links += 1;
        if !is_put {
            self.mount = None;
        }
        is_put
    }
}

fn mount() -> rustix::io::Result<OwnedFd> {
    let context = fsopen("bpf", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )
}
