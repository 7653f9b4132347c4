//! Hook family privilege: numbers as the words that manual pages have for them. One that is newer than a list keeps its number.

use std::borrow::Cow;

use whittle_schemas::{
    record::privilege::{
        ADD_KEY, BPF, EXECUTABLE, IO_URING, KEYCTL, LOAD_MODULE, PTRACE, PrivilegeBody, REACH,
        REMAPPED, REQUEST_KEY, SETNS, SIGNAL, UNLOAD_MODULE, UNSHARE, USER_KNOWN, WRITABLE,
    },
    table::Surface,
};

use crate::model::{Deed, Event};

use super::{DecodeError, Raw, errno, family};

/// What a number is called.
type Name = fn(u64) -> String;

/// The action's word, and how its number is named.
const ACTS: &[(u16, &str, Name)] = &[
    (PTRACE, "trace", |request| {
        one_of(request, PTRACES, "ptrace request")
    }),
    (REACH, "reach into", |call| one_of(call, REACHES, "call")),
    (BPF, "bpf", |command| {
        in_order(command, BPF_COMMANDS, "command")
    }),
    (LOAD_MODULE, "load module", |call| {
        one_of(call, LOADS, "call")
    }),
    (UNLOAD_MODULE, "unload module", |_| "a module".to_owned()),
    (KEYCTL, "keyctl", |operation| {
        in_order(operation, KEY_OPERATIONS, "operation")
    }),
    (ADD_KEY, "keyctl", |_| "add_key".to_owned()),
    (REQUEST_KEY, "keyctl", |_| "request_key".to_owned()),
    (SETNS, "enter namespace", namespaces),
    (UNSHARE, "make namespace", namespaces),
    (SIGNAL, "signal", signal),
    (IO_URING, "io_uring", |_| "a ring".to_owned()),
    (EXECUTABLE, "make executable", executable),
];

pub(super) fn decode(raw: &Raw<'_>) -> Result<Event<'static>, DecodeError> {
    let body: PrivilegeBody = raw.body()?;
    let act = ACTS.iter().find(|(number, ..)| *number == body.key.action);
    let (_, action, name) = act.ok_or(DecodeError::Unknown {
        what: "privileged act",
        number: body.key.action.into(),
    })?;
    let (outcome, error) = errno::outcome(body.key.errno);
    let deed = Deed {
        family: family(&body.key)?,
        surface: Surface::Privilege,
        action: (*action).into(),
        detail: None,
        outcome,
        error,
    };
    let resource = name(body.asked).into_bytes();
    Ok(raw.touch(body.key, deed, Cow::Owned(resource)))
}

/// What `MemoryDenyWriteExecute=` of a systemd unit forbids.
fn executable(how: u64) -> String {
    let memory = if how & REMAPPED == 0 {
        "new memory"
    } else {
        "memory that was mapped"
    };
    let writable = if how & WRITABLE == 0 {
        ""
    } else {
        ", still writable"
    };
    format!("{memory}{writable}")
}

fn one_of(number: u64, names: &[(u64, &str)], what: &str) -> String {
    let known = names.iter().find(|(known, _)| *known == number);
    known.map_or_else(
        || format!("{what} {number}"),
        |(_, name)| (*name).to_owned(),
    )
}

fn in_order(number: u64, names: &[&str], what: &str) -> String {
    let name = usize::try_from(number).ok().and_then(|at| names.get(at));
    name.map_or_else(|| format!("{what} {number}"), |name| (*name).to_owned())
}

/// `include/uapi/linux/ptrace.h`.
const PTRACES: &[(u64, &str)] = &[
    (0, "by the parent"),
    (16, "another process"),
    (0x4206, "another process"),
];

/// Numbers of x86-64's system calls.
const REACHES: &[(u64, &str)] = &[
    (310, "memory, reading"),
    (311, "memory, writing"),
    (438, "descriptors"),
];
const LOADS: &[(u64, &str)] = &[(175, "from memory"), (313, "from a file")];

/// `enum bpf_cmd` of `include/uapi/linux/bpf.h`, up to Linux 6.17.
const BPF_COMMANDS: &[&str] = &[
    "map_create",
    "map_lookup_elem",
    "map_update_elem",
    "map_delete_elem",
    "map_get_next_key",
    "prog_load",
    "obj_pin",
    "obj_get",
    "prog_attach",
    "prog_detach",
    "prog_test_run",
    "prog_get_next_id",
    "map_get_next_id",
    "prog_get_fd_by_id",
    "map_get_fd_by_id",
    "obj_get_info_by_fd",
    "prog_query",
    "raw_tracepoint_open",
    "btf_load",
    "btf_get_fd_by_id",
    "task_fd_query",
    "map_lookup_and_delete_elem",
    "map_freeze",
    "btf_get_next_id",
    "map_lookup_batch",
    "map_lookup_and_delete_batch",
    "map_update_batch",
    "map_delete_batch",
    "link_create",
    "link_update",
    "link_get_fd_by_id",
    "link_get_next_id",
    "enable_stats",
    "iter_create",
    "link_detach",
    "prog_bind_map",
    "token_create",
    "prog_stream_read_by_fd",
];

/// `KEYCTL_` of `include/uapi/linux/keyctl.h`.
const KEY_OPERATIONS: &[&str] = &[
    "get_keyring_id",
    "join_session_keyring",
    "update",
    "revoke",
    "chown",
    "setperm",
    "describe",
    "clear",
    "link",
    "unlink",
    "search",
    "read",
    "instantiate",
    "negate",
    "set_reqkey_keyring",
    "set_timeout",
    "assume_authority",
    "get_security",
    "session_to_parent",
    "reject",
    "instantiate_iov",
    "invalidate",
    "get_persistent",
    "dh_compute",
    "pkey_query",
    "pkey_encrypt",
    "pkey_decrypt",
    "pkey_sign",
    "pkey_verify",
    "restrict_keyring",
    "move",
    "capabilities",
    "watch_key",
];

/// `CLONE_NEW` bits, with the names that `/proc/PID/ns` has.
const NAMESPACES: &[(u64, &str)] = &[
    (0x80, "time"),
    (0x2_0000, "mnt"),
    (0x200_0000, "cgroup"),
    (0x400_0000, "uts"),
    (0x800_0000, "ipc"),
    (0x1000_0000, "user"),
    (0x2000_0000, "pid"),
    (0x4000_0000, "net"),
];

fn namespaces(bits: u64) -> String {
    let set = NAMESPACES.iter().filter(|(bit, _)| bits & bit != 0);
    let names: Vec<_> = set.map(|(_, name)| *name).collect();
    if names.is_empty() {
        "of any kind".to_owned()
    } else {
        names.join("+")
    }
}

fn signal(object: u64) -> String {
    let number = object & 0xff;
    let name = match number {
        0 => "a test".to_owned(),
        number => usize::try_from(number - 1)
            .ok()
            .and_then(|at| SIGNALS.get(at))
            .map_or_else(|| format!("signal {number}"), |name| (*name).to_owned()),
    };
    if object & USER_KNOWN == 0 {
        return name;
    }
    format!("{name} to uid {}", object >> 32)
}

/// From 1, as on x86-64: signal(7).
const SIGNALS: &[&str] = &[
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_names_of_the_manual_pages() {
        assert_eq!(in_order(5, BPF_COMMANDS, "command"), "prog_load");
        assert_eq!(in_order(36, BPF_COMMANDS, "command"), "token_create");
        assert_eq!(in_order(11, KEY_OPERATIONS, "operation"), "read");
        assert_eq!(in_order(31, KEY_OPERATIONS, "operation"), "capabilities");
        assert_eq!(namespaces(0x2002_0000), "mnt+pid");
        assert_eq!(namespaces(0), "of any kind");
        assert_eq!(signal(15), "SIGTERM");
        assert_eq!(signal(9 | USER_KNOWN | (1000 << 32)), "SIGKILL to uid 1000");
        assert_eq!(signal(0), "a test");
        assert_eq!(signal(40), "signal 40");
    }

    #[test]
    fn a_number_without_a_name_is_kept() {
        assert_eq!(in_order(99, BPF_COMMANDS, "command"), "command 99");
        assert_eq!(one_of(7, PTRACES, "ptrace request"), "ptrace request 7");
    }
}
