//! A request and the policies that it is to be held against, as one line of JSON: what `whittle policy evaluate` reads. The policies
//! are handed back as text, so that who asks many questions of the same policies compiles them once; `policies` reads them.

mod policies;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::Json;
use super::{Caller, Context, Request};

pub use policies::PoliciesError;

/// Most values that one key of a context may have.
const MAX_VALUES: usize = 1000;

/// Most bytes of a principal, a resource or a value. ARNs have at most 2,048; headers that become values have at most 8 KB.
const MAX_TEXT_BYTES: usize = 8 << 10;

/// A line.
#[derive(Debug)]
pub struct Question<'a> {
    /// What the asker calls it, as JSON, to be given back; `null` where it has no name.
    pub id: &'a str,
    /// What is asked.
    pub request: Request,
    /// The policies, as JSON; `{}` where there are none. [`super::Policies::parse`] reads them.
    pub policies: &'a str,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// No JSON, or not an object with the fields of a request.
    #[error(
        "is no request ({0}): write an object with principal, action, resource, context and policies"
    )]
    Shape(String),
    /// A field has no value that it can have.
    #[error("{field} {problem}: {advice}")]
    Field {
        /// Its name.
        field: String,
        /// What is wrong with it.
        problem: String,
        /// What to write.
        advice: &'static str,
    },
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    principal: Option<String>,
    action: String,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    resource_account: Option<Json>,
    #[serde(default)]
    context: Option<Json>,
    /// Keys of which it is not known whether the request has them.
    #[serde(default)]
    unobserved: Vec<String>,
    #[serde(borrow, default)]
    policies: Option<&'a RawValue>,
}

impl<'a> Question<'a> {
    /// Reads a line.
    ///
    /// # Errors
    /// It is no request, and the error says why.
    pub fn parse(line: &'a str) -> Result<Self, QuestionError> {
        let shape = |error: serde_json::Error| {
            // Where in the text does not help: it is a single line, whose number the reader says.
            let text = error.to_string();
            let end = text.find(" at line ").unwrap_or(text.len());
            QuestionError::Shape(text[..end].to_owned())
        };
        // What is derived for the fields would take a list of them, too.
        if !line.trim_start().starts_with('{') {
            return Err(QuestionError::Shape("no object".to_owned()));
        }
        let line: Line<'_> = serde_json::from_str(line).map_err(shape)?;
        let wrong = |field: &str, problem: String, advice| QuestionError::Field {
            field: field.to_owned(),
            problem,
            advice,
        };
        if !is_action(&line.action) {
            let problem = format!("is {:?}", line.action);
            return Err(wrong(
                "action",
                problem,
                "write service:Action, without wildcards",
            ));
        }
        let principal = line.principal.as_deref().unwrap_or("*");
        let resource = line.resource.as_deref().unwrap_or("*");
        for (field, text) in [
            ("principal", principal),
            ("action", &*line.action),
            ("resource", resource),
        ] {
            if text.len() > MAX_TEXT_BYTES {
                return Err(wrong(field, too_long(text), "give what a request can have"));
            }
        }
        let mut request = Request::new(&Caller::new(principal), &line.action, resource);
        match &line.resource_account {
            None | Some(Json::Null) => {}
            Some(Json::Text(account) | Json::Number(account)) if is_account(account) => {
                request = request.in_account(account);
            }
            Some(_) => {
                let problem = "is no account".to_owned();
                return Err(wrong(
                    "resource_account",
                    problem,
                    "write its 12 digits as a string",
                ));
            }
        }
        let mut context = context(line.context.as_ref())?;
        for key in &line.unobserved {
            context.set_unobserved(key);
        }
        Ok(Self {
            id: line.id.map_or("null", RawValue::get),
            request: request.with_context(context),
            policies: line.policies.map_or("{}", RawValue::get),
        })
    }
}

fn too_long(text: &str) -> String {
    format!(
        "has {} bytes, and {MAX_TEXT_BYTES} are the most",
        text.len()
    )
}

/// Like `s3:GetObject`.
fn is_action(text: &str) -> bool {
    let named = |(service, name): (&str, &str)| !service.is_empty() && !name.is_empty();
    text.split_once(':').is_some_and(named) && !text.contains(['*', '?', ' '])
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn context(json: Option<&Json>) -> Result<Context, QuestionError> {
    let wrong = |field: String, problem: String| QuestionError::Field {
        field,
        problem,
        advice: "write an object of keys with strings, numbers, booleans, lists of these, or null for a key that is not there",
    };
    let mut context = Context::stated();
    let members = match json {
        None | Some(Json::Null) => return Ok(context),
        Some(Json::Object(members)) => members,
        Some(other) => return Err(wrong("context".to_owned(), format!("is {}", other.kind()))),
    };
    for (key, value) in members {
        let wrong = |problem| wrong(format!("context.{key}"), problem);
        let text = |value: &Json| match value {
            Json::Text(text) if text.len() > MAX_TEXT_BYTES => Err(wrong(too_long(text))),
            Json::Text(text) | Json::Number(text) => Ok(text.clone()),
            Json::Bool(value) => Ok(value.to_string()),
            other => Err(wrong(format!("has {}", other.kind()))),
        };
        match value {
            Json::Null => context.set_absent(key),
            Json::List(list) if list.len() > MAX_VALUES => {
                return Err(wrong(format!(
                    "has {} values, and {MAX_VALUES} are the most",
                    list.len()
                )));
            }
            Json::List(list) => {
                let values: Vec<String> = list.iter().map(text).collect::<Result<_, _>>()?;
                context.set(key, values);
            }
            one => context.set(key, [text(one)?]),
        }
    }
    Ok(context)
}
