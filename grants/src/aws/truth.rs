//! Yes, no, or not to be known from what was observed. The order makes `min` an *and*, and `max` an *or*.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Truth {
    #[default]
    No,
    Unknown,
    Yes,
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

/// Whether any holds; stops at the first that does.
pub(super) fn any(truths: impl Iterator<Item = Truth>) -> Truth {
    let mut found = Truth::No;
    for truth in truths {
        found = found.max(truth);
        if found == Truth::Yes {
            break;
        }
    }
    found
}

/// Whether all hold; stops at the first that does not.
pub(super) fn all(truths: impl Iterator<Item = Truth>) -> Truth {
    !any(truths.map(|truth| !truth))
}
