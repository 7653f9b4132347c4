//! The paths that a Rust file names (`std::fs::read`, also inside of `use std::{fs, io}` and of macros), read from
//! its tokens, so that comments and strings do not count. What is under `#[cfg(test)]` is left out.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Every path in `text`, as segments. An identifier alone is a path of one segment.
pub(crate) fn named(path: &str, text: &str) -> Vec<Vec<String>> {
    let tokens: TokenStream = text
        .parse()
        .unwrap_or_else(|error| panic!("{path} is not Rust: {error}"));
    let mut found = Vec::new();
    walk(tokens, &[], &mut found);
    found
}

/// `prefix` is what stands before a brace, as in `use std::{…}`.
fn walk(tokens: TokenStream, prefix: &[String], found: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_test_only(&tokens[at..]) {
            at = after_item(&tokens, at + 2);
            continue;
        }
        match &tokens[at] {
            TokenTree::Ident(_) => at = path(&tokens, at, prefix, found),
            TokenTree::Group(group) => {
                walk(group.stream(), &[], found);
                at += 1;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => at += 1,
        }
    }
}

/// Reads the path that starts at `at`; gives where it ends.
fn path(
    tokens: &[TokenTree],
    mut at: usize,
    prefix: &[String],
    found: &mut Vec<Vec<String>>,
) -> usize {
    let mut segments = prefix.to_vec();
    while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
        segments.push(ident.to_string());
        at += 1;
        if !is_colon(tokens.get(at)) || !is_colon(tokens.get(at + 1)) {
            break;
        }
        at += 2;
        if let Some(group) = braces(tokens.get(at)) {
            walk(group.stream(), &segments, found);
            return at + 1;
        }
    }
    found.push(segments);
    at
}

fn is_test_only(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(group), ..] = tokens else {
        return false;
    };
    let text = group.stream().to_string().replace(' ', "");
    hash.as_char() == '#' && (text == "cfg(test)" || text.starts_with("cfg(all(test,"))
}

/// Where the item that starts at `at` ends: after its braces, or its semicolon.
fn after_item(tokens: &[TokenTree], at: usize) -> usize {
    let ends = |token: &TokenTree| {
        braces(Some(token)).is_some() || matches!(token, TokenTree::Punct(p) if p.as_char() == ';')
    };
    tokens[at.min(tokens.len())..]
        .iter()
        .position(ends)
        .map_or(tokens.len(), |length| at + length + 1)
}

fn braces(token: Option<&TokenTree>) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => Some(group),
        _ => None,
    }
}

fn is_colon(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
}

#[test]
fn paths_are_found_in_groups_macros_and_bodies_but_not_in_comments_strings_and_tests() {
    let text = r#"
        //! std::hidden::comment
        use std::{fs, io::{self, Read}};
        use crate::model;
        fn f() { let _ = "std::hidden::string"; assert!(std::env::args().len() > 0); }
        #[cfg(test)]
        mod tests { use std::hidden::test; }
        fn g() { Instant::now(); }
    "#;
    let found: Vec<String> = named("a.rs", text)
        .iter()
        .map(|path| path.join("::"))
        .collect();
    for expected in [
        "std::fs",
        "std::io::self",
        "std::io::Read",
        "crate::model",
        "std::env::args",
        "Instant::now",
    ] {
        assert!(
            found.iter().any(|path| path == expected),
            "{expected} is missing from {found:?}"
        );
    }
    assert!(
        !found.iter().any(|path| path.contains("hidden")),
        "{found:?}"
    );
}
