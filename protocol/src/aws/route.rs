//! The paths of REST operations as a tree of segments: a request's path leads to all operations that it may be of.

use foldhash::HashMap;
use smallvec::SmallVec;

use super::table::Ids;
use super::uri::{Segment, decoded};

/// No path leads to more in the table; what a hostile one could do is bounded all the same.
const MAX_FOUND: usize = 64;

pub(super) type Candidates = SmallVec<[u32; 16]>;

#[derive(Default)]
pub(super) struct Routes {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    literals: HashMap<&'static str, usize>,
    label: Option<usize>,
    /// Operations with a label here that takes several segments, and what comes after it.
    greedy: Vec<(u32, &'static str)>,
    ends: Ids,
}

impl Routes {
    pub(super) fn add(&mut self, path: &'static str, operation: u32) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        let mut rest = path.trim_matches('/');
        while !rest.is_empty() {
            let (segment, after) = rest.split_once('/').unwrap_or((rest, ""));
            if segment.ends_with("+}") {
                self.nodes[at].greedy.push((operation, after));
                return;
            }
            let fresh = self.nodes.len();
            let node = &mut self.nodes[at];
            let next = if segment.starts_with('{') {
                *node.label.get_or_insert(fresh)
            } else {
                *node.literals.entry(segment).or_insert(fresh)
            };
            if next == fresh {
                self.nodes.push(Node::default());
            }
            at = next;
            rest = after;
        }
        self.nodes[at].ends.push(operation);
    }

    /// All operations whose path this can be.
    pub(super) fn find(&self, segments: &[Segment<'_>]) -> Candidates {
        let mut found = Candidates::new();
        if !self.nodes.is_empty() {
            self.walk(0, segments, &mut found);
        }
        found
    }

    fn walk(&self, at: usize, segments: &[Segment<'_>], found: &mut Candidates) {
        let node = &self.nodes[at];
        let Some((first, rest)) = segments.split_first() else {
            found.extend(node.ends.iter().copied());
            return;
        };
        if found.len() > MAX_FOUND {
            return;
        }
        if let Some(next) = literal(node, first.text) {
            self.walk(next, rest, found);
        }
        if let Some(next) = node.label
            && !first.text.is_empty()
        {
            self.walk(next, rest, found);
        }
        for (operation, after) in &node.greedy {
            if ends_with(segments, after) {
                found.push(*operation);
            }
        }
    }
}

fn literal(node: &Node, text: &str) -> Option<usize> {
    match node.literals.get(text) {
        Some(next) => Some(*next),
        None if text.contains('%') => node.literals.get(decoded(text).as_ref()).copied(),
        None => None,
    }
}

/// Whether the segments are at least one and then those of `after`.
fn ends_with(segments: &[Segment<'_>], after: &str) -> bool {
    if after.is_empty() {
        return true;
    }
    let count = after.split('/').count();
    segments.len() > count
        && segments[segments.len() - count..]
            .iter()
            .zip(after.split('/'))
            .all(|(segment, literal)| segment.text == literal)
}

/// The value of a label, as sent: `path` is the operation's, `segments` are the request's.
pub(super) fn label<'a>(path: &str, segments: &[Segment<'a>], name: &str) -> Option<&'a str> {
    for (at, part) in path.trim_matches('/').split('/').enumerate() {
        let Some(found) = part
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        else {
            continue;
        };
        let segment = segments.get(at)?;
        match found.strip_suffix('+') {
            Some(greedy) if greedy == name => {
                let after = path.trim_matches('/').split('/').skip(at + 1);
                let tail: usize = after.map(|part| part.len() + 1).sum();
                return segment.rest.get(..segment.rest.len().checked_sub(tail)?);
            }
            // What comes after a label of several segments is literal.
            Some(_) => return None,
            None if found == name => return Some(segment.text),
            None => {}
        }
    }
    None
}
