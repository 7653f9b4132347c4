//! What is wrong with a document, where, and what to do, in one sentence.

use std::fmt;

/// A document that cannot be used. The file is named by who read it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}{problem}: {advice}")]
pub struct DocumentError {
    /// Where in the document.
    pub place: Box<Place>,
    /// What is wrong there.
    pub problem: String,
    /// What to do.
    pub advice: String,
}

impl DocumentError {
    pub(in crate::aws) fn new(
        place: Place,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            place: Box::new(place),
            problem: problem.into(),
            advice: advice.into(),
        }
    }
}

/// A place in a document: a statement, and a field of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1. None: the document as a whole.
    pub statement: Option<usize>,
    /// The statement's name.
    pub sid: Option<String>,
    /// Such as `Action` or `Condition.StringEquals`.
    pub field: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(statement) = self.statement {
            write!(f, "statement {statement}")?;
            if let Some(sid) = &self.sid {
                write!(f, " ({sid})")?;
            }
            f.write_str(", ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        Ok(())
    }
}
