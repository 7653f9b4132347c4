//! Folders whose path a record has said: the probes send what else is found in them with its name alone, until the window ends.

use foldhash::HashMap;
use whittle_schemas::record::{WALK_BELOW, file::FileBody, says_folder, usage::UsageId};

use super::{DecodeError, Raw, path};

/// The folders of both generations. There are no more of them than places in the kernel's usage map, where each has one.
#[derive(Debug, Default)]
pub(super) struct Folders([HashMap<UsageId, Box<[u8]>>; 2]);

impl Folders {
    /// The path of the folder that a record's name is in, where the record does not say it; empty where it does.
    pub(super) fn above(&self, raw: &Raw<'_>, body: &FileBody) -> Result<&[u8], DecodeError> {
        if body.text.walk_flags & WALK_BELOW == 0 {
            return Ok(&[]);
        }
        let known = self.0[raw.generation()].get(&body.folder);
        known.map(|path| &**path).ok_or(DecodeError::Unsaid)
    }

    /// Remembers the folder of a record that says its path, as `folder::sent` of the probes does.
    pub(super) fn said(&mut self, raw: &Raw<'_>, body: &FileBody, walked: &[u8]) {
        if body.folder == UsageId::NONE || !says_folder(body.text.walk_flags) {
            return;
        }
        let Some(name_end) = memchr::memchr(b'/', walked) else {
            return;
        };
        let path = path::of_folder(&walked[name_end + 1..]);
        self.0[raw.generation()].insert(body.folder, path.into());
    }

    /// Forgets those of a generation.
    pub(super) fn end(&mut self, generation: usize) {
        self.0[generation & 1] = HashMap::default();
    }
}
