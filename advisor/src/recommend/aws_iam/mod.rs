//! IAM policies: `need` is what was used, `arn` how names become patterns and many become one, `statement` how needs become
//! statements, `document` how statements become documents within AWS's limits.

mod arn;
mod document;
mod need;
mod statement;
#[cfg(test)]
mod tests;

use whittle_schemas::document::recommendation::Part;

use self::{need::Needs, statement::Statement};
use super::{Draft, Options};
use crate::{evidence::watch::Sight, history::History};

/// How policies are attached, which limits their size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attach {
    /// As managed policies, of which a role takes ten.
    Managed,
    /// As one policy inside a role.
    Inline,
}

/// What is done with calls that ask for nothing that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmapped {
    /// Their service is allowed as a whole.
    Service,
    /// They are left out.
    LeaveOut,
}

pub(super) fn draft(history: &History, options: &Options) -> Draft {
    let needs = Needs::of(history, options);
    let statements = statement::statements(&needs, options);
    let (documents, over_limits) = document::documents(&statements, options.attach);
    let mut parts = Vec::new();
    for (document, statements) in &documents {
        parts.extend(
            statements
                .iter()
                .map(|statement| part(&document.name, statement)),
        );
    }
    let grown = statements.iter().flat_map(Statement::windows);
    Draft {
        needs: grown.cloned().collect(),
        parts,
        documents: documents
            .into_iter()
            .map(|(document, _)| document)
            .collect(),
        left_out: needs.left_out,
        holds: needs.holds.into_iter().chain(over_limits).collect(),
        sights: &[Sight::Cloud],
    }
}

fn part(document: &str, statement: &Statement) -> Part {
    let exact = statement
        .resources
        .iter()
        .map(|pattern| pattern.stands_for)
        .sum::<usize>();
    Part {
        document: document.to_owned(),
        name: statement.sid.clone(),
        stands_for: exact as u64,
        over_grants: statement
            .resources
            .iter()
            .filter_map(arn::Pattern::over_grant)
            .collect(),
        notes: statement.notes.clone(),
    }
}
