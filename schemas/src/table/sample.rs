//! One row of each table, for the tests of all crates: `UsageRow { count: 7, ..sample::usage() }`.

use super::{CoverageRow, EndpointRow, Outcome, SubjectRow, Surface, UsageRow};

/// Start of the rows' window: 2026-09-21 13:33:20 UTC.
pub const START_US: i64 = 1_790_000_000_000_000;
/// Its end, a minute later.
pub const END_US: i64 = START_US + 60_000_000;

/// A file that was read twice.
#[must_use]
pub fn usage() -> UsageRow {
    UsageRow {
        window_start_us: START_US,
        window_end_us: END_US,
        cluster: "local".into(),
        node: "laptop".into(),
        subject_id: "s-1".into(),
        principal: None,
        surface: Surface::File,
        action: "read".into(),
        resource: b"/etc/hosts".to_vec(),
        resource_detail: None,
        outcome: Outcome::Allowed,
        error: None,
        count: 2,
        first_seen_us: START_US + 1,
        last_seen_us: START_US + 5_000_000,
        source: "file/syscall".into(),
        operation: None,
        endpoint: None,
        region: None,
        account: None,
        access_key_id: None,
    }
}

/// An object that was fetched from S3 twice.
#[must_use]
pub fn cloud_usage() -> UsageRow {
    UsageRow {
        principal: Some("arn:aws:iam::123456789012:role/nightly".into()),
        surface: Surface::Cloud,
        action: "s3:GetObject".into(),
        resource: b"arn:aws:s3:::orders/2026/11.csv".to_vec(),
        source: "cloud/openssl".into(),
        operation: Some("s3.GetObject".into()),
        endpoint: Some("orders.s3.eu-west-1.amazonaws.com:443".into()),
        region: Some("eu-west-1".into()),
        account: Some("123456789012".into()),
        access_key_id: Some("ASIAQNZGKIQY56JQ7WML".into()),
        ..usage()
    }
}

/// A process that nothing is known of but its executable.
#[must_use]
pub fn subject() -> SubjectRow {
    SubjectRow {
        window_start_us: START_US,
        window_end_us: END_US,
        cluster: "local".into(),
        node: "laptop".into(),
        subject_id: "s-1".into(),
        executable: b"/usr/bin/cat".to_vec(),
        build_id: None,
        script: None,
        uid: 0,
        user: None,
        workload_kind: None,
        workload_name: None,
        workload_namespace: None,
        workload_container: None,
        service_account: None,
        image: None,
        image_digest: None,
        systemd_unit: None,
        job_ids: None,
        spiffe_id: None,
        principals: None,
        environment: None,
        owner: None,
        instance_id: "i-1".into(),
        container_id: None,
        cgroup: None,
        tgid: 7,
        start_time_us: START_US,
        parent_tgid: None,
        first_seen_us: START_US,
        last_seen_us: START_US,
        cap_effective: None,
        cap_permitted: None,
        cap_inheritable: None,
        cap_bounding: None,
        cap_ambient: None,
        seccomp_mode: None,
        no_new_privs: None,
        mounts: None,
        secrets_mounted: None,
        mount_ns: None,
    }
}

/// A family that saw nothing and lost nothing.
#[must_use]
pub fn coverage() -> CoverageRow {
    CoverageRow {
        window_start_us: START_US,
        window_end_us: END_US,
        cluster: "local".into(),
        node: "laptop".into(),
        family: "file".into(),
        backend: "syscall".into(),
        backend_reason: "the kernel refuses trampolines".into(),
        seen: 0,
        recorded: 0,
        lost: 0,
        lost_ring_full: 0,
        lost_subject_unknown: 0,
        lost_object_unknown: 0,
        lost_nested: 0,
        lost_unsupported: 0,
        lost_unresolved: 0,
        map_full: 0,
        truncated: 0,
        gap_us: 0,
        gap_reason: None,
        lost_subjects: None,
        lost_unattributed: None,
        seen_by_cpu: None,
        lost_by_cpu: None,
    }
}

/// Two connections to one endpoint, all read.
#[must_use]
pub fn endpoint() -> EndpointRow {
    EndpointRow {
        window_start_us: START_US,
        window_end_us: END_US,
        cluster: "local".into(),
        node: "laptop".into(),
        subject_id: "s-1".into(),
        endpoint: "orders.s3.eu-west-1.amazonaws.com:443".into(),
        name_source: Some("sni".into()),
        provider: Some("aws".into()),
        connections: 2,
        readable: 2,
        decoded: 2,
        requests: 5,
        requests_unmapped: 0,
        unreadable_reason: None,
        first_seen_us: START_US + 1,
        last_seen_us: START_US + 5_000_000,
    }
}
