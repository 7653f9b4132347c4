//! Evidence in its JSON form, `whittle_schemas::document::report`.

use whittle_schemas::document::report as document;

use super::super::{Summary, time::rfc3339};
use crate::evidence::{Endpoint, Evidence, Observation, Report};

/// The report as programs read it.
pub(super) fn document(report: &Report, summary: &Summary) -> document::Report {
    let principals = report.principals.iter().map(|one| document::Principal {
        principal: one.principal.clone(),
        granted: number(one.granted),
        evidence: one.evidence.iter().map(evidence).collect(),
    });
    let subjects = report.subjects.iter().map(|one| document::Subject {
        subject: one.subject.clone(),
        name: one.name.clone(),
        granted: number(one.granted),
        evidence: one.evidence.iter().map(evidence).collect(),
    });
    document::Report {
        principals: principals.collect(),
        subjects: subjects.collect(),
        coverage: coverage(report, summary),
    }
}

fn coverage(report: &Report, summary: &Summary) -> document::Coverage {
    let families = summary.coverage.iter().map(|family| document::Family {
        family: family.family.clone(),
        seen: family.seen,
        recorded: family.recorded,
        lost: family.lost,
        lost_by_reason: family
            .lost_by_reason
            .iter()
            .map(|(reason, lost)| ((*reason).to_owned(), *lost))
            .collect(),
        gap_us: family.gap_us,
        complete: family.complete,
    });
    let principals = report.principals.iter();
    let subjects = report.subjects.iter();
    document::Coverage {
        from: summary.from.clone(),
        to: summary.to.clone(),
        nodes: summary.nodes.clone(),
        complete: summary.complete,
        unread: number(summary.unread),
        families: families.collect(),
        endpoints: report.endpoints.iter().map(endpoint).collect(),
        principals: principals
            .map(|one| observation(&one.principal, &one.observation))
            .collect(),
        subjects: subjects
            .map(|one| observation(&one.subject, &one.observation))
            .collect(),
        notes: report.notes.clone(),
    }
}

fn evidence(evidence: &Evidence) -> document::Evidence {
    document::Evidence {
        permission: evidence.permission.to_string(),
        resource: evidence.resource.to_string(),
        status: evidence.status,
        count: evidence.count,
        first_seen: evidence.seen_us.map(|(first, _)| rfc3339(first)),
        last_seen: evidence.seen_us.map(|(_, last)| rfc3339(last)),
        subjects: evidence.subjects.iter().map(ToString::to_string).collect(),
        confidence: evidence.confidence,
        reason: evidence.reason.to_string(),
    }
}

fn endpoint(endpoint: &Endpoint) -> document::Endpoint {
    document::Endpoint {
        endpoint: endpoint.endpoint.clone(),
        provider: endpoint.provider.clone(),
        subjects: endpoint.subjects.iter().cloned().collect(),
        connections: endpoint.connections,
        readable: endpoint.readable,
        decoded: endpoint.decoded,
        complete: endpoint.complete,
        reasons: endpoint.reasons.iter().cloned().collect(),
    }
}

fn observation(of: &str, observation: &Observation) -> document::Observation {
    document::Observation {
        of: of.to_owned(),
        observed: observation.observed,
        covered_hours: observation.covered_hours(),
        windows: number(observation.windows),
        subjects: observation.subjects.iter().cloned().collect(),
        holes: observation.holes.clone(),
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
