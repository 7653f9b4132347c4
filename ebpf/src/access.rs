//! An access by path, of whichever family: counted where it repeats one, else described and sent. A file that
//! was opened or executed is known by its dentry; what was refused or failed, by what was asked for.
//!
//! The two functions that do it are global ones, which the verifier checks once, each with a stack of its own. On
//! 5.10 those take plain numbers only; what they need is packed for the call.

use whittle_schemas::record::{
    KIND_FILE, Text, WALK_DELETED, WALK_FAULT, WALK_TRUNCATED,
    counter::Reason,
    file::{APPEND, CREATE, EXECUTE, FileBody, PATH, READ, TRUNCATE, WRITE},
    usage::{UsageId, UsageKey},
};

use crate::{
    asked::{self, Asked},
    config::offset,
    emit,
    folder::{self, Folder},
    hash,
    kernel::{self, read},
    lineage,
    path::{self, Path},
    scratch::{self, Scratch},
    sighting::Sighting,
    typed::{self, Typed},
    usage,
    wake::Urgency,
};

/// A file that was opened, with the `O_` flags that the caller gave.
#[inline(always)]
pub(crate) fn opened(
    sighting: Sighting,
    subject: u64,
    file: u64,
    flags: u64,
) -> Result<(), Reason> {
    Reason::or_recorded(touch_opened(sighting.packed(), subject, file, flags))
}

/// As [`opened`], for a file that the kernel gave to the hook. Only where `config::has_typed_task`.
#[inline(always)]
pub(crate) fn opened_typed(
    sighting: Sighting,
    subject: u64,
    task: Typed,
    file: Typed,
    flags: u64,
) -> Result<(), Reason> {
    let action = if flags & BEYOND_READING == 0 {
        READ
    } else {
        let mode: u32 = file.load(offset!(file_mode));
        action(flags, mode & FMODE_CREATED != 0)
    };
    let (object, folder) = typed::object(task, file);
    let key = sighting.key_of_file(subject, action, 0, object);
    if usage::repeat_here(sighting.generation, key.id) {
        return Ok(());
    }
    scratch::with(|scratch, slot| {
        let mut text = path::EMPTY;
        let folder = typed::folder(task, file, folder);
        let is_known = folder::find(slot, sighting.generation, folder);
        typed::walk(scratch, task, file, is_known);
        path::walk_on_from(slot, &mut text);
        text.magic = typed::magic(file);
        let length = file
            .follow(offset!(file_path_dentry))
            .load(offset!(dentry_name_len));
        let urgency = Urgency::of_file(scratch, length);
        if lineage::is_removed(object[2]) {
            text.walk_flags |= WALK_DELETED;
        }
        let mode: u16 = file.follow(offset!(file_inode)).load(offset!(inode_mode));
        let inode = Inode {
            number: object[0],
            device: object[2] as u32,
            mode: u32::from(mode),
        };
        send(scratch, sighting, &key, text, inode, urgency)
    })?;
    usage::begin(sighting.generation, sighting.family, key.id);
    Ok(())
}

/// A file that was executed.
#[inline(always)]
pub(crate) fn executed(sighting: Sighting, subject: u64, file: u64) -> Result<(), Reason> {
    Reason::or_recorded(touch_opened(sighting.packed(), subject, file, EXECUTED))
}

/// A file that was changed through a descriptor, or was to be.
#[inline(always)]
pub(crate) fn changed(
    sighting: Sighting,
    subject: u64,
    file: u64,
    action: u16,
    errno: i32,
) -> Result<(), Reason> {
    let what = CHANGED | u64::from(action) | (u64::from(errno as u32 & 0xffff) << 16);
    Reason::or_recorded(touch_opened(sighting.packed(), subject, file, what))
}

/// What was asked for, where that is all that there is: a refused or failed access, or a script.
#[derive(Clone, Copy)]
pub(crate) struct Asking {
    pub(crate) subject: u64,
    pub(crate) action: u16,
    pub(crate) errno: i32,
    /// Where a relative path starts: a descriptor, or [`AT_FDCWD`].
    pub(crate) directory: i32,
    pub(crate) asked: Asked,
}

/// An access that is known by what was asked for.
#[inline(always)]
pub(crate) fn asked(sighting: Sighting, asking: Asking) -> Result<(), Reason> {
    let (address, in_kernel) = match asking.asked {
        Asked::User(address) => (address, 0),
        Asked::Kernel(address) => (address, IN_KERNEL),
    };
    let action = u64::from(asking.action) << 16;
    let errno = u64::from(asking.errno as u32 & 0xffff) << 32;
    let what = u64::from(sighting.packed()) | action | errno | in_kernel;
    Reason::or_recorded(touch_asked(what, asking.subject, address, asking.directory))
}

/// `AT_FDCWD` of `include/uapi/linux/fcntl.h`: the working directory.
pub(crate) const AT_FDCWD: i32 = -100;

/// Instead of `O_` flags: executed.
const EXECUTED: u64 = u64::MAX;

/// In what [`touch_opened`] gets instead of `O_` flags: changed, with the action in the lowest two bytes and the errno in the next.
const CHANGED: u64 = 1 << 62;

/// In what [`touch_asked`] gets: the path is in the kernel's memory.
const IN_KERNEL: u64 = 1 << 63;

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn touch_opened(sighting: u32, subject: u64, file: u64, flags: u64) -> u32 {
    Reason::number(try_opened(
        Sighting::unpacked(sighting),
        subject,
        file,
        flags,
    ))
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn touch_asked(what: u64, subject: u64, address: u64, directory: i32) -> u32 {
    let asked = if what & IN_KERNEL != 0 {
        Asked::Kernel(address)
    } else {
        Asked::User(address)
    };
    let (action, errno) = ((what >> 16) as u16, (what >> 32) as i32 & 0xffff);
    let asking = Asking {
        subject,
        action,
        errno,
        directory,
        asked,
    };
    Reason::number(try_asked(Sighting::unpacked(what as u32), asking))
}

#[inline(always)]
fn try_opened(sighting: Sighting, subject: u64, file: u64, flags: u64) -> Result<(), Reason> {
    let path = Path::of_file(file).ok_or(Reason::ObjectUnknown)?;
    let inode: u64 = read(file, offset!(file_inode)).ok_or(Reason::ObjectUnknown)?;
    let sb: u64 = read(inode, offset!(inode_sb)).ok_or(Reason::ObjectUnknown)?;
    let number: u64 = read(inode, offset!(inode_ino)).ok_or(Reason::ObjectUnknown)?;
    let device: u32 = read(sb, offset!(sb_dev)).ok_or(Reason::ObjectUnknown)?;
    let generation: u32 = read(inode, offset!(inode_generation)).ok_or(Reason::ObjectUnknown)?;
    // Addresses count by how far they are from the file system's, which `typed::object` can tell, too.
    let below = lineage::below(path, sb).ok_or(Reason::ObjectUnknown)?;
    let mut errno = 0;
    let action = if flags == EXECUTED {
        EXECUTE
    } else if flags & CHANGED != 0 {
        errno = (flags >> 16) as i32 & 0xffff;
        flags as u16
    } else {
        let mode: u32 = read(file, offset!(file_mode)).ok_or(Reason::ObjectUnknown)?;
        action(flags, mode & FMODE_CREATED != 0)
    };
    let object = [
        number,
        below.name,
        lineage::device_and_state(device, generation, path::is_unlinked(path)),
    ];
    let key = sighting.key_of_file(subject, action, errno, object);
    if usage::repeat(sighting.generation, key.id) {
        return Ok(());
    }
    let mode: u16 = read(inode, offset!(inode_mode)).unwrap_or(0);
    scratch::with(|scratch, slot| {
        let mut text = path::EMPTY;
        let mount_root = read(path.mnt, offset!(vfsmount_root)).unwrap_or(0);
        let folder = Folder::above(path, mount_root, below.root, below.folder);
        if folder::find(slot, sighting.generation, folder) {
            path::name(slot, path, &mut text);
        } else {
            path::walk(slot, path, &mut text);
        }
        let length = read(path.dentry, offset!(dentry_name_len)).unwrap_or(0);
        let urgency = Urgency::of_file(scratch, length);
        let inode = Inode {
            number,
            device,
            mode: u32::from(mode),
        };
        send(scratch, sighting, &key, text, inode, urgency)
    })?;
    usage::begin(sighting.generation, sighting.family, key.id);
    Ok(())
}

/// Fourth word of an object that is known by what was asked for; one that was found has three.
const BY_REQUEST: u64 = 1 << 33;

#[inline(always)]
fn try_asked(sighting: Sighting, asking: Asking) -> Result<(), Reason> {
    // Not in the result: where that is an error, the compiler would still copy what is not there.
    let mut first = UsageId::NONE;
    scratch::with(|scratch, slot| {
        let mut text = asked::read(scratch, asking.asked)?;
        let lanes = hash::text(slot, text.asked_bytes);
        find_base(slot, asking.directory);
        // The memory is asked for again: what found it had it to itself.
        let Base {
            dentry,
            mnt,
            identity,
            lineage,
        } = scratch::of(slot).ok_or(Reason::Nested)?.base;
        let object = [lanes[0], lanes[1] ^ lineage, identity, BY_REQUEST];
        scratch.folder = UsageId::NONE;
        let key = sighting.key(asking.subject, asking.action, asking.errno, object);
        if usage::repeat(sighting.generation, key.id) {
            return Ok(());
        }
        if dentry != 0 {
            path::walk(slot, Path { dentry, mnt }, &mut text);
        }
        send(
            scratch,
            sighting,
            &key,
            text,
            Inode {
                number: 0,
                device: 0,
                mode: 0,
            },
            Urgency::Later,
        )?;
        first = key.id;
        Ok(())
    })?;
    if first != UsageId::NONE {
        usage::begin(sighting.generation, sighting.family, first);
    }
    Ok(())
}

/// Where a relative path starts; all zero where that cannot be told, as with a descriptor that is not open, and for an absolute one.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Base {
    dentry: u64,
    mnt: u64,
    /// As [`lineage::identity`] and [`lineage::for_now`] have it.
    identity: u64,
    lineage: u64,
}

/// Finds where the path in the slot starts, and puts it there. A global function, so that the verifier need not follow what comes after for
/// each way in which something may not be there.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn find_base(slot: u32, directory: i32) -> u32 {
    let Some(scratch) = scratch::of(slot) else {
        return 0;
    };
    scratch.base = Base {
        dentry: 0,
        mnt: 0,
        identity: 0,
        lineage: 0,
    };
    if asked::is_relative(scratch)
        && let Some(base) = base(directory)
    {
        scratch.base = Base {
            dentry: base.dentry,
            mnt: base.mnt,
            identity: lineage::identity(base).unwrap_or(0),
            lineage: lineage::for_now(base).unwrap_or(0),
        };
    }
    0
}

#[inline(always)]
fn base(directory: i32) -> Option<Path> {
    if directory == AT_FDCWD {
        return Path::working_directory();
    }
    Path::of_file(kernel::file_of(u64::from(directory as u32)).ok()?)
}

struct Inode {
    number: u64,
    device: u32,
    mode: u32,
}

#[inline(always)]
fn send(
    scratch: &mut Scratch,
    sighting: Sighting,
    key: &UsageKey,
    text: Text,
    inode: Inode,
    urgency: Urgency,
) -> Result<(), Reason> {
    if text.walk_flags & (WALK_TRUNCATED | WALK_FAULT) != 0 {
        sighting.count(Reason::Truncated);
    }
    let body = FileBody {
        header: emit::header::<FileBody>(KIND_FILE, sighting.generation.flags(), &text),
        key: *key,
        text,
        inode: inode.number,
        device: inode.device,
        mode: inode.mode,
        folder: scratch.folder(),
    };
    emit::send(scratch, body, &text, urgency)?;
    folder::sent(scratch, sighting.generation, text.walk_flags);
    Ok(())
}

/// `FMODE_CREATED` of `include/linux/fs.h`: this open made the file.
const FMODE_CREATED: u32 = 0x10_0000;

pub(crate) const O_WRONLY: u64 = 1;
const O_RDWR: u64 = 2;
pub(crate) const O_CREAT: u64 = 0o100;
pub(crate) const O_TRUNC: u64 = 0o1000;
const O_APPEND: u64 = 0o2000;
const O_PATH: u64 = 0o10_000_000;

/// Without one of these an open is for reading and no more, which most are. Only `O_CREAT` makes a file.
const BEYOND_READING: u64 = 3 | O_CREAT | O_TRUNC | O_APPEND | O_PATH;

/// The action bits of an open; `created`: whether it made the file.
#[inline(always)]
pub(crate) fn action(flags: u64, created: bool) -> u16 {
    if flags & O_PATH != 0 {
        return PATH;
    }
    let mut action = match flags & 3 {
        O_WRONLY => WRITE,
        // 3 is an old way to ask for ioctl alone: no right to the content, and checked as both.
        O_RDWR | 3 => READ | WRITE,
        _ => READ,
    };
    if created {
        action |= CREATE;
    }
    if flags & O_TRUNC != 0 {
        action |= TRUNCATE;
    }
    if flags & O_APPEND != 0 {
        action |= APPEND;
    }
    action
}
