//! The closed vocabularies of the tables: columns that hold one of a few words.

use serde::{Deserialize, Serialize};

/// A word of a closed vocabulary.
pub trait Word: Copy + 'static {
    /// All words, in the order in which they are shown.
    const ALL: &'static [Self];

    /// The word as tables and messages have it.
    fn as_str(&self) -> &'static str;

    /// The word that is written so; None for one that this version does not know.
    #[must_use]
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.as_str() == text)
    }
}

macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $( $(#[doc = $word_doc:literal])+ $variant:ident = $text:literal, )+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $( $(#[doc = $word_doc])+ #[serde(rename = $text)] $variant, )+
        }

        impl Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn as_str(&self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// The kind of thing that was touched.
    Surface {
        /// Files, folders and devices, by path; programs that were executed too.
        File = "file",
        /// Addresses and Unix sockets.
        Network = "network",
        /// Calls to a cloud provider.
        Cloud = "cloud",
        /// Calls to a Kubernetes API server.
        Kubernetes = "kubernetes",
        /// Linux capabilities.
        Capability = "capability",
        /// System calls.
        Syscall = "syscall",
        /// Privileged acts: other processes traced, BPF, modules, keys, namespaces, signals to other users.
        Privilege = "privilege",
        /// Secrets and keys.
        Credential = "credential",
    }
}

words! {
    /// How an access ended.
    Outcome {
        /// It was let through.
        Allowed = "allowed",
        /// Permission was refused: `EACCES`, `EPERM`, `EROFS`, HTTP 401 or 403.
        Denied = "denied",
        /// It ended with any other error, such as a file that is not there.
        Failed = "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_from_its_text() {
        for surface in Surface::ALL {
            assert_eq!(Surface::parse(surface.as_str()), Some(*surface));
        }
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.as_str()), Some(*outcome));
        }
        assert_eq!(Outcome::parse("Denied"), None);
    }
}
