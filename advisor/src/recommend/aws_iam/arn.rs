//! Names of resources as patterns of a policy: what stands for itself is escaped, and many of one folder become one.

use std::collections::{BTreeMap, BTreeSet};

use whittle_schemas::document::recommendation::OverGrant;

use crate::history::WindowId;

/// Folders deeper than this are not told apart: what bounds the recursion over names that others chose.
const MOST_FOLDERS: usize = 32;
/// What parts the words of a name.
const BETWEEN_WORDS: [char; 5] = ['/', ':', '-', '_', '.'];

/// A `Resource` of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// As written.
    pub(super) text: String,
    /// How many exact names it stands for.
    pub(super) stands_for: usize,
    /// What else it allows.
    pub(super) also_allows: Option<String>,
    /// When one of these was used.
    pub(super) windows: BTreeSet<WindowId>,
}

impl Pattern {
    pub(super) fn over_grant(&self) -> Option<OverGrant> {
        Some(OverGrant {
            pattern: self.text.clone(),
            stands_for: self.stands_for as u64,
            also_allows: self.also_allows.clone()?,
        })
    }
}

/// Names in use, each with the windows that used it.
pub(super) type Names = BTreeMap<String, BTreeSet<WindowId>>;

/// The patterns for some names: a folder with more than `most` of them becomes one pattern.
pub(super) fn patterns(names: &Names, most: usize) -> Vec<Pattern> {
    let mut by_root: BTreeMap<&str, Vec<(&str, &BTreeSet<WindowId>)>> = BTreeMap::new();
    for (name, windows) in names {
        let (root, rest) = name.split_at(root(name));
        by_root.entry(root).or_default().push((rest, windows));
    }
    let mut patterns = Vec::new();
    for (root, rests) in by_root {
        patterns.extend(folded(root, &rests, most, 0));
    }
    patterns.sort_by(|one, other| one.text.cmp(&other.text));
    patterns
}

/// Length of what no pattern may leave open: a bucket with its slash, else partition, service, region, account and the
/// type of resource.
fn root(name: &str) -> usize {
    let resource = name
        .match_indices(':')
        .nth(4)
        .map_or(name.len(), |(at, _)| at + 1);
    let rest = &name[resource..];
    let of_bucket = name.split(':').nth(2) == Some("s3") && name.split(':').nth(4) == Some("");
    match rest.find(['/', ':']) {
        Some(at) => resource + at + 1,
        // A bucket by itself: buckets of others have names like it.
        None if of_bucket => name.len(),
        None => resource,
    }
}

/// The patterns for names that start with `folder`.
fn folded(
    folder: &str,
    rests: &[(&str, &BTreeSet<WindowId>)],
    most: usize,
    depth: usize,
) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    let mut by_child: BTreeMap<&str, Vec<(&str, &BTreeSet<WindowId>)>> = BTreeMap::new();
    for &(rest, windows) in rests {
        let child = rest.find(['/', ':']).filter(|_| depth < MOST_FOLDERS);
        match child {
            Some(at) => {
                let (child, rest) = rest.split_at(at + 1);
                by_child.entry(child).or_default().push((rest, windows));
            }
            None => patterns.push(exact(&format!("{folder}{rest}"), windows)),
        }
    }
    for (child, rests) in by_child {
        patterns.extend(folded(&format!("{folder}{child}"), &rests, most, depth + 1));
    }
    if patterns.len() > most {
        vec![fold(folder, rests, &patterns)]
    } else {
        patterns
    }
}

fn exact(name: &str, windows: &BTreeSet<WindowId>) -> Pattern {
    let text = pattern(name);
    let also_allows = if text.contains(UNREADABLE) {
        Some("every name with something else where bytes are no text".to_owned())
    } else if text
        .replace("${*}", "")
        .replace("${?}", "")
        .contains(['*', '?'])
    {
        Some(
            "every resource that differs only where * or ? stands: the request did not say"
                .to_owned(),
        )
    } else {
        None
    };
    Pattern {
        text: text.replace(UNREADABLE, "*"),
        stands_for: 1,
        also_allows,
        windows: windows.clone(),
    }
}

/// The letters that AWS adds to the name of a secret.
const LETTERS: &str = "-??????";

/// What a request did not say of its resource, such as the id of what it makes, stands in the ARN as a piece of its own that is
/// `*`; in a secret's ARN also as the letters at its end. These stay wildcards. An asterisk anywhere else is of a name.
fn pattern(name: &str) -> String {
    if is_of_bucket(name) {
        let whole = name
            .strip_suffix("/*")
            .filter(|bucket| !bucket.contains('/'));
        return whole.map_or_else(|| escape(name), |bucket| format!("{}/*", escape(bucket)));
    }
    if name.split(':').nth(2) == Some("secretsmanager")
        && let Some(start) = name.strip_suffix(LETTERS)
    {
        return format!("{}{LETTERS}", escape(start));
    }
    let pieces = name.split_inclusive(['/', ':']).map(|piece| {
        if piece.trim_end_matches(['/', ':']) == "*" {
            piece.to_owned()
        } else {
            escape(piece)
        }
    });
    pieces.collect()
}

/// What `String::from_utf8_lossy` puts where bytes are no text.
const UNREADABLE: char = char::REPLACEMENT_CHARACTER;

fn fold(folder: &str, rests: &[(&str, &BTreeSet<WindowId>)], patterns: &[Pattern]) -> Pattern {
    let start = if is_of_bucket(folder) {
        folder.to_owned()
    } else {
        format!("{folder}{}", common_words(rests))
    };
    let what = if is_of_bucket(folder) {
        "object"
    } else {
        "resource"
    };
    Pattern {
        text: format!("{}*", escape(&start).replace(UNREADABLE, "*")),
        stands_for: rests.len(),
        also_allows: Some(format!(
            "every other {what} whose ARN starts with {start}, now and later"
        )),
        windows: patterns
            .iter()
            .flat_map(|pattern| pattern.windows.clone())
            .collect(),
    }
}

/// Objects go by folder; the names of other resources by the words that all start with.
fn is_of_bucket(name: &str) -> bool {
    name.split(':').nth(2) == Some("s3")
}

fn common_words<'a>(rests: &[(&'a str, &BTreeSet<WindowId>)]) -> &'a str {
    let Some(((first, _), others)) = rests.split_first() else {
        return "";
    };
    let mut common = *first;
    for (other, _) in others {
        let same = common
            .char_indices()
            .zip(other.chars())
            .find(|((_, one), other)| one != other)
            .map(|((at, _), _)| at);
        let end = same.unwrap_or_else(|| common.len().min(other.len()));
        common = &common[..end];
    }
    common.rfind(BETWEEN_WORDS).map_or("", |at| &common[..=at])
}

/// A name as a pattern that matches it alone: `*`, `?` and `${` of a name are written as policy variables.
pub(super) fn escape(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '*' => text.push_str("${*}"),
            '?' => text.push_str("${?}"),
            '$' if rest.peek() == Some(&'{') => text.push_str("${$}"),
            _ => text.push(character),
        }
    }
    text
}

/// Whether a name may be of this kind: `template` is `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.
pub(super) fn fits(template: &str, name: &str) -> bool {
    let mut rest = name;
    let mut literals = template.split("${");
    let Some(after) = literals.next().and_then(|start| rest.strip_prefix(start)) else {
        return false;
    };
    rest = after;
    let pieces: Vec<&str> = literals
        .map(|piece| piece.split_once('}').map_or("", |(_, literal)| literal))
        .collect();
    for (index, literal) in pieces.iter().enumerate() {
        let is_last = index + 1 == pieces.len();
        if is_last && literal.is_empty() {
            return !rest.is_empty();
        }
        let found = if is_last {
            rest.ends_with(literal).then(|| rest.len() - literal.len())
        } else {
            // Regions and accounts may be empty.
            rest.find(literal)
        };
        let Some(at) = found else { return false };
        rest = &rest[at + literal.len()..];
    }
    rest.is_empty()
}
