//! Who has which policies: what `whittle_grants` read, gathered from several files.

use std::sync::Arc;

use whittle_grants::aws::{Account, Document, Kind, Policies, Policy};

/// All known grants.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Roles and users, each once.
    pub holders: Vec<Holder>,
}

/// A role or user, and the policies that bear on it.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Its ARN.
    pub arn: String,
    /// Its name without path.
    pub name: String,
    /// Role or user.
    pub kind: Kind,
    /// Everything that allows or limits.
    pub policies: Policies,
    /// Names of policies that it has and that no file holds.
    pub missing: Vec<String>,
    /// When and where AWS says that it was used last.
    pub last_used: Option<LastUsed>,
}

/// The last use that the provider knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUsed {
    /// When, in microseconds UTC.
    pub at_us: i64,
    /// In which region.
    pub region: Option<String>,
}

impl Grants {
    /// Adds everyone of an account's export. Groups act through their users and are no holders.
    pub fn add_account(&mut self, account: &Account) {
        let acting = account.principals().iter();
        for principal in acting.filter(|principal| principal.kind != Kind::Group) {
            self.add(Holder {
                arn: principal.arn.clone(),
                name: principal.name.clone(),
                kind: principal.kind,
                policies: principal.policies(),
                missing: principal
                    .without_document()
                    .map(|policy| policy.name.clone())
                    .collect(),
                last_used: None,
            });
        }
    }

    /// Adds one identity policy of a role or user; a session stands for its role.
    pub fn add_document(&mut self, principal: &str, name: &str, document: Document) {
        let role = role_of_session(principal);
        let principal = role.as_deref().unwrap_or(principal);
        let kind = if principal.contains(":user/") {
            Kind::User
        } else {
            Kind::Role
        };
        let policies = Policies {
            identity: vec![Policy {
                name: name.to_owned(),
                document: Arc::new(document),
            }],
            ..Policies::default()
        };
        self.add(Holder {
            arn: principal.to_owned(),
            name: name_of(principal).to_owned(),
            kind,
            policies,
            missing: Vec::new(),
            last_used: None,
        });
    }

    /// Puts everyone under these service control and resource control policies, by level.
    pub fn limit(&mut self, scp: &[Vec<Policy>], rcp: &[Vec<Policy>]) {
        for holder in &mut self.holders {
            holder.policies.scp.extend_from_slice(scp);
            holder.policies.rcp.extend_from_slice(rcp);
        }
    }

    /// Notes when a principal was used last.
    pub fn used_last(&mut self, arn: &str, last_used: LastUsed) {
        let holder = self.holders.iter_mut().find(|holder| holder.arn == arn);
        if let Some(holder) = holder {
            holder.last_used = Some(last_used);
        }
    }

    /// Whom an ARN or a name means: exactly, else by account and last part of the name, since a session's ARN and an
    /// instance's credentials leave the path out.
    #[must_use]
    pub fn holder(&self, arn_or_name: &str) -> Option<&Holder> {
        let exact = self.holders.iter().find(|holder| holder.arn == arn_or_name);
        exact.or_else(|| {
            let name = name_of(arn_or_name);
            let account = account_of(arn_or_name);
            self.holders.iter().find(|holder| {
                holder.name == name
                    && account.is_none_or(|account| account_of(&holder.arn) == Some(account))
                    && (account.is_none() || is_user(arn_or_name) == (holder.kind == Kind::User))
            })
        })
    }

    /// Several files may speak of one principal: their policies add up.
    fn add(&mut self, new: Holder) {
        let known = self.holders.iter_mut().find(|holder| holder.arn == new.arn);
        let Some(holder) = known else {
            self.holders.push(new);
            return;
        };
        for policy in new.policies.identity {
            if !holder.policies.identity.contains(&policy) {
                holder.policies.identity.push(policy);
            }
        }
        for policy in new.policies.boundary {
            if !holder.policies.boundary.contains(&policy) {
                holder.policies.boundary.push(policy);
            }
        }
        holder.missing.extend(new.missing);
    }
}

fn is_user(arn: &str) -> bool {
    arn.contains(":user/")
}

/// The name in `arn:aws:iam::123456789012:role/path/NAME`, and in a plain name.
pub(super) fn name_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// `arn:aws:iam::A:role/R` of `arn:aws:sts::A:assumed-role/R/SESSION`.
pub(super) fn role_of_session(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(6, ':');
    let (_, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let role = resource.strip_prefix("assumed-role/")?.split('/').next()?;
    (service == "sts").then(|| format!("arn:{partition}:iam::{account}:role/{role}"))
}

/// The account of an ARN.
pub(super) fn account_of(arn: &str) -> Option<&str> {
    let account = arn.strip_prefix("arn:")?.split(':').nth(3)?;
    (!account.is_empty()).then_some(account)
}
