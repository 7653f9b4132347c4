//! AWS: policy documents (`document`), the export of an account (`account`), control policies (`organization`), the actions that
//! exist (`actions`), and what a set of policies answers to a request (`policy_set`, `request`, `decision`; as text, `question`).
//! `docs/policy-evaluation.md` says which rules are followed, and where they are written.

mod account;
pub mod actions;
mod caller;
mod condition;
mod decision;
mod document;
mod glob;
mod observed;
mod organization;
mod policy_set;
mod question;
mod request;
mod template;
mod truth;

pub use account::{Account, AccountError, Attached, Kind, MAX_EXPORT_BYTES, Principal};
pub use caller::Caller;
pub use decision::{Decision, Layer, StatementId, Verdict};
pub use document::{
    Condition, Document, DocumentError, Effect, MAX_BYTES, MAX_CHARACTERS, Match, MatchPrincipal,
    Place, PrincipalEntry, Statement,
};
pub use policy_set::{Policies, Policy, PolicySet};
pub use question::{PoliciesError, Question, QuestionError};
pub use request::{Context, Request};
