//! Who made a cloud call, as `evidence` tells it: a key is often seen before the answer that says whose it is.

use std::collections::BTreeMap;

use whittle_schemas::table::{Surface, Tables, UsageRow};

use crate::evidence::{
    Grants, Options,
    identity::{self, Who},
};

/// `operation` of a call that asks for nothing that is known.
pub const UNMAPPED: &str = "unmapped";

/// Whether a call asks for nothing that is known: it counts as a use of all it might have been.
#[must_use]
pub fn is_unmapped(operation: Option<&str>) -> bool {
    operation == Some(UNMAPPED)
}

/// Whether this names a role or user, and not a key.
#[must_use]
pub fn is_principal(name: &str) -> bool {
    name.starts_with("arn:")
}

/// The identities that calls were made as, by what their rows say.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    of_names: BTreeMap<Names, Option<String>>,
}

/// `principal` and `access_key_id` of a row.
type Names = (Option<String>, Option<String>);

impl Identities {
    /// What the tables tell.
    #[must_use]
    pub fn of(tables: &Tables) -> Self {
        let (grants, options) = (Grants::default(), Options::default());
        let identities = identity::Identities::of(tables, &grants, &options);
        let mut of_names = BTreeMap::new();
        for row in cloud_rows(tables) {
            of_names
                .entry(names(row))
                .or_insert_with(|| match identities.of_row(row) {
                    Who::Principal(name) | Who::Key(name) => Some(name),
                    Who::Unsigned => None,
                });
        }
        Self { of_names }
    }

    /// Who made a call: a role or user, else the key; None where nobody signed it.
    #[must_use]
    pub fn principal(&self, row: &UsageRow) -> Option<String> {
        if row.surface != Surface::Cloud {
            return row.principal.clone();
        }
        self.of_names.get(&names(row)).cloned().flatten()
    }
}

fn names(row: &UsageRow) -> Names {
    (row.principal.clone(), row.access_key_id.clone())
}

pub(super) fn cloud_rows(tables: &Tables) -> impl Iterator<Item = &UsageRow> {
    tables
        .usage
        .iter()
        .filter(|row| row.surface == Surface::Cloud)
}
