//! Which principal a row of usage means: a role, a user, or an access key of whom nobody knows.

use std::collections::{BTreeSet, HashMap};

use whittle_schemas::table::{Surface, Tables, UsageRow};

use super::{
    Options,
    grants::{Grants, account_of, name_of, role_of_session},
};

/// Who made a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Who {
    /// A role or user, by the ARN that the grants have it under.
    Principal(String),
    /// An access key that nothing binds to a principal.
    Key(String),
    /// Nobody: the call was not signed.
    Unsigned,
}

/// How rows lead to principals.
pub(crate) struct Identities<'a> {
    grants: &'a Grants,
    /// ARN by access key: what the user says, else what other rows show.
    of_key: HashMap<&'a str, String>,
}

impl<'a> Identities<'a> {
    pub(crate) fn of(tables: &'a Tables, grants: &'a Grants, options: &'a Options) -> Self {
        let mut identities = Self {
            grants,
            of_key: HashMap::new(),
        };
        let mut of_key: HashMap<&str, (&str, String)> = HashMap::new();
        let mut ambiguous = BTreeSet::new();
        for row in &tables.usage {
            let (Some(arn), Some(key)) = (&row.principal, &row.access_key_id) else {
                continue;
            };
            let known = of_key.get(key.as_str());
            if !is_arn(arn) || known.is_some_and(|(as_written, _)| as_written == arn) {
                continue;
            }
            // A role and a session of it are the same.
            let own = identities.normal(arn);
            match known {
                None => {
                    of_key.insert(key, (arn, own));
                }
                Some((_, other)) if *other != own => {
                    ambiguous.insert(key.as_str());
                }
                Some(_) => {}
            }
        }
        let said = options.principal_of.iter();
        let said = said.map(|(key, arn)| (key.as_str(), identities.normal(arn)));
        let shown = of_key
            .into_iter()
            .filter(|(key, _)| !ambiguous.contains(key))
            .map(|(key, (_, own))| (key, own));
        // What the user says comes last, and holds.
        identities.of_key = shown.chain(said).collect();
        identities
    }

    /// Who made the call of a row.
    pub(crate) fn of_row(&self, row: &UsageRow) -> Who {
        let name = row.principal.as_deref().or(row.access_key_id.as_deref());
        name.map_or(Who::Unsigned, |name| self.named(name))
    }

    /// Whom an ARN, of a session too, or an access key means.
    pub(super) fn named(&self, name: &str) -> Who {
        if is_arn(name) {
            return Who::Principal(self.normal(name));
        }
        match self.of_key.get(name) {
            Some(arn) => Who::Principal(arn.clone()),
            None => Who::Key(name.to_owned()),
        }
    }

    /// The ARN of the role or user itself.
    fn normal(&self, arn: &str) -> String {
        let own = role_of_session(arn).unwrap_or_else(|| arn.to_owned());
        match self.grants.holder(&own) {
            Some(holder) => holder.arn.clone(),
            None => own,
        }
    }
}

/// Whether a row is a call to a cloud provider.
pub(super) fn is_cloud(row: &UsageRow) -> bool {
    row.surface == Surface::Cloud
}

/// Whether a name can be one of AWS, and not of Kubernetes or SPIFFE.
pub(super) fn may_be_aws(name: &str) -> bool {
    is_arn(name) || name.starts_with("AKIA") || name.starts_with("ASIA")
}

fn is_arn(name: &str) -> bool {
    name.starts_with("arn:")
}

/// Whether a principal is meant by what a user typed: its ARN, its name, or a session of it.
pub(crate) fn is_meant(principal: &str, typed: &str) -> bool {
    if !is_arn(typed) {
        return name_of(principal) == typed || principal == typed;
    }
    let typed = role_of_session(typed).unwrap_or_else(|| typed.to_owned());
    principal == typed
        || (name_of(principal) == name_of(&typed)
            && account_of(principal) == account_of(&typed)
            && principal.contains(":user/") == typed.contains(":user/"))
}
