//! Logs and the accesses in them. The lines are strace 6.1's, with shortened paths.

use super::read;
use crate::access::Access;
use whittle_schemas::table::Outcome;

/// Writes text as `strace -xx` does.
fn hex(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut all, byte| {
        write!(all, "\\x{byte:02x}").expect("writing to a String does not fail");
        all
    })
}

/// Reads a log in which `«text»` stands for the hex of a text.
#[track_caller]
fn check(log: &str, expected: &[(&str, &str, Outcome)]) {
    let mut log = log.to_owned();
    while let (Some(start), Some(end)) = (log.find('«'), log.find('»')) {
        let text = hex(&log[start + '«'.len_utf8()..end]);
        log.replace_range(start..end + '»'.len_utf8(), &text);
    }
    let trace = read(&log, b"/start").expect("a log");
    let seen: Vec<_> = trace.tally.into_keys().collect();
    let access = |&(action, resource, outcome): &(&str, &str, Outcome)| Access {
        action: action.to_owned(),
        resource: resource.as_bytes().to_vec(),
        outcome,
    };
    let mut expected: Vec<_> = expected.iter().map(access).collect();
    expected.sort();
    assert_eq!(seen, expected);
}

#[test]
fn a_success_is_named_by_what_was_found_and_an_error_by_what_was_asked() {
    check(
        "1 openat(AT_FDCWD<«/d»>, \"«lib/x.so»\", O_RDONLY|O_CLOEXEC) = 3<«/usr/lib/x.so.1»>\n\
         1 openat(AT_FDCWD<«/d»>, \"«a»\", O_WRONLY|O_CREAT|O_APPEND, 0666) = 3<«/d/a»>\n\
         1 openat(5<«/x»>, \"«a»\", O_RDONLY) = -1 EBADF (Bad file descriptor)\n\
         1 openat(AT_FDCWD<«/d»>, \"«../b»\", O_RDWR|O_CREAT, 0666) = -1 EACCES (Permission denied)\n",
        &[
            ("read", "/usr/lib/x.so.1", Outcome::Allowed),
            ("append+write", "/d/a", Outcome::Allowed),
            ("read", "/x/a", Outcome::Failed),
            ("create+read+write", "/d/../b", Outcome::Denied),
        ],
    );
}

#[test]
fn a_child_starts_in_its_parents_folder_and_leaves_it_alone() {
    check(
        "1 openat(AT_FDCWD<«/none»>, \"«x»\", O_PATH) = 3<«/dev/null»<char 1:3>>\n\
         1 fork( <unfinished ...>\n\
         2 chdir(\"«gone»\") = 0\n\
         2 open(\"«x»\", O_RDONLY) = -1 ENOENT (No such file or directory)\n\
         1 <... fork resumed>) = 2\n\
         1 open(\"«x»\", O_RDONLY) = -1 ENOENT (No such file or directory)\n",
        &[
            ("path", "/dev/null", Outcome::Allowed),
            ("read", "/none/gone/x", Outcome::Failed),
            ("read", "/none/x", Outcome::Failed),
        ],
    );
}

#[test]
fn a_threads_own_process_is_self_and_what_has_no_folder_shows_its_kind() {
    check(
        "7 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD} => {parent_tid=[8]}, 88) = 8\n\
         8 openat(AT_FDCWD<«/»>, \"«/proc/self/status»\", O_RDONLY) = 3<«/proc/7/status»>\n\
         8 openat(AT_FDCWD<«/»>, \"«/proc/70»\", O_RDONLY) = 3<«/proc/70»>\n\
         7 openat(AT_FDCWD<«/»>, \"«/proc/self/fd/4»\", O_RDWR) = 5<«/memfd:m»>(deleted)\n\
         7 openat2(AT_FDCWD<«/»>, \"«/proc/self/fd/5»\", {flags=O_RDONLY|O_CLOEXEC, resolve=0}, 24) = 5<«pipe:[5]»>\n",
        &[
            ("read", "/proc/self/status", Outcome::Allowed),
            ("read", "/proc/70", Outcome::Allowed),
            ("read+write", "memfd:m (deleted)", Outcome::Allowed),
            ("read", "pipe:[5]", Outcome::Allowed),
        ],
    );
}

#[test]
fn the_first_exec_is_straces_own_and_the_later_ones_count() {
    check(
        "1 execve(\"«/none/a»\", [\"«a»\"...], 0x7ff /* 3 vars */) = 0\n\
         1 execve(\"«/none/b»\", [\"«b»\"...], 0x7ff /* 3 vars */) = -1 EACCES (Permission denied)\n\
         1 execve(\"«b»\", [\"«b»\"...], 0x7ff /* 3 vars */) = 0\n",
        &[
            ("execute", "/none/b", Outcome::Denied),
            ("execute", "/start/b", Outcome::Allowed),
        ],
    );
}

#[test]
fn an_address_is_kept_with_its_outcome_and_a_send_without_one_is_no_access() {
    let socket = "5<UDP:[127.0.0.1:9->127.0.0.1:80]>";
    let to = "{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"«127.0.0.1»\")}";
    check(
        &format!(
            "1 connect(4<TCP:[7]>, {to}, 16) = -1 EINPROGRESS (Operation now in progress)\n\
             1 connect(4<TCP:[7]>, {to}, 16) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)\n\
             1 sendto({socket}, \"\\x68\"..., 5, 0, NULL, 0) = 5\n\
             1 sendmsg({socket}, {{msg_name={to}, msg_namelen=16, msg_iov=[{{iov_base=\"\\x68\"..., iov_len=5}}]}}, 0) = -1 EPERM (Operation not permitted)\n\
             1 sendmmsg({socket}, [{{msg_hdr={{msg_name=NULL, msg_namelen=0}}, msg_len=5}}, {{msg_hdr={{msg_name={to}}}, msg_len=5}}], 2, 0) = 2\n\
             1 listen(3<TCP:[127.0.0.1:47063]>, 128) = 0\n"
        ),
        &[
            ("connect", "127.0.0.1:80/tcp", Outcome::Allowed),
            ("send", "127.0.0.1:80/udp", Outcome::Denied),
            ("send", "127.0.0.1:80/udp", Outcome::Allowed),
            ("listen", "127.0.0.1:47063/tcp", Outcome::Allowed),
        ],
    );
}
