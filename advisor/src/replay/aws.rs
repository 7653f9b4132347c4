//! Replaying cloud calls against IAM policies that are attached to whoever made them.

use std::sync::Arc;

use whittle_grants::aws::{
    self, Caller, Context, Decision, Document, Policy, PolicySet, Request, Verdict,
};
use whittle_schemas::table::Surface;

use super::{Answer, policy::Error};
use crate::history::{Access, is_principal, is_unmapped};

/// IAM policies, all attached together.
#[derive(Clone, Debug)]
pub(super) struct Policies {
    set: PolicySet,
}

impl Policies {
    pub(super) fn parse(documents: &[(String, &str)]) -> Result<Self, Box<Error>> {
        let policy = |(name, text): &(String, &str)| {
            let document = Document::parse(text).map_err(|error| {
                Box::new(Error::Aws {
                    name: name.clone(),
                    error,
                })
            })?;
            Ok(Policy {
                name: name.clone(),
                document: Arc::new(document),
            })
        };
        let policies: Result<Vec<Policy>, Box<Error>> = documents.iter().map(policy).collect();
        let policies = aws::Policies {
            identity: policies?,
            ..aws::Policies::default()
        };
        Ok(Self {
            set: PolicySet::new(&policies),
        })
    }

    pub(super) fn answer(&self, access: &Access) -> Answer {
        if access.surface != Surface::Cloud {
            return Answer::NotAsked;
        }
        let Some(principal) = &access.principal else {
            return Answer::NotAsked;
        };
        let is_unmapped = is_unmapped(access.operation.as_deref()) || access.action.contains('*');
        // A policy that allows the whole service allows whatever it was: `s3:*` matches the text `s3:*`, and little else does.
        let resource = String::from_utf8_lossy(&access.resource);
        let arn = if is_principal(principal) {
            principal
        } else {
            "*"
        };
        let mut request = Request::new(&Caller::new(arn), &access.action, &resource)
            .with_context(context(access));
        if let Some(account) = principal
            .split(':')
            .nth(4)
            .filter(|_| is_principal(principal))
        {
            // What was used belongs to whoever used it, as far as a host can tell.
            let of_resource = resource
                .split(':')
                .nth(4)
                .filter(|account| !account.is_empty());
            request = request.in_account(of_resource.unwrap_or(account));
        }
        let decision = self.set.evaluate(&request);
        if is_unmapped && decision.verdict != Verdict::Allowed {
            return Answer::NotReplayed(
                "which operation it was is not known, and the policy does not allow the whole service".to_owned(),
            );
        }
        answer(&decision)
    }
}

/// What was observed of the request.
fn context(access: &Access) -> Context {
    let mut context = Context::default();
    if let Some(region) = &access.region {
        context.set("aws:RequestedRegion", [region.as_str()]);
    }
    if let Some(principal) = access
        .principal
        .as_deref()
        .filter(|name| is_principal(name))
    {
        context.set("aws:PrincipalArn", [principal]);
        if let Some(account) = principal.split(':').nth(4) {
            context.set("aws:PrincipalAccount", [account]);
        }
    }
    context
}

fn answer(decision: &Decision) -> Answer {
    let by = decision
        .statement
        .as_ref()
        .map_or_else(|| "no statement allows it".to_owned(), ToString::to_string);
    match decision.verdict {
        Verdict::Allowed => Answer::Allowed(by),
        Verdict::ExplicitDeny | Verdict::ImplicitDeny => Answer::Denied(by),
        Verdict::Depends => Answer::Depends(by, decision.missing_context.clone()),
    }
}
