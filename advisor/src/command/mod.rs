//! Commands whose work is a pure module of its own: what they read and write is here.

pub mod recommend;
pub mod replay;

use std::path::Path;

use serde::Serialize;
use whittle_schemas::table::Tables;

use crate::data;

/// The tables of a data root, with how many files and windows of it could not be read.
struct Read {
    tables: Tables,
    unread: usize,
}

/// Reads a data root; says on stderr what is wrong with it.
fn read(root: &Path) -> Result<Read, data::Error> {
    let opened = data::open(root)?;
    for sentence in &opened.sentences {
        eprintln!("whittle: {sentence}");
    }
    let rows = data::read(root)?;
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
