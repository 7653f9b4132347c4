//! The status of each permission of each cloud identity.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    MAX_UNSEEN, Options, elsewhere,
    granted::{self, Granted, granted},
    grants::{Grants, Holder, account_of},
    identity::{Who, is_meant},
    implied::implied,
    model::{Confidence, Evidence, Observation, Principal, Report, Status},
    possible::Possible,
    usage::{Actor, Use},
    verdict::{Ruling, Verdicts},
    watch::{Sight, Watch},
};

/// All that the evidence on cloud identities comes from.
pub(super) struct Cloud<'a> {
    pub(super) grants: &'a Grants,
    pub(super) actors: &'a BTreeMap<Who, Actor<'a>>,
    pub(super) watch: &'a Watch<'a>,
    pub(super) options: &'a Options,
}

impl<'a> Cloud<'a> {
    /// Adds all principals that are asked for: those seen, those of the grants that were not, and unknown keys.
    pub(super) fn principals(&self, chosen: Option<&BTreeSet<&str>>, report: &mut Report) {
        let is_chosen =
            |actor: &Actor<'_>| chosen.is_none_or(|chosen| !chosen.is_disjoint(&actor.subjects));
        let is_wanted = |arn: &str| {
            let wanted = self.options.principal.as_ref();
            wanted.is_none_or(|wanted| is_meant(arn, wanted))
        };
        let mut seen = BTreeSet::new();
        for (who, actor) in self.actors {
            let Who::Principal(arn) = who else { continue };
            seen.insert(arn.as_str());
            if is_wanted(arn) && is_chosen(actor) {
                let holder = self.grants.holder(arn);
                report.principals.push(self.seen(arn, holder, actor));
                report.notes.extend(holder.into_iter().flat_map(notes));
            }
        }
        let found = !report.principals.is_empty();
        let mut left = MAX_UNSEEN;
        let unseen = self.grants.holders.iter().filter(|holder| {
            chosen.is_none() && !seen.contains(holder.arn.as_str()) && is_wanted(&holder.arn)
        });
        for holder in unseen {
            let principal = unseen_principal(holder, &mut left);
            report.principals.push(principal);
            report.notes.extend(notes(holder));
        }
        for (key, actor) in self.keys().filter(|(_, actor)| is_chosen(actor)) {
            let wanted = self.options.principal.as_ref();
            if !wanted.is_none_or(|wanted| wanted == key || !found) {
                continue;
            }
            report.principals.push(self.key(key, actor));
            report.notes.push(format!(
                "The principal of key {key} was not observed: name it with --principal-of {key}=ARN."
            ));
        }
    }

    fn keys(&self) -> impl Iterator<Item = (&'a str, &'a Actor<'a>)> {
        self.actors.iter().filter_map(|(who, actor)| match who {
            Who::Key(key) => Some((key.as_str(), actor)),
            Who::Principal(_) | Who::Unsigned => None,
        })
    }

    /// What may also have been this principal's: calls that are not known, and calls with keys that may be its own.
    fn possible(&self, arn: &str, actor: &Actor<'_>) -> Possible {
        let mut possible = Possible::default();
        possible.add_unmapped(actor, "");
        let account = account_of(arn);
        for (key, other) in self.keys() {
            let accounts = &other.accounts;
            if accounts.is_empty() || account.is_none_or(|account| accounts.contains(account)) {
                let words = format!(" with key {key}, whose principal was not observed");
                possible.add_unmapped(other, &words);
                possible.add_uses(other, &words);
            }
        }
        let unsigned = self.actors.get(&Who::Unsigned);
        if let Some(other) = unsigned.filter(|other| !other.subjects.is_disjoint(&actor.subjects)) {
            possible.add_unmapped(other, " without a key that could be read");
        }
        possible
    }

    /// How the subjects that act as it were watched, and what else keeps silence from being evidence.
    fn observation(&self, arn: &str, holder: Option<&Holder>, actor: &Actor<'_>) -> Observation {
        let mut observation = self.watch.observation(Sight::Cloud, &actor.subjects);
        let acting: BTreeSet<&str> = self
            .actors
            .values()
            .flat_map(|actor| actor.subjects.iter().copied())
            .collect();
        observation
            .holes
            .extend(self.watch.unread_by_others(&acting));
        let last_used = holder.and_then(|holder| holder.last_used.as_ref());
        let sign = elsewhere::sentence(arn, last_used, actor, self.watch, self.options);
        observation.holes.extend(sign);
        observation
    }

    fn seen(&self, arn: &str, holder: Option<&Holder>, actor: &Actor<'_>) -> Principal {
        let observation = self.observation(arn, holder, actor);
        let granted = holder.map(|holder| granted(&holder.policies));
        let granted = granted.unwrap_or_default();
        let by_name: HashMap<String, &Granted> = granted
            .iter()
            .map(|granted| (name(granted).to_lowercase(), granted))
            .collect();
        let verdicts = Verdicts::of(arn, holder);
        let mut evidence = Vec::new();
        for (action, resources) in &actor.uses {
            let of_action = by_name.get(&action.to_lowercase()).copied();
            let permission: Arc<str> =
                of_action.map_or_else(|| (*action).into(), |g| name(g).into());
            for (resource, used) in resources {
                let ruling = verdicts.ruling(action, resource, of_action.is_some());
                evidence.push(touched(&permission, resource, used, &ruling));
            }
        }
        let possible = self.possible(arn, actor);
        evidence.extend(untouched(&granted, actor, &observation, &possible));
        sort(&mut evidence);
        Principal {
            principal: arn.to_owned(),
            granted: granted.len(),
            evidence,
            observation,
        }
    }

    /// What an access key did, of whom nobody knows whether it may.
    fn key(&self, key: &str, actor: &Actor<'_>) -> Principal {
        let ruling = Ruling::Granted(format!(
            "by key {key}, whose principal was not observed: whether it is granted is not known"
        ));
        let mut evidence = Vec::new();
        for (action, resources) in &actor.uses {
            let permission: Arc<str> = (*action).into();
            for (resource, used) in resources {
                evidence.push(touched(&permission, resource, used, &ruling));
            }
        }
        Principal {
            principal: format!("key {key} (principal not observed)"),
            granted: 0,
            evidence,
            observation: self.watch.observation(Sight::Cloud, &actor.subjects),
        }
    }
}

/// A principal of whom nothing was seen: all that it is granted is unknown.
fn unseen_principal(holder: &Holder, left: &mut usize) -> Principal {
    let granted = granted(&holder.policies);
    let reason: Arc<str> = "nobody was seen acting as it".into();
    let unknown = |permission: Arc<str>, resource: Arc<str>| Evidence {
        permission,
        resource,
        status: Status::Unknown,
        count: 0,
        seen_us: None,
        subjects: Vec::new(),
        confidence: Confidence::None,
        reason: reason.clone(),
    };
    let entries: usize = granted.iter().map(|granted| granted.on.len()).sum();
    let evidence: Vec<Evidence> = if entries <= *left {
        *left -= entries;
        let expanded = granted.iter().flat_map(|granted| {
            let permission: Arc<str> = name(granted).into();
            let on = granted.on.iter();
            on.map(move |on| (permission.clone(), on.resource.clone()))
        });
        expanded.map(|(action, on)| unknown(action, on)).collect()
    } else {
        let patterns = granted::patterns(&holder.policies).into_iter();
        patterns
            .map(|(action, on)| unknown(action.into(), on))
            .collect()
    };
    Principal {
        principal: holder.arn.clone(),
        granted: granted.len(),
        evidence,
        observation: Observation {
            holes: vec![reason.to_string()],
            ..Observation::default()
        },
    }
}

/// Sentences on what is amiss with a principal's policies.
fn notes(holder: &Holder) -> Vec<String> {
    let missing = holder.missing.iter().map(|policy| {
        format!(
            "Policy {policy} of {} is named in the export and not in it: what it grants is not known.",
            holder.arn
        )
    });
    let unmatched = granted::unmatched(&holder.policies);
    let unmatched = unmatched.into_iter().map(|pattern| {
        format!(
            "{pattern:?} in a policy of {} matches no action that is known.",
            holder.arn
        )
    });
    missing.chain(unmatched).collect()
}

fn name(granted: &Granted) -> String {
    format!("{}:{}", granted.action.service, granted.action.name)
}

/// Evidence on what was asked for.
fn touched(permission: &Arc<str>, resource: &[u8], used: &Use<'_>, ruling: &Ruling) -> Evidence {
    let errors: Vec<_> = used.errors.iter().copied().collect();
    let errors = match errors.as_slice() {
        [] => "an error".to_owned(),
        errors => errors.join(", "),
    };
    let (status, reason) = match ruling {
        _ if !used.is_use() => {
            let why = match ruling {
                Ruling::Granted(_) => "though the known policies allow it",
                Ruling::Not(_) => "and no known grant allows it",
            };
            (
                Status::Attempted,
                format!("denied each time ({errors}), {why}"),
            )
        }
        Ruling::Granted(why) => (Status::Used, why.clone()),
        Ruling::Not(why) if used.allowed > 0 => (Status::Ungranted, why.clone()),
        // Whether such a request was let through before it failed, nobody can say.
        Ruling::Not(why) => (
            Status::Unknown,
            format!("each request failed ({errors}), and {why}"),
        ),
    };
    let (count, seen_us) = match status {
        Status::Attempted => (used.denied, used.denied_us),
        _ => (used.allowed.saturating_add(used.failed), used.used_us),
    };
    Evidence {
        permission: permission.clone(),
        resource: String::from_utf8_lossy(resource).into(),
        status,
        count,
        seen_us,
        subjects: used
            .subjects
            .iter()
            .map(|subject| (*subject).into())
            .collect(),
        confidence: if status == Status::Unknown {
            Confidence::None
        } else {
            Confidence::Observed
        },
        reason: reason.into(),
    }
}

/// Evidence on what is granted and was not used.
fn untouched(
    granted: &[Granted],
    actor: &Actor<'_>,
    observation: &Observation,
    possible: &Possible,
) -> Vec<Evidence> {
    let mut by_action: HashMap<String, Vec<(&[u8], &Use<'_>)>> = HashMap::new();
    for (action, resources) in &actor.uses {
        let of_action = by_action.entry(action.to_lowercase()).or_default();
        of_action.extend(resources.iter().map(|(resource, used)| (*resource, used)));
    }
    let is_used = |resources: &BTreeMap<&[u8], Use<'_>>| resources.values().any(Use::is_use);
    let used = actor
        .uses
        .iter()
        .filter(|(_, resources)| is_used(resources));
    let implied = implied(used.map(|(action, _)| *action));
    let (status, confidence, reason) = observation.silence();
    let silence: (Status, Confidence, Arc<str>) = (status, confidence, reason.into());
    let mut evidence = Vec::new();
    for granted in granted {
        let permission: Arc<str> = name(granted).into();
        let lower = permission.to_lowercase();
        let of_action = by_action.get(&lower).map_or(&[][..], Vec::as_slice);
        for on in &granted.on {
            let mut matching = of_action
                .iter()
                .filter(|(resource, _)| on.matches(resource));
            if matching.clone().any(|(_, used)| used.is_use()) {
                continue;
            }
            let (status, confidence, reason) = if let Some(by) = implied.get(&lower) {
                let reason = format!("AWS may use it on behalf of {by}, which was used");
                (Status::Implied, Confidence::Inferred, reason.into())
            } else if let Some(words) = possible.of(&lower, on) {
                (Status::Unknown, Confidence::None, words.into())
            } else {
                silence.clone()
            };
            // What was denied says all, unless it may have been used besides.
            if status == Status::Unused && matching.next().is_some() {
                continue;
            }
            evidence.push(Evidence {
                permission: permission.clone(),
                resource: on.resource.clone(),
                status,
                count: 0,
                seen_us: None,
                subjects: Vec::new(),
                confidence,
                reason,
            });
        }
    }
    evidence
}

fn sort(evidence: &mut [Evidence]) {
    evidence.sort_by(|a, b| (&a.permission, &a.resource).cmp(&(&b.permission, &b.resource)));
}
