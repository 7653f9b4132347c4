//! Usage to the rows of the tables.

use whittle_schemas::{
    record::{Family, counter::Reason},
    table::{CoverageRow, EndpointRow, SubjectRow, Surface, UsageRef, UsageRow},
};

use crate::model::{Clock, Endpoint, Medium, Subject};

use super::{CallUsage, Doing, Usage};

/// What calls to a cloud are in `source` and in coverage.
const CLOUD: &str = "cloud";

/// What all rows of a window share.
#[derive(Clone, Debug)]
pub struct Frame {
    /// When the window started, in microseconds UTC.
    pub start_us: i64,
    /// When it ended.
    pub end_us: i64,
    /// The place.
    pub cluster: String,
    /// The node.
    pub node: String,
    /// From the kernel's clock to UTC.
    pub clock: Clock,
}

/// One row of `usage`, borrowed. `source` is who saw it: hook family and backend.
#[must_use]
pub fn usage_row<'a>(usage: Usage<'a>, frame: &'a Frame, source: &'a str) -> UsageRef<'a> {
    let Doing { subject, deed, .. } = usage.doing;
    UsageRef {
        window_start_us: frame.start_us,
        window_end_us: frame.end_us,
        cluster: &frame.cluster,
        node: &frame.node,
        subject_id: &subject.subject_id,
        principal: None,
        surface: deed.surface,
        action: &deed.action,
        resource: usage.resource,
        resource_detail: deed.detail.as_deref(),
        outcome: deed.outcome,
        error: deed.error,
        count: usage.count,
        first_seen_us: frame.clock.utc_us(usage.first_boottime_ns),
        last_seen_us: frame.clock.utc_us(usage.last_boottime_ns),
        source,
        operation: None,
        endpoint: None,
        region: None,
        account: None,
        access_key_id: None,
    }
}

/// One row of `usage`, of a call to a cloud. `principal` is the role or user that the key belongs to.
#[must_use]
pub fn call_row(usage: &CallUsage, frame: &Frame, principal: Option<&str>) -> UsageRow {
    let request = &usage.request;
    UsageRow {
        window_start_us: frame.start_us,
        window_end_us: frame.end_us,
        cluster: frame.cluster.clone(),
        node: frame.node.clone(),
        subject_id: usage.subject.subject_id.clone(),
        principal: principal
            .map(str::to_owned)
            .or_else(|| request.access_key_id.clone()),
        surface: Surface::Cloud,
        action: request.action.clone(),
        resource: request.resource.clone().into_bytes(),
        resource_detail: None,
        outcome: request.outcome,
        error: request.error.clone(),
        count: usage.count,
        first_seen_us: frame.clock.utc_us(usage.first_boottime_ns),
        last_seen_us: frame.clock.utc_us(usage.last_boottime_ns),
        source: format!("{CLOUD}/{}", request.medium.name()),
        operation: Some(request.operation.clone()),
        endpoint: Some(request.endpoint.clone()),
        region: request.region.clone(),
        account: request.account.clone(),
        access_key_id: request.access_key_id.clone(),
    }
}

/// One row of `endpoints`.
#[must_use]
pub fn endpoint_row(subject: &Subject, endpoint: &Endpoint, frame: &Frame) -> EndpointRow {
    let seen = endpoint.seen_boottime_ns;
    let seen = seen.map(|(first, last)| (frame.clock.utc_us(first), frame.clock.utc_us(last)));
    // What was open all along and silent was there from the beginning to the end.
    let (first_seen_us, last_seen_us) = seen.unwrap_or((frame.start_us, frame.end_us));
    let reasons = &endpoint.reasons;
    EndpointRow {
        window_start_us: frame.start_us,
        window_end_us: frame.end_us,
        cluster: frame.cluster.clone(),
        node: frame.node.clone(),
        subject_id: subject.subject_id.clone(),
        endpoint: endpoint.name.clone(),
        name_source: endpoint.name_source.map(|source| source.name().to_owned()),
        provider: endpoint.provider.map(str::to_owned),
        connections: endpoint.connections,
        readable: endpoint.readable,
        decoded: endpoint.decoded,
        requests: endpoint.requests,
        requests_unmapped: endpoint.requests_unmapped,
        unreadable_reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
        first_seen_us,
        last_seen_us,
    }
}

/// One row of `coverage`, of the calls that were read through one medium.
#[must_use]
pub fn calls_coverage_row(medium: Medium, recorded: u64, lost: u64, frame: &Frame) -> CoverageRow {
    CoverageRow {
        window_start_us: frame.start_us,
        window_end_us: frame.end_us,
        cluster: frame.cluster.clone(),
        node: frame.node.clone(),
        family: CLOUD.to_owned(),
        backend: medium.name().to_owned(),
        backend_reason:
            "calls are read from the bytes of connections: see endpoints for what could not be read"
                .to_owned(),
        seen: recorded + lost,
        recorded,
        lost,
        lost_ring_full: 0,
        lost_subject_unknown: 0,
        lost_object_unknown: 0,
        lost_nested: 0,
        lost_unsupported: 0,
        lost_unresolved: lost,
        map_full: 0,
        truncated: 0,
        gap_us: 0,
        gap_reason: None,
        lost_subjects: Some(Vec::new()),
        lost_unattributed: Some(lost),
        seen_by_cpu: None,
        lost_by_cpu: None,
    }
}

/// One row of `subjects`, seen from `first_us` to `last_us`.
#[must_use]
pub fn subject_row(subject: &Subject, frame: &Frame, first_us: i64, last_us: i64) -> SubjectRow {
    let grants = &subject.instance.grants;
    let mounts = subject.instance.mounts.as_deref();
    SubjectRow {
        window_start_us: frame.start_us,
        window_end_us: frame.end_us,
        cluster: frame.cluster.clone(),
        node: frame.node.clone(),
        subject_id: subject.subject_id.clone(),
        executable: subject.executable.clone(),
        build_id: subject.build_id.clone(),
        script: subject.script.clone(),
        uid: subject.uid,
        user: subject.user.clone(),
        workload_kind: subject.workload.kind.map(str::to_owned),
        workload_name: subject.workload.name.clone(),
        workload_namespace: None,
        workload_container: None,
        service_account: None,
        image: None,
        image_digest: None,
        systemd_unit: subject.workload.systemd_unit.clone(),
        job_ids: None,
        spiffe_id: None,
        principals: None,
        environment: None,
        owner: None,
        instance_id: subject.instance.id.clone(),
        container_id: subject.workload.container_id.clone(),
        cgroup: subject.cgroup.clone(),
        tgid: subject.instance.tgid,
        start_time_us: subject.instance.start_us,
        parent_tgid: subject.instance.parent_tgid,
        first_seen_us: first_us,
        last_seen_us: last_us,
        cap_effective: Some(grants.cap_effective),
        cap_permitted: Some(grants.cap_permitted),
        cap_inheritable: Some(grants.cap_inheritable),
        cap_bounding: Some(grants.cap_bounding),
        cap_ambient: Some(grants.cap_ambient),
        seccomp_mode: grants.seccomp_mode,
        no_new_privs: Some(grants.no_new_privs),
        mount_ns: subject.instance.mount_ns,
        mounts: mounts.map(|mounts| mounts.points.clone()),
        secrets_mounted: mounts.map(|mounts| mounts.secrets.clone()),
    }
}

/// What is known about a hook family at the end of a window.
pub struct FamilyCoverage<'a> {
    /// The family.
    pub family: Family,
    /// Its backend's name, `none` where it was not observed.
    pub backend: &'a str,
    /// Why.
    pub reason: &'a str,
    /// What the kernel counted in the window, by reason.
    pub counted: &'a dyn Fn(Reason) -> u64,
    /// Accesses in the table.
    pub recorded: u64,
    /// Accesses that arrived and could not be told.
    pub unresolved: u64,
    /// Subjects that lost accesses, and how many.
    pub losers: &'a [(&'a str, u64)],
    /// What the kernel counted on each CPU.
    pub seen_by_cpu: Vec<u64>,
    /// What it lost there.
    pub lost_by_cpu: Vec<u64>,
}

/// Most subjects that a row of `coverage` says lost something; the losses of the others are anybody's.
const MOST_LOSERS: usize = 1_024;

/// One row of `coverage`.
#[must_use]
pub fn coverage_row(coverage: FamilyCoverage<'_>, frame: &Frame) -> CoverageRow {
    let counted = coverage.counted;
    let mut row = CoverageRow {
        window_start_us: frame.start_us,
        window_end_us: frame.end_us,
        cluster: frame.cluster.clone(),
        node: frame.node.clone(),
        family: coverage.family.name().to_owned(),
        backend: coverage.backend.to_owned(),
        backend_reason: coverage.reason.to_owned(),
        seen: counted(Reason::Seen),
        recorded: coverage.recorded,
        lost: 0,
        lost_ring_full: counted(Reason::RingFull),
        lost_subject_unknown: counted(Reason::SubjectUnknown),
        lost_object_unknown: counted(Reason::ObjectUnknown),
        lost_nested: counted(Reason::Nested),
        lost_unsupported: counted(Reason::Unsupported),
        lost_unresolved: coverage.unresolved,
        map_full: counted(Reason::MapFull),
        truncated: counted(Reason::Truncated),
        gap_us: 0,
        gap_reason: None,
        lost_subjects: None,
        lost_unattributed: None,
        seen_by_cpu: Some(coverage.seen_by_cpu),
        lost_by_cpu: Some(coverage.lost_by_cpu),
    };
    row.lost = row.lost_ring_full
        + row.lost_subject_unknown
        + row.lost_object_unknown
        + row.lost_nested
        + row.lost_unsupported
        + row.lost_unresolved;
    let losers = &coverage.losers[..coverage.losers.len().min(MOST_LOSERS)];
    let attributed: u64 = losers.iter().map(|(_, accesses)| accesses).sum();
    row.lost_unattributed = Some(row.lost.saturating_sub(attributed));
    row.lost_subjects = Some(losers.iter().map(|(id, _)| (*id).to_owned()).collect());
    row
}
