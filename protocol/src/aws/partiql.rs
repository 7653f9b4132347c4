//! `PartiQL`, the statements of `DynamoDB`: the verb names the action, the table after it the resource. The rest of a statement,
//! which may hold data, is not read.

use super::ActionUse;
use super::actions::{self, Context};

const ACTIONS: [&str; 4] = [
    "dynamodb:PartiQLSelect",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PartiQLDelete",
];

/// Adds what the statements at a path of the body need.
pub(super) fn add(context: &Context<'_, '_>, path: usize, uses: &mut Vec<ActionUse>) {
    let mut any = false;
    for statement in context.values.at(path) {
        any = true;
        match parse(statement) {
            Some((action, table)) => {
                let resource = table.map_or_else(|| "*".to_owned(), |table| table.arn(context));
                actions::add(uses, action.to_owned(), vec![resource]);
            }
            None => add_all(uses),
        }
    }
    if !any || !context.values.whole {
        add_all(uses);
    }
}

/// A statement that cannot be read may be any.
fn add_all(uses: &mut Vec<ActionUse>) {
    for action in ACTIONS {
        actions::add(uses, action.to_owned(), Vec::new());
    }
}

struct Table<'s> {
    name: &'s str,
    index: Option<&'s str>,
}

impl Table<'_> {
    fn arn(&self, context: &Context<'_, '_>) -> String {
        let own = if self.name.starts_with("arn:") {
            self.name.to_owned()
        } else {
            format!(
                "arn:{}:dynamodb:{}:{}:table/{}",
                context.partition,
                context.region,
                context.account(),
                self.name
            )
        };
        match self.index {
            Some(index) => format!("{own}/index/{index}"),
            None => own,
        }
    }
}

fn parse(statement: &str) -> Option<(&'static str, Option<Table<'_>>)> {
    let statement = statement.trim_start();
    let (verb, rest) = statement.split_once(char::is_whitespace)?;
    let is = |word: &str| verb.eq_ignore_ascii_case(word);
    if is("SELECT") || is("EXISTS(SELECT") {
        let table = after_word(rest, "FROM").and_then(table);
        return Some((ACTIONS[0], table));
    }
    if is("INSERT") {
        return Some((ACTIONS[1], after_word(rest, "INTO").and_then(table)));
    }
    if is("UPDATE") {
        return Some((ACTIONS[2], table(rest)));
    }
    if is("DELETE") {
        return Some((ACTIONS[3], after_word(rest, "FROM").and_then(table)));
    }
    None
}

/// What follows a word that stands outside of quotes.
fn after_word<'s>(text: &'s str, word: &str) -> Option<&'s str> {
    let mut quote = None;
    let mut start = true;
    for (at, letter) in text.char_indices() {
        match quote {
            Some(open) => {
                if letter == open {
                    quote = None;
                }
            }
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None => {
                let rest = &text[at..];
                let found = rest
                    .get(..word.len())
                    .is_some_and(|here| here.eq_ignore_ascii_case(word));
                let ends = rest
                    .get(word.len()..)
                    .and_then(|after| after.chars().next())
                    .is_some_and(|after| after.is_whitespace() || after == '"');
                if start && found && ends {
                    return Some(&rest[word.len()..]);
                }
            }
        }
        start = quote.is_none() && (letter.is_whitespace() || letter == ')');
    }
    None
}

/// `"table"."index"`, `table`, or an ARN in quotes.
fn table(text: &str) -> Option<Table<'_>> {
    let (name, rest) = identifier(text.trim_start())?;
    let index = rest.strip_prefix('.').and_then(identifier);
    Some(Table {
        name,
        index: index.map(|(index, _)| index),
    })
}

fn identifier(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('"') {
        return rest.split_once('"').filter(|(name, _)| !name.is_empty());
    }
    let end = text
        .find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '-'))
        .unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}
