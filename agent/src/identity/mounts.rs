//! What is mounted where a process runs: `/proc/PID/mountinfo`, read when a subject is announced. `secrets` tells
//! which of it holds secrets.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    os::unix::fs::MetadataExt,
    rc::Rc,
};

use procfs::{FromBufRead, process::MountInfos};
use whittle_schemas::table::text::escape;

use super::secrets;
use crate::model::Mounts;

/// Most bytes of a mountinfo that are read: more mounts than this holds are not listed at all, for half a list would
/// be taken for a whole one.
const MOST_BYTES: u64 = 4 << 20;

/// Most mount namespaces that are remembered.
const MOST_NAMESPACES: usize = 4_096;

/// The mount namespaces that processes were seen in.
pub(super) struct Namespaces {
    /// This process's own, which can be read at any time.
    own: Option<u32>,
    known: HashMap<u32, Option<Rc<Mounts>>>,
    refused: u64,
}

impl Namespaces {
    pub(super) fn new() -> Self {
        Self {
            own: inode("self"),
            known: HashMap::new(),
            refused: 0,
        }
    }

    /// Namespaces that did not fit into the bound.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// What is mounted in a namespace, by processes that were just seen in it: the first of them that lives. It is read
    /// anew each time, for container runtimes mount until the moment at which they start the workload.
    pub(super) fn mounts(&mut self, namespace: u32, tgids: &[u32]) -> Option<Rc<Mounts>> {
        let now = if self.own == Some(namespace) {
            read("self")
        } else {
            tgids.iter().find_map(|tgid| of_process(namespace, *tgid))
        };
        let before = self.known.get(&namespace);
        match (now, before) {
            (Some(now), Some(Some(before))) if **before == now => Some(Rc::clone(before)),
            (Some(now), before) => {
                let mounts = Some(Rc::new(now));
                if before.is_some() || self.known.len() < MOST_NAMESPACES {
                    self.known.insert(namespace, mounts.clone());
                } else {
                    self.refused += 1;
                }
                mounts
            }
            (None, before) => before.cloned().flatten(),
        }
    }
}

/// None where the process has ended or gone elsewhere, before or after its list was read.
fn of_process(namespace: u32, tgid: u32) -> Option<Mounts> {
    let process = tgid.to_string();
    let mounts = read(&process)?;
    (inode(&process) == Some(namespace)).then_some(mounts)
}

/// Inode number of a process's mount namespace.
fn inode(process: &str) -> Option<u32> {
    let metadata = fs::metadata(format!("/proc/{process}/ns/mnt")).ok()?;
    metadata.ino().try_into().ok()
}

fn read(process: &str) -> Option<Mounts> {
    let file = File::open(format!("/proc/{process}/mountinfo")).ok()?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > MOST_BYTES {
        tracing::debug!(process, "too many mounts");
        return None;
    }
    parse(&bytes)
}

/// Mount points are bytes, and the reader takes text: one that is none must not hide all others.
fn parse(mountinfo: &[u8]) -> Option<Mounts> {
    let text = String::from_utf8_lossy(mountinfo);
    let infos = MountInfos::from_buf_read(text.as_bytes()).ok()?;
    let mut mounts = Mounts::default();
    for info in infos {
        let point = unescape(&info.mount_point.to_string_lossy());
        let read_only =
            info.mount_options.contains_key("ro") || info.super_options.contains_key("ro");
        let name = escape(&point);
        if secrets::is_secret(&name, &info.fs_type, read_only) {
            mounts.secrets.push(name.clone());
        }
        let mode = if read_only { "ro" } else { "rw" };
        mounts
            .points
            .push(format!("{name} {} {mode}", escape(info.fs_type.as_bytes())));
    }
    Some(mounts)
}

/// The kernel writes a blank, a tab, a line break and a backslash as `\` and three octal digits.
fn unescape(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| *first == b'\\');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            bytes.push(byte);
            rest = &after[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_told_by_their_point_type_and_whether_they_can_be_written() {
        let mounts = parse(
            b"22 27 0:21 / /proc rw,relatime - proc proc rw\n\
              23 27 0:22 / /data ro,nosuid - ext4 /dev/vda rw\n\
              24 27 0:23 / /super rw shared:1 - tmpfs tmpfs ro\n\
              25 27 0:24 / /a\\040b\\134c\\012d rw - tmpfs tmpfs rw\n\
              26 27 0:24 / /bad\xff rw - tmpfs tmpfs rw\n",
        )
        .expect("it is mountinfo");
        assert_eq!(
            mounts.points,
            [
                "/proc proc rw",
                "/data ext4 ro",
                "/super tmpfs ro",
                r"/a b\\c\nd tmpfs rw",
                "/bad\u{fffd} tmpfs rw",
            ]
        );
    }

    #[test]
    fn a_list_that_is_cut_short_is_none() {
        assert_eq!(
            parse(b"22 27 0:21 / /proc rw - proc proc rw\n23 27 0:"),
            None
        );
    }

    #[test]
    fn mounts_of_this_process_are_those_that_the_kernel_lists() {
        let mut namespaces = Namespaces::new();
        let own = namespaces.own.expect("/proc/self/ns/mnt");
        let mounts = namespaces.mounts(own, &[]).expect("/proc/self/mountinfo");
        let lines = fs::read_to_string("/proc/self/mountinfo").expect("/proc");
        assert_eq!(mounts.points.len(), lines.lines().count());
        let again = namespaces.mounts(own, &[]).expect("/proc/self/mountinfo");
        assert!(Rc::ptr_eq(&mounts, &again), "the same list is kept once");
        assert_eq!(namespaces.mounts(own + 1, &[std::process::id()]), None);
    }
}
