//! What a process may do by its user, without `no_new_privs`, and without seccomp.

use std::collections::BTreeMap;

use whittle_schemas::table::{Outcome, Surface, UsageRow};

use super::{
    super::{
        model::{Confidence, Evidence, Observation, Status},
        usage::Use,
    },
    Host, entry, of_grant,
};

/// At most one entry for the user and one for `no_new_privs`; for seccomp one for each call and one for all others.
pub(super) fn evidence(
    host: &Host<'_>,
    files: &Observation,
    calls: &Observation,
    used_capability: bool,
) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    if host.rows.iter().any(|row| row.uid == 0) {
        evidence.push(root(used_capability));
    }
    if host.rows.iter().any(|row| row.no_new_privs == Some(false)) {
        evidence.push(privileges(host, files));
    }
    if host.rows.iter().any(|row| row.seccomp_mode == Some(0)) {
        evidence.extend(system_calls(host, calls));
    }
    evidence
}

/// Nobody can see what would have failed for another user; capabilities that were used say that something would.
fn root(used_capability: bool) -> Evidence {
    let (status, confidence, reason) = if used_capability {
        (
            Status::Implied,
            Confidence::Inferred,
            "capabilities were used, which uid 0 brings with it",
        )
    } else {
        (
            Status::Unknown,
            Confidence::None,
            "no capability was used, but what belongs to root needs none to be opened by it",
        )
    };
    entry(
        "run as",
        "uid 0",
        &Use::default(),
        status,
        confidence,
        reason,
    )
}

/// Without `no_new_privs`, starting a set-uid program gives its privileges.
fn privileges(host: &Host<'_>, files: &Observation) -> Evidence {
    let what = ("gain privileges", "by exec");
    let started: Vec<&UsageRow> = host
        .of_surface(Surface::File)
        .filter(|row| row.outcome == Outcome::Allowed)
        .filter(|row| row.action.split('+').any(|part| part == "execute"))
        .collect();
    // A process may have started others before it became this program, or this user.
    let became_other = !started.is_empty()
        && host.children.iter().any(|(row, child)| {
            row.uid != 0 && child.uid != row.uid && child.start_time_us >= row.first_seen_us
        });
    if became_other {
        let sum = Host::sum(started.iter().copied());
        let reason = "a program that it started runs as another user";
        return entry(
            what.0,
            what.1,
            &sum,
            Status::Used,
            Confidence::Inferred,
            reason,
        );
    }
    if started.is_empty() {
        return of_grant(what.0, what.1, &Use::default(), files.silence());
    }
    let reason = "it started programs, and whether one of them was set-uid is not recorded";
    let (status, confidence) = (Status::Unknown, Confidence::None);
    entry(what.0, what.1, &Use::default(), status, confidence, reason)
}

/// Without seccomp every system call is granted.
fn system_calls(host: &Host<'_>, calls: &Observation) -> Vec<Evidence> {
    let mut by_name: BTreeMap<String, Vec<&UsageRow>> = BTreeMap::new();
    for row in host.of_surface(Surface::Syscall) {
        let name = String::from_utf8_lossy(&row.resource).into_owned();
        by_name.entry(name).or_default().push(row);
    }
    let of_call = |(name, rows): (&String, &Vec<&UsageRow>)| {
        let sum = Host::sum(rows.iter().copied());
        of_grant("call", name, &sum, calls.silence())
    };
    let mut evidence: Vec<_> = by_name.iter().map(of_call).collect();
    let others = if by_name.is_empty() {
        "any system call"
    } else {
        "any other system call"
    };
    evidence.push(of_grant("call", others, &Use::default(), calls.silence()));
    evidence
}
