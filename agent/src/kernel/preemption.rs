//! Whether the kernel preempts its own work, and with it probes: Linux 7 always, older ones where they are told to. Those that are built for
//! both say at run time which it is, in debugfs; elsewhere the word `PREEMPT` in their version is all there is.

use std::{fs::File, io::Read, os::fd::OwnedFd};

use rustix::{
    fs::{Mode, OFlags, openat},
    io::Result,
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen},
};

/// Whether a probe may be preempted here. Where that cannot be told, it may.
pub(super) fn is_on() -> bool {
    let version = rustix::system::uname();
    let version = version.version().to_string_lossy();
    if !version.contains("PREEMPT") {
        return false;
    }
    let said = mode().ok().and_then(|text| parse(&text));
    said.unwrap_or(true)
}

/// What `sched/preempt` of debugfs says, on a mount that nobody else sees.
fn mode() -> Result<String> {
    let context = fsopen("debugfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let mount: OwnedFd = fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_RDONLY,
    )?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(&mount, "sched/preempt", flags, Mode::empty())?;
    let mut text = String::new();
    let read = File::from(file).take(MOST).read_to_string(&mut text);
    read.map_or(Ok(String::new()), |_| Ok(text))
}

/// Bytes that are read of it: it is a line of words.
const MOST: u64 = 256;

/// Such as `none voluntary (full)`: the mode is the one in brackets.
fn parse(text: &str) -> Option<bool> {
    let (_, behind) = text.split_once('(')?;
    let (mode, _) = behind.split_once(')')?;
    Some(!matches!(mode, "none" | "voluntary"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_kernel_preempts_probes_unless_it_says_that_it_does_not() {
        assert_eq!(parse("none (voluntary) full\n"), Some(false));
        assert_eq!(parse("(none) voluntary full lazy\n"), Some(false));
        assert_eq!(parse("none voluntary (full) \n"), Some(true));
        assert_eq!(parse("full (lazy)\n"), Some(true));
        assert_eq!(parse(""), None);
    }
}
