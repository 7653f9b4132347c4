//! An access on its way through a probe: counted as seen at its beginning, and as lost where it ends so.

use whittle_schemas::record::{Family, counter::Reason, process::Task, usage::UsageKey};

use crate::{
    count, loss,
    subject::watched,
    usage::{self, Generation},
};

/// An access as it reaches a probe: in which generation and family it counts, and whose it is.
#[derive(Clone, Copy)]
pub(crate) struct Sighting {
    pub(crate) generation: Generation,
    pub(crate) family: Family,
    pub(crate) task: *mut Task,
}

impl Sighting {
    /// Counts an access of the running task as seen; None where nobody watches it.
    #[inline(always)]
    pub(crate) fn of(family: Family) -> Option<Self> {
        Some(Self::by(watched()?, family))
    }

    /// As [`Self::of`], where the hook has found the watched process already.
    #[inline(always)]
    pub(crate) fn by(task: *mut Task, family: Family) -> Self {
        let sighting = Self {
            generation: Generation::now(),
            family,
            task,
        };
        sighting.count(Reason::Seen);
        sighting
    }

    /// One more access in the same moment, such as the script beside its interpreter.
    #[inline(always)]
    pub(crate) fn again(self) -> Self {
        self.count(Reason::Seen);
        self
    }

    #[inline(always)]
    pub(crate) fn count(self, reason: Reason) {
        count::up(self.generation, self.family, reason);
    }

    /// As [`Self::count`], for several at once.
    #[inline(always)]
    pub(crate) fn count_by(self, reason: Reason, amount: u64) {
        count::up_by(self.generation, self.family, reason, amount);
    }

    /// Counts the access as lost, where it was, by the running process.
    #[inline(always)]
    pub(crate) fn ended(self, result: Result<(), Reason>) {
        self.ended_by(loss::RUNNING, result);
    }

    /// As [`Self::ended`], by this subject.
    #[inline(always)]
    pub(crate) fn ended_by(self, subject: u64, result: Result<(), Reason>) {
        if let Err(reason) = result {
            self.count(reason);
            loss::mark(self, subject, 1);
        }
    }

    /// Generation and family in one number, as one global function passes them to another.
    #[inline(always)]
    pub(crate) fn packed(self) -> u32 {
        self.generation.number() | ((self.family as u32) << 8)
    }

    /// What [`Self::packed`] packed, but for the process.
    #[inline(always)]
    pub(crate) fn unpacked(number: u32) -> Self {
        let family = match (number >> 8) & 0xff {
            0 => Family::Process,
            1 => Family::File,
            2 => Family::Socket,
            3 => Family::Payload,
            4 => Family::Capability,
            5 => Family::Syscall,
            _ => Family::Privilege,
        };
        Self {
            generation: Generation::of_number(number),
            family,
            task: core::ptr::null_mut(),
        }
    }

    /// The key of an access to an object of four words.
    #[inline(always)]
    pub(crate) fn key(self, subject: u64, action: u16, errno: i32, object: [u64; 4]) -> UsageKey {
        let [one, two, three, four] = object;
        let words = [subject, usage::ended(action, errno), one, two, three, four];
        self.key_of(subject, action, errno, words)
    }

    /// As [`Self::key`], where the object is three words.
    #[inline(always)]
    pub(crate) fn key_of_file(
        self,
        subject: u64,
        action: u16,
        errno: i32,
        object: [u64; 3],
    ) -> UsageKey {
        let [one, two, three] = object;
        let words = [subject, usage::ended(action, errno), one, two, three];
        self.key_of(subject, action, errno, words)
    }

    /// As [`Self::key`], where the object is one word.
    #[inline(always)]
    pub(crate) fn key_of_number(
        self,
        subject: u64,
        action: u16,
        errno: i32,
        object: u64,
    ) -> UsageKey {
        let words = [subject, usage::ended(action, errno), object];
        self.key_of(subject, action, errno, words)
    }

    #[inline(always)]
    fn key_of<const COUNT: usize>(
        self,
        subject: u64,
        action: u16,
        errno: i32,
        words: [u64; COUNT],
    ) -> UsageKey {
        UsageKey {
            subject,
            id: usage::id(self.family, words),
            action,
            family: self.family as u8,
            pad: 0,
            errno,
        }
    }
}
