//! What is wrong with an export, where, and what to do, in one sentence.

use crate::aws::DocumentError;

/// Why an export cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Not JSON, or not this export.
    #[error("{problem}: give the output of `aws iam get-account-authorization-details`")]
    Export {
        /// What it is instead.
        problem: String,
    },
    /// An entry of a list does not have what it should.
    #[error("{entry}, {field}: {problem}: export the account again")]
    Entry {
        /// The list, and the entry's place in it, from 1, or its name.
        entry: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A policy in it is malformed.
    #[error("{policy}: {error}")]
    Policy {
        /// Whose policy, and its name.
        policy: String,
        /// What is wrong with it.
        error: Box<DocumentError>,
    },
}
