//! The hooks of family `file`.

use super::{
    Backend, Hook, RING, call, entered, entry, exit, exited, optional, place, probe, stood_for,
    tracepoint,
};

/// Those of all backends, or of more than one, and the backend's own.
pub(super) const fn of(backend: Backend) -> [&'static [Hook]; 2] {
    match backend {
        Backend::Trampoline => [&[], TRAMPOLINE],
        Backend::Kprobe => [SYSCALL, KPROBE],
        Backend::Syscall => [UNSEEN, SYSCALL],
    }
}

const SYSCALL: &[Hook] = &[
    exited("file_sys_exit", place::OPEN),
    exited("change_sys_exit", place::CHANGE),
];

const UNSEEN: &[Hook] = &[tracepoint("uring_unseen_file", RING)];

const KPROBE: &[Hook] = &[
    probe("file_filp_open_return", OPEN),
    probe("file_filp_open_entry", OPEN),
    optional(probe("uring_change_return", UNLINK)),
    optional(probe("uring_unlink_probe", UNLINK)),
    optional(probe("uring_change_return", RMDIR)),
    optional(probe("uring_rmdir_probe", RMDIR)),
    optional(probe("uring_change_return", MKDIR)),
    optional(probe("uring_mkdir_probe", MKDIR)),
    optional(probe("uring_change_return", SYMLINK)),
    optional(probe("uring_symlink_probe", SYMLINK)),
    optional(probe("uring_change_return", LINK)),
    optional(probe("uring_link_probe", LINK)),
    optional(probe("uring_change_return", RENAME)),
    optional(probe("uring_rename_probe", RENAME)),
    optional(probe("uring_truncate_return", TRUNCATE)),
    optional(probe("uring_truncate_probe", TRUNCATE)),
];

/// What calls and `io_uring` both lead to; the second names are those of 7.3.
const UNLINK: &[&str] = &["do_unlinkat", "filename_unlinkat"];
const RMDIR: &[&str] = &["do_rmdir", "filename_rmdir"];
const MKDIR: &[&str] = &["do_mkdirat", "filename_mkdirat"];
const SYMLINK: &[&str] = &["do_symlinkat", "filename_symlinkat"];
const LINK: &[&str] = &["do_linkat", "filename_linkat"];
const RENAME: &[&str] = &["do_renameat2", "filename_renameat2"];
const TRUNCATE: &[&str] = &["do_ftruncate"];

/// The function that every open ends in.
const OPEN: &[&str] = &["do_filp_open", "do_file_open"];

const TRAMPOLINE: &[Hook] = &[
    stood_for(2, exit("file_filp_open", OPEN)),
    entered("change_entered", "__x64_sys_mmap", 0),
    stood_for(1, call("change_mmap", "__x64_sys_mmap")),
    call("change_truncate", "__x64_sys_truncate"),
    stood_for(1, call("change_ftruncate", "__x64_sys_ftruncate")),
    stood_for(3, call("change_rename", "__x64_sys_rename")),
    stood_for(3, call("change_mkdir", "__x64_sys_mkdir")),
    stood_for(3, call("change_rmdir", "__x64_sys_rmdir")),
    stood_for(1, call("change_link", "__x64_sys_link")),
    stood_for(3, call("change_unlink", "__x64_sys_unlink")),
    stood_for(1, call("change_symlink", "__x64_sys_symlink")),
    stood_for(1, call("change_chmod", "__x64_sys_chmod")),
    stood_for(1, call("change_fchmod", "__x64_sys_fchmod")),
    stood_for(3, call("change_chown", "__x64_sys_chown")),
    call("change_fchown", "__x64_sys_fchown"),
    call("change_lchown", "__x64_sys_lchown"),
    call("change_utime", "__x64_sys_utime"),
    call("change_mknod", "__x64_sys_mknod"),
    call("change_mount", "__x64_sys_mount"),
    call("change_umount", "__x64_sys_umount"),
    call("change_setxattr", "__x64_sys_setxattr"),
    call("change_lsetxattr", "__x64_sys_lsetxattr"),
    call("change_fsetxattr", "__x64_sys_fsetxattr"),
    call("change_removexattr", "__x64_sys_removexattr"),
    call("change_lremovexattr", "__x64_sys_lremovexattr"),
    call("change_fremovexattr", "__x64_sys_fremovexattr"),
    call("change_utimes", "__x64_sys_utimes"),
    stood_for(1, call("change_mkdirat", "__x64_sys_mkdirat")),
    call("change_mknodat", "__x64_sys_mknodat"),
    stood_for(1, call("change_fchownat", "__x64_sys_fchownat")),
    call("change_futimesat", "__x64_sys_futimesat"),
    stood_for(3, call("change_unlinkat", "__x64_sys_unlinkat")),
    call("change_renameat", "__x64_sys_renameat"),
    call("change_linkat", "__x64_sys_linkat"),
    call("change_symlinkat", "__x64_sys_symlinkat"),
    stood_for(1, call("change_fchmodat", "__x64_sys_fchmodat")),
    stood_for(1, call("change_utimensat", "__x64_sys_utimensat")),
    stood_for(1, call("change_renameat2", "__x64_sys_renameat2")),
    call("change_move_mount", "__x64_sys_move_mount"),
    call("change_fchmodat2", "__x64_sys_fchmodat2"),
    stood_for(1, optional(exit("uring_unlink", UNLINK))),
    stood_for(1, optional(entry("uring_unlink_entry", UNLINK))),
    stood_for(1, optional(exit("uring_rmdir", RMDIR))),
    stood_for(1, optional(entry("uring_rmdir_entry", RMDIR))),
    stood_for(1, optional(exit("uring_mkdir", MKDIR))),
    stood_for(1, optional(entry("uring_mkdir_entry", MKDIR))),
    optional(exit("uring_symlink", SYMLINK)),
    optional(entry("uring_symlink_entry", SYMLINK)),
    optional(exit("uring_link", LINK)),
    optional(entry("uring_link_entry", LINK)),
    stood_for(1, optional(exit("uring_rename", RENAME))),
    stood_for(1, optional(entry("uring_rename_entry", RENAME))),
    stood_for(1, optional(exit("uring_truncate", TRUNCATE))),
    exit("uring_worked", &["io_wq_submit_work"]),
];
