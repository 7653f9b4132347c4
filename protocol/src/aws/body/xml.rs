//! XML: the text of elements. The root element has no part in a path; a list is an element that repeats.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::Values;

/// Deeper elements are passed over; no path is as long.
const MAX_DEPTH: usize = 32;

/// Whether it was read to its end.
pub(super) fn read(body: &[u8], values: &mut Values<'_>) -> bool {
    let mut reader = Reader::from_reader(body);
    let mut names: Vec<String> = Vec::new();
    let mut depth = 0usize;
    let mut text = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                depth += 1;
                if depth <= MAX_DEPTH {
                    let name = start.local_name();
                    names.push(name.as_ref().to_owned());
                }
                text.clear();
            }
            Ok(Event::Text(part)) => text.push_str(&part),
            Ok(Event::GeneralRef(reference)) => text.push_str(&resolved(&reference)),
            Ok(Event::CData(part)) => text.push_str(&part),
            Ok(Event::End(_)) => {
                if depth <= MAX_DEPTH {
                    found(&names, &text, values);
                    names.pop();
                }
                depth = depth.saturating_sub(1);
                text.clear();
            }
            Ok(Event::Eof) => return depth == 0,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

/// `&amp;`, `&#38;` and their like; others are as they are.
fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(letter)) = reference.resolve_char_ref() {
        return letter.to_string();
    }
    let name: &str = reference.as_ref();
    match quick_xml::escape::resolve_predefined_entity(name) {
        Some(text) => text.to_owned(),
        None => format!("&{name};"),
    }
}

fn found(names: &[String], text: &str, values: &mut Values<'_>) {
    let Some((_, below)) = names.split_first() else {
        return;
    };
    for number in 0..values.paths.len() {
        if is_at(values.paths[number], below) {
            values.keep(number, Cow::Owned(text.to_owned()));
        }
    }
}

fn is_at(path: &str, names: &[String]) -> bool {
    let (anywhere, path) = match path.strip_prefix("**/") {
        Some(rest) => (true, rest),
        None => (false, path),
    };
    let count = path.split('/').count();
    let start = names.len().checked_sub(count);
    start.is_some_and(|start| {
        (anywhere || start == 0) && path.split('/').zip(&names[start..]).all(|(a, b)| a == b)
    })
}
