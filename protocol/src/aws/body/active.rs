//! The paths that still lead somewhere, while a tree of maps and lists is walked.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::Values;

/// Paths by number, and what is left of each.
#[derive(Clone)]
pub(super) struct Active(SmallVec<[(usize, &'static str); 8]>);

impl Active {
    pub(super) fn all(values: &Values<'_>) -> Self {
        Self(values.paths.iter().copied().enumerate().collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left of the paths below `key`.
    pub(super) fn below(&self, key: &str) -> Self {
        let mut below = SmallVec::new();
        for (number, path) in &self.0 {
            let (first, rest) = split(path);
            if first == "**" {
                below.push((*number, *path));
                let (next, after) = split(rest);
                if next == key {
                    below.push((*number, after));
                }
            } else if first == key && first != "[]" && !first.is_empty() {
                below.push((*number, rest));
            }
        }
        Self(below)
    }

    /// What is left of the paths in the elements of a list.
    pub(super) fn elements(&self) -> Self {
        let mut below = SmallVec::new();
        for (number, path) in &self.0 {
            match split(path) {
                ("**", _) => below.push((*number, *path)),
                ("[]", rest) => below.push((*number, rest)),
                _ => {}
            }
        }
        Self(below)
    }

    /// Keeps the text that is here.
    pub(super) fn keep<'a>(&self, value: Cow<'a, str>, values: &mut Values<'a>) {
        let mut ends = self.0.iter().filter(|(_, path)| path.is_empty());
        if let Some((number, _)) = ends.next() {
            for (number, _) in ends {
                values.keep(*number, value.clone());
            }
            values.keep(*number, value);
        }
    }

    /// Keeps a key of the map that is here.
    pub(super) fn keep_key(&self, key: &str, values: &mut Values<'_>) {
        for (number, path) in &self.0 {
            if *path == "<key>" {
                values.keep(*number, Cow::Owned(key.to_owned()));
            }
        }
    }
}

fn split(path: &'static str) -> (&'static str, &'static str) {
    path.split_once('/').unwrap_or((path, ""))
}
