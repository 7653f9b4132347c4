//! Keeping the memory of a recording bounded: who is gone is forgotten. That a full window ends before its time is `run`.

use super::{RecordError, Recorder};

impl Recorder {
    /// Forgets subjects and scripts that nothing names any more, where there are many. The ring has just been read empty, so
    /// that what is forgotten the second time was named by no record in it.
    pub(super) fn forget_the_gone(&mut self) -> Result<(), RecordError> {
        if !self.identities.are_crowded() {
            return Ok(());
        }
        let mut needed = self.probes.remembered()?;
        needed.subjects.extend(self.conversations.subjects());
        self.identities.forget(&needed.subjects, &needed.scripts);
        Ok(())
    }
}
