//! Whose an access key is, by the answers that hand keys out. One table for the host: a key that one process fetched is the
//! same key when another signs with it.

use std::collections::HashMap;

use whittle_protocol::{
    aws::Account,
    credentials::{Binding, Key, Owner, Principal},
};

/// Most keys that are remembered.
const MOST_KEYS: usize = 16_384;
/// Longest chain of keys that were got with other keys.
const MOST_STEPS: usize = 8;

/// Keys and their owners.
#[derive(Default)]
pub(super) struct Keys {
    owners: HashMap<String, Known>,
}

enum Known {
    Principal(String),
    /// Whoever has this other key.
    SameAs(String),
}

impl Keys {
    /// Remembers what an answer said. `signing` is the key that signed the request.
    pub(super) fn learn(&mut self, binding: Binding, signing: Option<&str>) {
        let key = match binding.key {
            Key::Issued(key) => key,
            Key::Signing => match signing {
                Some(signing) => signing.to_owned(),
                None => return,
            },
        };
        let owner = match binding.owner {
            Owner::Principal(principal) => Known::Principal(principal.arn),
            Owner::Role(name) => {
                let account = Account::of_key(&key);
                let role = account.and_then(|account| Principal::of_role(&name, account.as_str()));
                match role {
                    Some(role) => Known::Principal(role.arn),
                    None => return,
                }
            }
            Owner::Signer => match signing {
                Some(signing) if signing != key => Known::SameAs(signing.to_owned()),
                _ => return,
            },
            Owner::Account(_) => return,
        };
        if self.owners.len() >= MOST_KEYS && !self.owners.contains_key(&key) {
            // Without an owner the key itself stands for whoever acts.
            return;
        }
        if let (Some(Known::Principal(known)), Known::Principal(said)) =
            (self.owners.get(&key), &owner)
            && is_same_with_path(known, said)
        {
            return;
        }
        self.owners.insert(key, owner);
    }

    /// The role or user that a key belongs to.
    pub(super) fn principal(&self, key: &str) -> Option<&str> {
        let mut key = key;
        for _ in 0..MOST_STEPS {
            match self.owners.get(key)? {
                Known::Principal(arn) => return Some(arn),
                Known::SameAs(other) => key = other,
            }
        }
        None
    }
}

/// Whether one ARN is the other with the path that sessions leave out: `role/teams/nightly` and `role/nightly`.
fn is_same_with_path(known: &str, said: &str) -> bool {
    let parts = |arn: &str| {
        let (account, name) = arn.split_once(":role/")?;
        let name = name.rsplit('/').next()?;
        Some((account.to_owned(), name.to_owned()))
    };
    parts(known).is_some_and(|known| parts(said) == Some(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ASIAQNZGKIQY56JQ7WML";

    fn issued(owner: Owner) -> Binding {
        Binding {
            key: Key::Issued(KEY.to_owned()),
            owner,
        }
    }

    fn principal(arn: &str) -> Owner {
        Owner::Principal(Principal {
            arn: arn.to_owned(),
            session: None,
        })
    }

    #[test]
    fn a_role_is_named_with_the_account_of_its_key() {
        let mut keys = Keys::default();
        keys.learn(issued(Owner::Role("nightly".to_owned())), None);
        assert_eq!(
            keys.principal(KEY),
            Some("arn:aws:iam::029608264753:role/nightly")
        );
    }

    #[test]
    fn a_path_that_is_known_is_not_forgotten() {
        let mut keys = Keys::default();
        let with_path = "arn:aws:iam::029608264753:role/teams/nightly";
        keys.learn(issued(principal(with_path)), None);
        keys.learn(
            issued(principal("arn:aws:iam::029608264753:role/nightly")),
            None,
        );
        assert_eq!(keys.principal(KEY), Some(with_path));
        let other = "arn:aws:iam::029608264753:role/other";
        keys.learn(issued(principal(other)), None);
        assert_eq!(keys.principal(KEY), Some(other));
    }

    #[test]
    fn keys_for_a_time_belong_to_whoever_asked_for_them() {
        let mut keys = Keys::default();
        keys.learn(issued(Owner::Signer), Some("AKIA"));
        assert_eq!(keys.principal(KEY), None);
        let caller = Binding {
            key: Key::Signing,
            owner: principal("arn:aws:iam::029608264753:user/ann"),
        };
        keys.learn(caller, Some("AKIA"));
        assert_eq!(
            keys.principal(KEY),
            Some("arn:aws:iam::029608264753:user/ann")
        );
    }

    #[test]
    fn keys_that_point_at_each_other_have_no_owner() {
        let mut keys = Keys::default();
        keys.learn(issued(Owner::Signer), Some("AKIA"));
        let back = Binding {
            key: Key::Issued("AKIA".to_owned()),
            owner: Owner::Signer,
        };
        keys.learn(back, Some(KEY));
        assert_eq!(keys.principal(KEY), None);
    }
}
