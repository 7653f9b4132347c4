//! Control policies of an organization, as they lie in a folder: a document, or what `aws organizations describe-policy` prints.

use std::sync::Arc;

use super::document::Json;
use super::{Document, DocumentError, Policy};

impl Policy {
    /// Reads a file of a folder of service or resource control policies; `name` is the file's, without its ending.
    ///
    /// # Errors
    /// It is neither form, or the document in it is malformed.
    pub fn parse_control(name: &str, text: &str) -> Result<Self, DocumentError> {
        let described = Json::parse(text).ok();
        let policy = described.as_ref().and_then(|json| json.get("Policy"));
        let content = policy.and_then(|policy| policy.get("Content"));
        let called = policy.and_then(|policy| policy.get("PolicySummary")?.get("Name")?.text());
        let document = match content {
            Some(content) => Document::from_json(content)?,
            None => Document::parse(text)?,
        };
        Ok(Self {
            name: called.unwrap_or(name).to_owned(),
            document: Arc::new(document),
        })
    }
}
