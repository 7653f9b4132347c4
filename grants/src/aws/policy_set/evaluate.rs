//! How the answers of the statements make the answer of the set. An explicit Deny anywhere wins; then every layer that is
//! there has to allow, in the ways that AWS's page on policy evaluation gives for one account and for two.
//!
//! Each layer's answer is yes, no or unknown, and so is the whole: it is unknown where it hangs on context that nobody observed.

use crate::aws::caller::{CallerKind, Named};
use crate::aws::observed::Trace;
use crate::aws::truth::Truth;
use crate::aws::{Decision, Effect, Layer, Request, StatementId, Verdict, actions};

use super::PolicySet;

/// What a layer's statements say.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    deny: Answer,
    /// By how the statement names who asks; only resource policies have more than `Directly`.
    allow: [Answer; 3],
}

/// The strongest that was said, and by which statement.
#[derive(Clone, Copy, Debug, Default)]
struct Answer {
    truth: Truth,
    statement: usize,
}

impl Answer {
    fn raise(&mut self, truth: Truth, statement: usize) {
        if truth > self.truth {
            *self = Self { truth, statement };
        }
    }
}

pub(super) fn decide(set: &PolicySet, request: &Request) -> Decision {
    let mut trace = Trace::default();
    let said = said(set, request, &mut trace, |_, _| true);
    let named = |answer: Answer| Some(StatementId::from(&set.sources[answer.statement]));
    let denies = said.iter().map(|said| said.deny);
    let deny = strongest(denies);
    if deny.truth == Truth::Yes {
        return decision(Verdict::ExplicitDeny, named(deny));
    }
    let granted = granted(set, request, &said);
    match (granted.truth, deny.truth) {
        (Truth::No, _) => decision(Verdict::ImplicitDeny, None),
        (Truth::Yes, Truth::No) => decision(Verdict::Allowed, granted.by.and_then(named)),
        (truth, _) => {
            let by = if truth == Truth::Yes {
                Some(deny)
            } else {
                granted.by
            };
            // Asked again for the keys, which costs what most requests need not pay. A layer that allows for sure hangs
            // on no key of its other Allows.
            let hangs = |layer: usize, effect: Effect| {
                effect == Effect::Deny
                    || truth != Truth::Yes
                        && said[layer]
                            .allow
                            .iter()
                            .all(|allow| allow.truth != Truth::Yes)
            };
            let mut trace = Trace::collecting();
            self::said(set, request, &mut trace, hangs);
            Decision {
                verdict: Verdict::Depends,
                statement: by.and_then(named),
                missing_context: trace.keys(),
            }
        }
    }
}

fn decision(verdict: Verdict, statement: Option<StatementId>) -> Decision {
    Decision {
        verdict,
        statement,
        missing_context: Vec::new(),
    }
}

/// The first of the strongest.
fn strongest(answers: impl Iterator<Item = Answer>) -> Answer {
    answers.fold(Answer::default(), |mut best, answer| {
        best.raise(answer.truth, answer.statement);
        best
    })
}

/// What each layer says, of the statements that `asked` picks by layer and effect.
fn said<'a>(
    set: &'a PolicySet,
    request: &Request,
    trace: &mut Trace<'a>,
    asked: impl Fn(usize, Effect) -> bool,
) -> Vec<Said> {
    let mut said = vec![Said::default(); set.layers.len()];
    set.index
        .find(request.service(), &request.action, |number| {
            let statement = &set.statements[number];
            if !asked(statement.layer, statement.effect)
                || !bears(set.layers[statement.layer], request)
            {
                return;
            }
            let Some(named) = statement.names(request) else {
                return;
            };
            let so_far = &said[statement.layer];
            let known = match statement.effect {
                Effect::Deny => so_far.deny,
                Effect::Allow => so_far.allow[named as usize],
            };
            if known.truth == Truth::Yes {
                // One more of the same changes nothing.
                return;
            }
            let mark = trace.mark();
            let truth = statement.applies(request, trace);
            if truth != Truth::Unknown {
                trace.forget(mark);
            }
            let said = &mut said[statement.layer];
            match statement.effect {
                Effect::Deny => said.deny.raise(truth, number),
                Effect::Allow => said.allow[named as usize].raise(truth, number),
            }
        });
    said
}

/// Whether policies of a layer bear on a request at all.
fn bears(layer: Layer, request: &Request) -> bool {
    match layer {
        Layer::Identity | Layer::Boundary | Layer::Session | Layer::Resource => true,
        Layer::Scp(_) => request.caller.account().is_some() && !request.caller.is_service_linked(),
        Layer::Rcp(_) => {
            !request.caller.is_service_linked() && actions::is_under_rcp(request.service())
        }
    }
}

/// Whether the request is granted, but for explicit denies, and by which statement; or on which statement that hangs.
#[derive(Clone, Copy, Debug)]
struct Granted {
    truth: Truth,
    by: Option<Answer>,
}

impl Granted {
    const YES: Self = Self {
        truth: Truth::Yes,
        by: None,
    };
    const NO: Self = Self {
        truth: Truth::No,
        by: None,
    };

    fn and(self, other: Self) -> Self {
        match (self.truth, other.truth) {
            // Of two that are sure, the first names a statement that grants; the others only do not stand in the way.
            (Truth::Yes, Truth::Yes) if self.by.is_some() => self,
            _ if other.truth < self.truth => other,
            (Truth::Yes, Truth::Yes) => other,
            _ => self,
        }
    }

    fn or(self, other: Self) -> Self {
        if other.truth > self.truth {
            other
        } else {
            self
        }
    }
}

impl From<Answer> for Granted {
    fn from(answer: Answer) -> Self {
        Self {
            truth: answer.truth,
            by: (answer.truth != Truth::No).then_some(answer),
        }
    }
}

fn granted(set: &PolicySet, request: &Request, said: &[Said]) -> Granted {
    let layers = || set.layers.iter().zip(said);
    let allow = |answers: &Said| Granted::from(strongest(answers.allow.iter().copied()));
    let of = |wanted: Layer| {
        layers()
            .find(|(layer, _)| **layer == wanted)
            .map(|(_, said)| said)
    };
    let limit = |layer: Layer| of(layer).map_or(Granted::YES, allow);
    let by_resource = |named: Named| {
        of(Layer::Resource).map_or(Answer::default(), |said| said.allow[named as usize])
    };

    let directly = Granted::from(by_resource(Named::Directly));
    let as_role = Granted::from(by_resource(Named::Role));
    let as_account = Granted::from(by_resource(Named::Account));
    let grant = |layer: Layer| of(layer).map_or(Granted::NO, allow);
    let limits = limit(Layer::Boundary).and(limit(Layer::Session));
    let by_principal = match request.caller.kind() {
        CallerKind::Anonymous | CallerKind::Service | CallerKind::Provider => return directly,
        // An account's root user has all that its organization leaves it.
        CallerKind::Root => Granted::YES,
        // Such a session has nothing without a session policy.
        CallerKind::FederatedUser => grant(Layer::Identity)
            .and(limits)
            .and(grant(Layer::Session)),
        CallerKind::Role { .. } | CallerKind::Session { .. } | CallerKind::User { .. } => {
            grant(Layer::Identity).and(limits)
        }
    };
    let scps = layers().filter(|(layer, _)| matches!(layer, Layer::Scp(_)));
    let scp = if request.caller.is_service_linked() {
        Granted::YES
    } else {
        scps.map(|(_, said)| allow(said))
            .fold(Granted::YES, Granted::and)
    };

    let granted = if request.is_cross_account() {
        // Both accounts have to allow; whom the resource's policy names does not matter.
        by_principal.and(directly.or(as_role).or(as_account))
    } else if of(Layer::Resource).is_some() && decides_alone(request) {
        directly
            .or(as_role.and(limits))
            .or(as_account.and(by_principal))
    } else {
        by_principal.or(directly).or(as_role.and(limits))
    };
    granted.and(scp)
}

/// Whether the resource is one whose own policy has to allow, even within an account: a KMS key, or a role to be assumed.
fn decides_alone(request: &Request) -> bool {
    request.service() == "kms"
        || request.service() == "sts"
            && request.resource.contains(":iam:")
            && request.resource.contains(":role/")
}
