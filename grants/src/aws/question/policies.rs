//! The policies of a line: `{"identity":[],"boundary":[],"session":[],"scp":[[]],"rcp":[[]],"resource":null}`. Each policy is a
//! document, a string that holds one, or an object with `name` and `document`.

use std::sync::Arc;

use crate::aws::document::Json;
use crate::aws::{Document, DocumentError, Policies, Policy};

const KINDS: [&str; 6] = ["identity", "boundary", "session", "scp", "rcp", "resource"];

/// What is wrong with the policies of a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoliciesError {
    /// Not an object with lists of policies.
    #[error("policies{place} {problem}: {advice}")]
    Shape {
        /// Where, as `.scp[0]`.
        place: String,
        /// What is wrong there.
        problem: String,
        /// What to write.
        advice: &'static str,
    },
    /// A policy is malformed.
    #[error("policies.{policy}: {error}")]
    Policy {
        /// Such as `identity[0]`.
        policy: String,
        /// What is wrong with it.
        error: Box<DocumentError>,
    },
}

type Result<T> = std::result::Result<T, PoliciesError>;

impl Policies {
    /// Reads the policies of a line. A policy without a name is called by its place, `[0]`.
    ///
    /// # Errors
    /// They are not as they should be, or one of them is malformed.
    pub fn parse(text: &str) -> Result<Self> {
        let json = match Json::parse(text) {
            Ok(json) => json,
            Err(error) => return Err(shape("", format!("are not JSON ({error})"), LISTS)),
        };
        match &json {
            Json::Null => return Ok(Self::default()),
            Json::Object(members) => {
                for (name, _) in members {
                    if !KINDS.contains(&name.as_str()) {
                        return Err(shape("", format!("have {name:?}"), LISTS));
                    }
                }
            }
            other => return Err(shape("", format!("are {}", other.kind()), LISTS)),
        }
        let resource = match json.get("resource") {
            None | Some(Json::Null) => None,
            Some(Json::List(list)) if list.is_empty() => None,
            Some(Json::List(list)) if list.len() == 1 => Some(policy("resource", 0, &list[0])?),
            Some(Json::List(_)) => {
                let problem = "has more than one policy".to_owned();
                return Err(shape(".resource", problem, "write one policy, or null"));
            }
            Some(one) => Some(policy("resource", 0, one)?),
        };
        Ok(Self {
            identity: policies("identity", json.get("identity"))?,
            boundary: policies("boundary", json.get("boundary"))?,
            session: policies("session", json.get("session"))?,
            scp: levels("scp", json.get("scp"))?,
            rcp: levels("rcp", json.get("rcp"))?,
            resource: resource.map(|resource| Policy {
                name: resource.name.replace("[0]", ""),
                ..resource
            }),
        })
    }
}

const LISTS: &str =
    "write an object with the lists identity, boundary, session, scp and rcp, and with resource";

fn shape(place: &str, problem: String, advice: &'static str) -> PoliciesError {
    PoliciesError::Shape {
        place: place.to_owned(),
        problem,
        advice,
    }
}

/// A list of policies; one alone counts as a list of it.
fn policies(place: &str, json: Option<&Json>) -> Result<Vec<Policy>> {
    match json {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::List(list)) => {
            let numbered = list.iter().enumerate();
            numbered
                .map(|(number, json)| policy(place, number, json))
                .collect()
        }
        Some(one) => Ok(vec![policy(place, 0, one)?]),
    }
}

/// A list of levels. A list of policies is taken as one level of them.
fn levels(place: &str, json: Option<&Json>) -> Result<Vec<Vec<Policy>>> {
    let list = match json {
        None | Some(Json::Null) => return Ok(Vec::new()),
        Some(Json::List(list)) => list,
        Some(other) => {
            let problem = format!("is {}", other.kind());
            return Err(shape(
                &format!(".{place}"),
                problem,
                "write a list of levels, each a list of policies",
            ));
        }
    };
    if list.iter().any(|level| !matches!(level, Json::List(_))) {
        return Ok(vec![policies(place, json)?]);
    }
    let numbered = list.iter().enumerate();
    let level = |(number, level)| policies(&format!("{place}[{number}]"), Some(level));
    numbered.map(level).collect()
}

fn policy(place: &str, number: usize, json: &Json) -> Result<Policy> {
    let called = format!("[{number}]");
    let (name, document) = match (
        json.get("name"),
        json.get("document").or(json.get("policy")),
    ) {
        (name, Some(document)) => (name.and_then(Json::text), document),
        (_, None) => (None, json),
    };
    let malformed = |error| PoliciesError::Policy {
        policy: match place {
            "resource" => place.to_owned(),
            _ => format!("{place}{called}"),
        },
        error: Box::new(error),
    };
    let document = Document::from_json(document).map_err(malformed)?;
    let fits = match place.split('[').next() {
        Some("resource" | "rcp") => document.check_of_resource(),
        _ => document.check_of_principal(),
    };
    fits.map_err(malformed)?;
    Ok(Policy {
        name: name.map_or(called, str::to_owned),
        document: Arc::new(document),
    })
}
