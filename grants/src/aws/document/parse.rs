//! JSON to a document, which may be URL-encoded. Every element may be one value or a list.

use super::json::{Json, percent_decode};
use super::statement::Reader;
use super::{Document, DocumentError, MAX_BYTES, MAX_CHARACTERS, Place, Statement};

const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];

impl Document {
    /// Reads a policy document, URL-encoded or not.
    ///
    /// # Errors
    /// It is no policy document, and the error says where and why.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let whole = |problem: String, advice: &str| {
            Err(DocumentError::new(Place::default(), problem, advice))
        };
        if text.len() > MAX_BYTES {
            return whole(
                format!("has {} bytes and {MAX_BYTES} are the most", text.len()),
                "give a single policy document",
            );
        }
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return whole(
                "is empty".to_owned(),
                "give a policy document in JSON, with a Statement",
            );
        }
        let decoded = text
            .starts_with('%')
            .then(|| percent_decode(text))
            .flatten();
        let text = decoded.as_deref().unwrap_or(text);
        match Json::parse(text) {
            Ok(json) => Self::from_json(&json),
            Err(error) => whole(
                format!("is not JSON ({error})"),
                "give a policy document in JSON, with a Statement",
            ),
        }
    }

    /// A document out of JSON that was read already: an object, or a string that holds one.
    pub(in crate::aws) fn from_json(json: &Json) -> Result<Self, DocumentError> {
        let whole = |problem: String| {
            DocumentError::new(
                Place::default(),
                problem,
                "give a policy document: an object with Version and Statement",
            )
        };
        let members = match json {
            Json::Object(members) => members,
            Json::Text(text) if text.trim_start().starts_with(['{', '%']) => {
                return Self::parse(text);
            }
            other => return Err(whole(format!("is {}", other.kind()))),
        };
        let size = size(json);
        if size > MAX_CHARACTERS {
            return Err(whole(format!(
                "has {size} characters, and {MAX_CHARACTERS} are the most"
            )));
        }
        for (name, _) in members {
            if !["Version", "Id", "Statement"].contains(&name.as_str()) {
                return Err(whole(wrong_export(name)));
            }
        }
        let statements = match json.get("Statement") {
            None => return Err(whole("has no Statement".to_owned())),
            Some(Json::List(list)) => list.iter().collect(),
            Some(one) => vec![one],
        };
        let statements: Result<Vec<Statement>, _> = statements
            .into_iter()
            .enumerate()
            .map(|(index, json)| Reader::new(index, json).statement())
            .collect();
        let document = Self {
            version: version(json)?,
            id: optional_text(json, "Id", &Place::default())?,
            statements: statements?,
            size,
        };
        if document.statements.is_empty() {
            return Err(whole("has a Statement list with nothing in it".to_owned()));
        }
        unique_sids(&document)?;
        Ok(document)
    }
}

/// What a file that has `name` at its top seems to be.
fn wrong_export(name: &str) -> String {
    let export = match name {
        "Roles" => "`aws iam list-roles`",
        "Users" => "`aws iam list-users`",
        "Groups" => "`aws iam list-groups`",
        "Policies" => "a list of policies, without their documents",
        "Policy" | "PolicyVersion" | "PolicyDocument" | "RolePolicy" => {
            return format!("holds {name}, with the document inside it");
        }
        "UserDetailList" | "GroupDetailList" | "RoleDetailList" => {
            return "is the export of an account (`aws iam get-account-authorization-details`), and not a policy"
                .to_owned();
        }
        other => return format!("has {other:?}, which no policy document has"),
    };
    format!("is the output of {export}, and holds no policy document")
}

fn version(json: &Json) -> Result<Option<String>, DocumentError> {
    let place = Place {
        field: Some("Version".to_owned()),
        ..Place::default()
    };
    let version = optional_text(json, "Version", &place)?;
    match version.as_deref() {
        Some(other) if !VERSIONS.contains(&other) => Err(DocumentError::new(
            place,
            format!("{other:?} is no version of the policy language"),
            "write \"2012-10-17\"",
        )),
        _ => Ok(version),
    }
}

/// A string that need not be there.
pub(super) fn optional_text(
    json: &Json,
    name: &str,
    place: &Place,
) -> Result<Option<String>, DocumentError> {
    match json.get(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text.clone())),
        Some(other) => {
            let place = Place {
                field: Some(name.to_owned()),
                ..place.clone()
            };
            let problem = format!("is {}", other.kind());
            Err(DocumentError::new(place, problem, "write a string"))
        }
    }
}

fn unique_sids(document: &Document) -> Result<(), DocumentError> {
    let mut seen = std::collections::HashMap::new();
    for (index, statement) in document.statements.iter().enumerate() {
        let Some(sid) = statement.sid.as_deref().filter(|sid| !sid.is_empty()) else {
            continue;
        };
        if let Some(first) = seen.insert(sid, index + 1) {
            let place = Place {
                statement: Some(index + 1),
                sid: Some(sid.to_owned()),
                field: Some("Sid".to_owned()),
            };
            let problem = format!("statement {first} has the same");
            return Err(DocumentError::new(
                place,
                problem,
                "give each statement a Sid of its own, or none",
            ));
        }
    }
    Ok(())
}

/// Characters as AWS counts them: all that the shortest way to write it would have.
fn size(json: &Json) -> usize {
    let text = |text: &str| serde_json::to_string(text).map_or(0, |text| text.chars().count());
    match json {
        Json::Null => 4,
        Json::Bool(value) => value.to_string().len(),
        Json::Number(number) => number.len(),
        Json::Text(value) => text(value),
        Json::List(list) => list.iter().map(size).sum::<usize>() + list.len().max(1) + 1,
        Json::Object(members) => {
            let each = members
                .iter()
                .map(|(name, value)| text(name) + 1 + size(value));
            each.sum::<usize>() + members.len().max(1) + 1
        }
    }
}
