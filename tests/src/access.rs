//! An access in the one form that both observers are brought into, and how often each saw it.
//! Reading it from strace is `strace`, from whittle's tables `recorded`.

use std::{collections::BTreeMap, fmt};

use whittle_schemas::table::{Outcome, Surface, UsageRow, text};

/// What was done, to what, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// The action's words, in alphabetical order, joined by `+`. A successful open's `create` is left
    /// out and kept in [`Count::created`], because strace cannot tell who made a file.
    pub action: String,
    /// Path or address.
    pub resource: Vec<u8>,
    /// How it ended.
    pub outcome: Outcome,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            action,
            resource,
            outcome,
        } = self;
        write!(f, "{action} {} {outcome}", text::escape(resource))
    }
}

/// How often an access was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All times.
    pub times: u64,
    /// Of these, the successful opens that made the file (whittle) or could have made it (strace).
    pub created: u64,
}

/// Accesses with how often each was seen.
pub type Tally = BTreeMap<Access, Count>;

/// Adds an access whose action is made of these words.
pub fn add<'a>(
    tally: &mut Tally,
    words: impl IntoIterator<Item = &'a str>,
    resource: Vec<u8>,
    outcome: Outcome,
    times: u64,
) {
    let mut words: Vec<_> = words.into_iter().collect();
    words.sort_unstable();
    let before = words.len();
    if outcome == Outcome::Allowed {
        words.retain(|word| *word != "create");
    }
    let created = if words.len() < before { times } else { 0 };
    let count = tally
        .entry(Access {
            action: words.join("+"),
            resource,
            outcome,
        })
        .or_default();
    count.times += times;
    count.created += created;
}

/// The accesses of usage rows to files and addresses: what strace's system calls name.
pub fn of_rows<'a>(rows: impl IntoIterator<Item = &'a UsageRow>) -> Tally {
    let mut tally = Tally::new();
    let named = rows
        .into_iter()
        .filter(|row| matches!(row.surface, Surface::File | Surface::Network));
    for row in named {
        add(
            &mut tally,
            row.action.split('+'),
            row.resource.clone(),
            row.outcome,
            row.count,
        );
    }
    tally
}
