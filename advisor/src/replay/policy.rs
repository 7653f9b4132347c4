//! Policy files, told apart by what is in them.

use serde_json::Value;
use whittle_grants::aws::DocumentError;

use super::{Answer, aws, seccomp, security_context};
use crate::history::{Access, History};

/// Most bytes of a file that is not an IAM policy (those have a bound of their own): a pod has less than etcd's 1.5 MiB.
const MAX_BYTES: usize = 2 << 20;

/// Proposed policies of all kinds.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    names: Vec<String>,
    aws: Option<aws::Policies>,
    seccomp: Vec<(String, seccomp::Profile)>,
    contexts: Vec<(String, security_context::Context)>,
}

/// Why a file is no policy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An IAM policy that is malformed.
    #[error("{name}: {error}")]
    Aws {
        /// The file.
        name: String,
        /// What is wrong.
        error: DocumentError,
    },
    /// Neither JSON nor YAML.
    #[error(
        "{name} is neither JSON nor YAML ({error}): give an IAM policy, a seccomp profile or a pod's YAML"
    )]
    Syntax {
        /// The file.
        name: String,
        /// What the parser said, on one line.
        error: String,
    },
    /// Something else.
    #[error(
        "{name} is no policy that can be replayed, for it has none of Statement, defaultAction and securityContext: give an IAM policy, a seccomp profile or a pod's YAML"
    )]
    Kind {
        /// The file.
        name: String,
    },
    /// A part of it is not what it has to be.
    #[error("{name}: {problem}")]
    Part {
        /// The file.
        name: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Too large.
    #[error(
        "{name} has {bytes} bytes, and a policy of more than {MAX_BYTES} is none: check the file"
    )]
    Size {
        /// The file.
        name: String,
        /// Its size.
        bytes: usize,
    },
}

impl Policies {
    /// Reads files, given as name and text.
    ///
    /// # Errors
    /// One of them is no policy.
    pub fn parse(files: &[(String, String)]) -> Result<Self, Box<Error>> {
        let mut policies = Self::default();
        let mut documents = Vec::new();
        for (name, text) in files {
            policies.names.push(name.clone());
            let name = name.clone();
            if text.len() > MAX_BYTES {
                let bytes = text.len();
                return Err(Box::new(Error::Size { name, bytes }));
            }
            let value = value(&name, text)?;
            if value.get("Statement").is_some() || is_encoded(text) {
                documents.push((name, text.as_str()));
            } else if value.get("defaultAction").is_some() {
                let profile = seccomp::Profile::of(&value);
                let profile = profile.map_err(|problem| Box::new(part(&name, problem)))?;
                policies.seccomp.push((name, profile));
            } else if let Some(context) = security_context::Context::of(&value) {
                let context = context.map_err(|problem| Box::new(part(&name, problem)))?;
                policies.contexts.push((name, context));
            } else {
                return Err(Box::new(Error::Kind { name }));
            }
        }
        if !documents.is_empty() {
            policies.aws = Some(aws::Policies::parse(&documents)?);
        }
        Ok(policies)
    }

    /// Names of the files.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether one of them is about cloud calls.
    #[must_use]
    pub fn is_for_cloud(&self) -> bool {
        self.aws.is_some()
    }

    /// Whether one of them is about what happens on a host.
    #[must_use]
    pub fn is_for_host(&self) -> bool {
        !self.seccomp.is_empty() || !self.contexts.is_empty()
    }

    /// Ready to answer for the accesses of one history.
    pub(super) fn for_history<'a>(&'a self, history: &'a History) -> Runner<'a> {
        Runner {
            policies: self,
            history,
        }
    }
}

/// Answers for the accesses of one history.
pub(super) struct Runner<'a> {
    policies: &'a Policies,
    history: &'a History,
}

impl Runner<'_> {
    /// The strictest of what the policies answer.
    pub(super) fn answer(&self, access: &Access) -> Answer {
        let aws = self.policies.aws.iter().map(|aws| aws.answer(access));
        let seccomp = self
            .policies
            .seccomp
            .iter()
            .map(|(name, profile)| profile.answer(name, access));
        let contexts = self
            .policies
            .contexts
            .iter()
            .map(|(name, context)| context.answer(name, access, self.history));
        aws.chain(seccomp)
            .chain(contexts)
            .max_by_key(strictness)
            .unwrap_or(Answer::NotAsked)
    }
}

fn strictness(answer: &Answer) -> u8 {
    match answer {
        Answer::NotAsked => 0,
        Answer::Allowed(_) => 1,
        Answer::NotReplayed(_) => 2,
        Answer::Depends(..) => 3,
        Answer::Denied(_) => 4,
    }
}

fn part(name: &str, problem: String) -> Error {
    Error::Part {
        name: name.to_owned(),
        problem,
    }
}

/// JSON is YAML too, but a JSON parser says better what is wrong with JSON. The YAML parser bounds what aliases expand to.
fn value(name: &str, text: &str) -> Result<Value, Box<Error>> {
    let syntax = |error: String| {
        Box::new(Error::Syntax {
            name: name.to_owned(),
            error: error.lines().next().unwrap_or_default().to_owned(),
        })
    };
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| syntax(error.to_string()));
    }
    if is_encoded(text) {
        return Ok(Value::Null);
    }
    serde_saphyr::from_str(text).map_err(|error| syntax(error.to_string()))
}

/// AWS's own interfaces give policies percent-encoded.
fn is_encoded(text: &str) -> bool {
    text.trim_start().starts_with("%7B")
}
