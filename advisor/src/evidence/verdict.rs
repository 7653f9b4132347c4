//! Whether a known grant allows what was used, in the words of the evaluator.

use whittle_grants::aws::{Caller, PolicySet, Request, Verdict};

use super::grants::{Holder, account_of};

/// Whether something is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    /// It is, and how.
    Granted(String),
    /// It is not, and why.
    Not(String),
}

/// Actions that nobody has to be granted.
const FREE: [&str; 4] = [
    "sts:getcalleridentity",
    "sts:getsessiontoken",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
];

/// The policies of one principal, ready to be asked.
pub(super) struct Verdicts<'a> {
    arn: &'a str,
    caller: Caller,
    holder: Option<&'a Holder>,
    set: Option<PolicySet>,
}

impl<'a> Verdicts<'a> {
    pub(super) fn of(arn: &'a str, holder: Option<&'a Holder>) -> Self {
        Self {
            arn,
            caller: Caller::new(arn),
            holder,
            set: holder.map(|holder| PolicySet::new(&holder.policies)),
        }
    }

    /// `is_granted`: whether the policies grant the action on anything.
    pub(super) fn ruling(&self, action: &str, resource: &[u8], is_granted: bool) -> Ruling {
        if FREE.contains(&action.to_lowercase().as_str()) {
            return Ruling::Granted("used; nobody has to be granted it".to_owned());
        }
        let (Some(set), Some(holder)) = (&self.set, self.holder) else {
            return Ruling::Not("no policy of this principal was given".to_owned());
        };
        let resource = String::from_utf8_lossy(resource);
        let request = Request::new(&self.caller, action, &resource);
        let mut decision = set.evaluate(&request);
        let mut words = String::new();
        let own = account_of(self.arn);
        let of_other = account_of(&resource).filter(|account| Some(*account) != own);
        if let (Verdict::ImplicitDeny, Some(other), Some(own)) = (decision.verdict, of_other, own) {
            // The other account has to allow it too, with a policy that no export of this one holds.
            decision = set.evaluate(&request.in_account(own));
            words = format!("; what the resource's policy in account {other} says is not known");
        }
        let by = decision.statement.map(|statement| statement.to_string());
        match decision.verdict {
            Verdict::Allowed => Ruling::Granted(format!(
                "used, and allowed by {}{words}",
                by.unwrap_or_else(|| "its policies".to_owned())
            )),
            Verdict::Depends => Ruling::Granted(format!(
                "used; whether it is allowed hangs on {}, which was not observed{words}",
                decision.missing_context.join(", ")
            )),
            Verdict::ExplicitDeny => Ruling::Not(format!(
                "{} denies it",
                by.unwrap_or_else(|| "a statement".to_owned())
            )),
            // Where the resource is not known, it may be any of those that are granted.
            Verdict::ImplicitDeny if resource == "*" && is_granted => {
                Ruling::Granted("used, and granted on some resources".to_owned())
            }
            Verdict::ImplicitDeny => Ruling::Not(match holder.missing.as_slice() {
                [] => "no statement of its policies allows it".to_owned(),
                missing => format!(
                    "no statement of its known policies allows it; not known: {}",
                    missing.join(", ")
                ),
            }),
        }
    }
}
