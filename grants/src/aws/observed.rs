//! What is known of a key of the request's context, and the note of the keys that an answer hung on.

/// A condition key: as written, and as it is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: Box<str>,
    pub(super) lower: Box<str>,
}

impl Key {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            lower: name.to_lowercase().into(),
        }
    }
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Observed<'r> {
    /// The request has it, with these values.
    Values(&'r [String]),
    /// The request is known not to have it.
    Absent,
    /// Nothing was said of it. `is_absent`: what asks whether the key is there takes it as absent.
    Unlisted { is_absent: bool },
}

/// The keys that made an answer unknown; collects only where somebody asks for them.
#[derive(Debug, Default)]
pub(super) struct Trace<'p> {
    missing: Option<Vec<&'p str>>,
}

impl<'p> Trace<'p> {
    /// One that collects.
    pub(super) fn collecting() -> Self {
        Self {
            missing: Some(Vec::new()),
        }
    }

    pub(super) fn miss(&mut self, key: &'p Key) {
        if let Some(missing) = &mut self.missing {
            missing.push(&key.name);
        }
    }

    /// How many were missed so far; to `forget` what a statement missed that does not matter after all.
    pub(super) fn mark(&self) -> usize {
        self.missing.as_ref().map_or(0, Vec::len)
    }

    pub(super) fn forget(&mut self, mark: usize) {
        if let Some(missing) = &mut self.missing {
            missing.truncate(mark);
        }
    }

    /// The keys, each once however it was written, in order.
    pub(super) fn keys(self) -> Vec<String> {
        let mut keys: Vec<String> = self
            .missing
            .into_iter()
            .flatten()
            .map(str::to_owned)
            .collect();
        keys.sort_by_key(|key| key.to_lowercase());
        keys.dedup_by_key(|key| key.to_lowercase());
        keys
    }
}
