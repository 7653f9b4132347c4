//! Statements as documents that fit AWS's limits.

use std::fmt::Write;

use serde::Serialize;
use whittle_schemas::document::recommendation::Proposed;

use super::{Attach, arn::Pattern, statement::Statement};

/// Characters that a managed policy may have.
const MANAGED: usize = 6_144;
/// Managed policies that a role or user takes, by default quota.
const MOST_MANAGED: usize = 10;
/// Characters that all inline policies of a role may have together.
const INLINE: usize = 10_240;

/// The documents with the statements in each, and why they cannot be attached, if so.
pub(super) fn documents(
    statements: &[Statement],
    attach: Attach,
) -> (Vec<(Proposed, Vec<Statement>)>, Option<String>) {
    match attach {
        Attach::Managed => {
            let documents = packed(statements);
            let count = documents.len();
            let over = (count > MOST_MANAGED).then(|| {
                format!("{count} managed policies are needed, and a role takes {MOST_MANAGED}: lower --generalise")
            });
            let name = |index: usize| match count {
                1 => "policy.json".to_owned(),
                _ => format!("policy-{:02}.json", index + 1),
            };
            let documents = documents
                .into_iter()
                .enumerate()
                .map(|(index, statements)| {
                    (proposed(name(index), &statements, MANAGED), statements)
                });
            (documents.collect(), over)
        }
        Attach::Inline if statements.is_empty() => (Vec::new(), None),
        Attach::Inline => {
            let document = proposed("policy.json".to_owned(), statements, INLINE);
            let over = (document.characters > INLINE as u64).then(|| {
                format!(
                    "the policy has {} characters, and all inline policies of a role may have {INLINE}: lower --generalise, or use --attach managed",
                    document.characters
                )
            });
            (vec![(document, statements.to_vec())], over)
        }
    }
}

/// In their order, each document as full as it goes.
fn packed(statements: &[Statement]) -> Vec<Vec<Statement>> {
    let empty = compact(&[]).len();
    let mut documents: Vec<Vec<Statement>> = Vec::new();
    let mut size = usize::MAX;
    for statement in statements
        .iter()
        .flat_map(|whole| cut(whole, &whole.sid, 1))
    {
        // The statement's own characters, and a comma.
        let more = compact(std::slice::from_ref(&statement)).len() - empty + 1;
        match documents.last_mut() {
            Some(last) if size + more <= MANAGED => {
                last.push(statement);
                size += more;
            }
            _ => {
                documents.push(vec![statement]);
                size = empty + more;
            }
        }
    }
    documents
}

/// A statement that is too large for a document by itself is halved, by resources and then by actions.
fn cut(statement: &Statement, sid: &str, part: usize) -> Vec<Statement> {
    if compact(std::slice::from_ref(statement)).len() < MANAGED {
        return vec![statement.clone()];
    }
    let half = |part: usize, actions: &[String], resources: &[Pattern]| Statement {
        sid: format!("{sid}Part{part}"),
        actions: actions.to_vec(),
        resources: resources.to_vec(),
        notes: statement.notes.clone(),
    };
    let (left, right) = if statement.resources.len() > 1 {
        let (left, right) = statement.resources.split_at(statement.resources.len() / 2);
        (
            half(2 * part, &statement.actions, left),
            half(2 * part + 1, &statement.actions, right),
        )
    } else if statement.actions.len() > 1 {
        let (left, right) = statement.actions.split_at(statement.actions.len() / 2);
        (
            half(2 * part, left, &statement.resources),
            half(2 * part + 1, right, &statement.resources),
        )
    } else {
        // One action on one name: as small as it gets.
        return vec![statement.clone()];
    };
    [cut(&left, sid, 2 * part), cut(&right, sid, 2 * part + 1)].concat()
}

fn proposed(name: String, statements: &[Statement], limit: usize) -> Proposed {
    let mut text = ascii(
        serde_json::to_string_pretty(&Json::of(statements))
            .expect("strings and lists are always JSON"),
    );
    text.push('\n');
    Proposed {
        name,
        text,
        characters: compact(statements).len() as u64,
        limit: Some(limit as u64),
    }
}

/// Without white space between its parts. AWS counts no white space at all, so that this is at least what AWS counts.
fn compact(statements: &[Statement]) -> String {
    ascii(serde_json::to_string(&Json::of(statements)).expect("strings and lists are always JSON"))
}

/// AWS refuses characters beyond Latin-1 in a policy, and takes them escaped.
fn ascii(text: String) -> String {
    if text.is_ascii() {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if character.is_ascii() {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(escaped, "\\u{unit:04x}").expect("writing to a String does not fail");
            }
        }
    }
    escaped
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Json<'a> {
    version: &'static str,
    statement: Vec<JsonStatement<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct JsonStatement<'a> {
    sid: &'a str,
    effect: &'static str,
    action: &'a [String],
    resource: Vec<&'a str>,
}

impl<'a> Json<'a> {
    fn of(statements: &'a [Statement]) -> Self {
        let statement = |statement: &'a Statement| JsonStatement {
            sid: &statement.sid,
            effect: "Allow",
            action: &statement.actions,
            resource: statement
                .resources
                .iter()
                .map(|pattern| pattern.text.as_str())
                .collect(),
        };
        Self {
            version: "2012-10-17",
            statement: statements.iter().map(statement).collect(),
        }
    }
}
