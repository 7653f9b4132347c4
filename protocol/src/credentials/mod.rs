//! Who a key belongs to, from the answers that hand out keys: instance metadata, container credentials, EKS Pod
//! Identity, STS. The answers are full of secrets; what is read here has no place for one, and the bytes are overwritten
//! when the response is dropped. `question` knows such requests, `answer` reads the responses, `arn` names principals.

mod answer;
mod arn;
mod question;
#[cfg(test)]
mod tests;

use crate::http1::{MOST_ANSWER, Request, Response};

pub use arn::{Principal, account_of, is_arn};
pub use question::Question;

/// What an answer says about one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Which key.
    pub key: Key,
    /// Whose it is.
    pub owner: Owner,
}

/// A key that an answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// The one with this id, which it hands out.
    Issued(String),
    /// The one that signed the request.
    Signing,
}

/// Whose a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This principal's.
    Principal(Principal),
    /// A role of this name, in the account that the key belongs to.
    Role(String),
    /// Nobody says whose, only of which account.
    Account(String),
    /// Whoever signed the request.
    Signer,
}

/// How much of a response is wanted: all, where the request asked for keys or names.
#[must_use]
pub fn keep(request: &Request) -> usize {
    Question::of(request).map_or(0, |_| MOST_ANSWER)
}

/// What the response says about a key; None where it says nothing.
#[must_use]
pub fn read(request: &Request, response: &Response) -> Option<Binding> {
    let question = Question::of(request)?;
    if !(200..300).contains(&response.status) || response.is_encoded {
        return None;
    }
    answer::read(&question, response.body.expose())
}
