//! Capabilities, mounts, secrets and the rest of what the kernel grants.

use super::*;

const BIND: &str = "CAP_NET_BIND_SERVICE";
/// Number of `CAP_NET_BIND_SERVICE` and of `CAP_NET_RAW`.
const TWO: u64 = 1 << 10 | 1 << 13;

fn host(change: impl Fn(&mut SubjectRow)) -> Case {
    let mut case = case(&allow(r#""s3:GetObject""#, "*"));
    change(&mut case.tables.subjects[0]);
    case
}

fn used(surface: Surface, action: &str, resource: &str, outcome: Outcome) -> UsageRow {
    UsageRow {
        window_end_us: END_US,
        surface,
        action: action.into(),
        resource: resource.into(),
        outcome,
        error: (outcome != Outcome::Allowed).then(|| "EPERM".into()),
        ..sample::usage()
    }
}

fn check(case: &Case, permission: &str, resource: &str, status: Status, reason: &str) {
    let report = case.report();
    let evidence = &report.subjects[0].evidence;
    let found = evidence
        .iter()
        .find(|entry| &*entry.permission == permission && &*entry.resource == resource)
        .unwrap_or_else(|| panic!("nothing on {permission} {resource}: {evidence:#?}"));
    assert_eq!(
        found.status, status,
        "{permission} {resource}: {}",
        found.reason
    );
    assert!(found.reason.contains(reason), "{}", found.reason);
}

#[test]
fn capabilities_are_used_attempted_unused_or_ungranted() {
    let cap = |name: &str, outcome| used(Surface::Capability, "use", name, outcome);
    let case = host(|row| {
        (row.cap_permitted, row.cap_effective) = (Some(TWO), Some(TWO));
        (row.cap_bounding, row.no_new_privs) = (Some(TWO | 1 << 21), Some(false));
    });
    check(
        &case,
        "use",
        BIND,
        Status::Unused,
        "no use in 1.0 covered hours",
    );
    check(
        &case,
        "use",
        "CAP_SYS_ADMIN",
        Status::Unused,
        "bounding set only",
    );
    let case = case
        .with(cap(BIND, Outcome::Allowed))
        .with(cap("CAP_NET_RAW", Outcome::Denied))
        .with(cap("CAP_SYS_TIME", Outcome::Denied))
        .with(cap("CAP_CHOWN", Outcome::Allowed));
    check(&case, "use", BIND, Status::Used, "");
    check(&case, "use", "CAP_NET_RAW", Status::Attempted, "EPERM");
    check(&case, "use", "CAP_SYS_TIME", Status::Attempted, "not held");
    check(
        &case,
        "use",
        "CAP_CHOWN",
        Status::Ungranted,
        "none of the capability sets",
    );
    check(
        &case,
        "run as",
        "uid 0",
        Status::Implied,
        "capabilities were used",
    );

    let mut lossy = case;
    lossy.tables.coverage[4].backend = "none".into();
    check(
        &lossy,
        "use",
        "CAP_SYS_ADMIN",
        Status::Unknown,
        "not watched",
    );
    check(&lossy, "use", BIND, Status::Used, "");
}

#[test]
fn a_bounding_set_grants_nothing_to_who_gave_up_privileges() {
    let case = host(|row| {
        (row.cap_permitted, row.cap_bounding) = (Some(0), Some(TWO));
        (row.no_new_privs, row.uid, row.seccomp_mode) = (Some(true), 1000, Some(2));
    });
    assert_eq!(case.report().subjects[0].evidence, []);
}

#[test]
fn a_secret_is_used_by_a_read_below_it_and_else_unused() {
    let case = host(|row| {
        row.secrets_mounted = Some(vec!["/run/secrets/token".into(), "/run/secrets/db".into()]);
    })
    .with(used(
        Surface::File,
        "read",
        "/run/secrets/token/..2026/x",
        Outcome::Allowed,
    ))
    .with(used(
        Surface::File,
        "read",
        "/run/secrets/db2",
        Outcome::Allowed,
    ));
    check(&case, "read", "/run/secrets/token", Status::Used, "");
    check(&case, "read", "/run/secrets/db", Status::Unused, "");

    let cut = case
        .clone()
        .with(used(Surface::File, "read", ".../db/x", Outcome::Allowed));
    check(
        &cut,
        "read",
        "/run/secrets/db",
        Status::Unknown,
        "not whole",
    );
    let mut lossy = case;
    (lossy.tables.coverage[1].seen, lossy.tables.coverage[1].lost) = (1, 1);
    check(
        &lossy,
        "read",
        "/run/secrets/db",
        Status::Unknown,
        "1 records were lost",
    );
}

#[test]
fn a_mount_is_used_by_a_change_below_it_and_unused_without_one() {
    let case = host(|row| {
        let mounts = [
            "/ overlay rw",
            "/data ext4 rw",
            "/my files tmpfs rw",
            "/ro ext4 ro",
        ];
        row.mounts = Some(mounts.map(str::to_owned).to_vec());
    })
    .with(used(
        Surface::File,
        "write+create",
        "/data/x",
        Outcome::Allowed,
    ))
    .with(used(Surface::File, "write", "/my files/x", Outcome::Denied))
    .with(used(Surface::File, "read", "/etc/hosts", Outcome::Allowed));
    check(&case, "write", "/data", Status::Used, "");
    check(&case, "write", "/", Status::Unused, "");
    check(&case, "write", "/my files", Status::Attempted, "EPERM");
    let resources = |case: &Case| case.report().subjects[0].evidence.len();
    assert_eq!(resources(&case), 4, "three mounts and uid 0");
    let made = case.with(used(Surface::File, "mkdir", "/new", Outcome::Allowed));
    check(&made, "write", "/", Status::Used, "");
}

#[test]
fn privileges_and_system_calls_are_granted_until_given_up() {
    let case = host(|row| {
        (row.no_new_privs, row.seccomp_mode, row.uid) = (Some(false), Some(0), 1000);
    });
    check(&case, "gain privileges", "by exec", Status::Unused, "");
    check(
        &case,
        "call",
        "any system call",
        Status::Unknown,
        "not watched",
    );
    let mut case = case
        .with(used(
            Surface::File,
            "execute",
            "/usr/bin/sudo",
            Outcome::Allowed,
        ))
        .with(used(Surface::Syscall, "call", "openat", Outcome::Allowed));
    case.tables.coverage.push(coverage("syscall"));
    check(
        &case,
        "gain privileges",
        "by exec",
        Status::Unknown,
        "set-uid",
    );
    check(&case, "call", "openat", Status::Used, "");
    check(&case, "call", "any other system call", Status::Unused, "");
    case.tables.subjects.push(SubjectRow {
        subject_id: "s-2".into(),
        parent_tgid: Some(case.tables.subjects[0].tgid),
        uid: 0,
        ..case.tables.subjects[0].clone()
    });
    check(
        &case,
        "gain privileges",
        "by exec",
        Status::Used,
        "another user",
    );
}

#[test]
fn a_loss_makes_unknown_of_those_who_lost_something_and_of_all_where_nobody_knows_who_did() {
    let mut case = host(|row| row.cap_permitted = Some(TWO));
    let own = case.tables.subjects[0].subject_id.clone();
    let lose = |case: &mut Case, losers: Option<&str>, unattributed: u64| {
        let row = &mut case.tables.coverage[4];
        (row.seen, row.lost, row.lost_ring_full) = (3, 3, 3);
        row.lost_subjects = Some(losers.map(str::to_owned).into_iter().collect());
        row.lost_unattributed = Some(unattributed);
    };
    lose(&mut case, Some("somebody else"), 0);
    check(&case, "use", BIND, Status::Unused, "covered hours");
    lose(&mut case, Some(&own), 0);
    check(&case, "use", BIND, Status::Unknown, "3 records were lost");
    lose(&mut case, Some("somebody else"), 1);
    check(&case, "use", BIND, Status::Unknown, "3 records were lost");
    lose(&mut case, None, 3);
    check(&case, "use", BIND, Status::Unknown, "3 records were lost");
}

#[test]
fn a_call_that_somebody_else_lost_may_have_been_the_principals() {
    let mut case = case(&allow(r#""s3:GetObject""#, "*"));
    let row = &mut case.tables.coverage[3];
    (row.seen, row.lost, row.lost_ring_full) = (3, 3, 3);
    (row.lost_subjects, row.lost_unattributed) = (Some(vec!["somebody else".into()]), Some(0));
    case.check("s3:GetObject", "*", Status::Unknown, "3 records were lost");
}
