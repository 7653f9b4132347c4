//! Bytes that may hold secrets: heads, bodies, answers. They are read in place, shown as a length alone, and overwritten
//! when they are dropped.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// Bytes that nothing shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden(Zeroizing<Vec<u8>>);

impl Hidden {
    /// The bytes, for the parser that has to read them. What it takes out must be no secret.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds bytes. Where they take more room, the place that they were in is overwritten.
    pub fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            let mut roomy = Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2)));
            roomy.extend_from_slice(&self.0);
            // The old place is dropped here, and overwritten by that.
            self.0 = Zeroizing::new(roomy);
        }
        self.0.extend_from_slice(bytes);
    }

    /// Overwrites and forgets all.
    pub fn clear(&mut self) {
        self.0.zeroize();
    }
}

impl From<&[u8]> for Hidden {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hidden({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_kept_and_not_shown() {
        let mut hidden = Hidden::default();
        for byte in b"planted-secret" {
            hidden.push(&[*byte]);
        }
        assert_eq!(hidden.expose(), b"planted-secret");
        assert_eq!(format!("{hidden:?}"), "Hidden(14 bytes)");
        hidden.clear();
        assert!(hidden.is_empty());
    }
}
