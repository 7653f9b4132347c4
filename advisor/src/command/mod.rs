//! Commands whose work is a pure module of its own: what they read and write is here.

pub mod recommend;
pub mod replay;

use std::path::Path;

use serde::Serialize;
use whittle_schemas::table::{Tables, UsageRow};

use crate::{data, history::is_principal};

/// The tables of a data root, with how many files and windows of it could not be read.
struct Read {
    tables: Tables,
    unread: usize,
}

/// Reads a data root; says on stderr what is wrong with it. What the user says of keys holds, whatever was observed.
fn read(root: &Path, principal_of: &[(String, String)]) -> Result<Read, data::Error> {
    let opened = data::open(root)?;
    for sentence in &opened.sentences {
        eprintln!("whittle: {sentence}");
    }
    let mut rows = data::read(root)?;
    for (key, principal) in principal_of {
        let of_key = |row: &&mut UsageRow| {
            row.access_key_id.as_ref() == Some(key) || row.principal.as_ref() == Some(key)
        };
        for row in rows.tables.usage.iter_mut().filter(of_key) {
            row.principal = Some(principal.clone());
        }
    }
    if let Some(sentence) = data::damage_sentence(&rows.damaged, rows.files) {
        eprintln!("whittle: {sentence}");
    }
    Ok(Read {
        unread: rows.damaged.len() + opened.unrecovered,
        tables: rows.tables,
    })
}

/// An answer for programs, ended by a newline.
fn json(answer: &impl Serialize) -> String {
    let mut text =
        serde_json::to_string_pretty(answer).expect("text keys and plain values are always JSON");
    text.push('\n');
    text
}

/// `KEY=ARN`, as `--principal-of` takes it.
fn key_and_principal(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, arn)) if !key.is_empty() && is_principal(arn) => {
            Ok((key.to_owned(), arn.to_owned()))
        }
        _ => Err(
            "write the access key id, =, and the ARN of the role or user that it belongs to"
                .to_owned(),
        ),
    }
}
