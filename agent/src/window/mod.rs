//! Accesses to usage; pure. A window is one generation of the kernel's usage map: the first access of each
//! kind comes as a record, and how often it was repeated comes when the generation is drained. `calls` counts the calls to a
//! cloud, which all come as they are made.

mod calls;
mod doings;
mod rows;

use std::{collections::BTreeMap, hash::BuildHasher, ops::Range, rc::Rc};

use foldhash::{HashMap, fast::RandomState};
use hashbrown::HashTable;
use whittle_schemas::record::{Family, usage::UsageId};

use crate::model::{Subject, Touch};

use doings::Doings;

pub use calls::{CallUsage, Calls};
pub use doings::Doing;
pub use rows::{
    FamilyCoverage, Frame, call_row, calls_coverage_row, coverage_row, endpoint_row, subject_row,
    usage_row,
};

/// A window that holds so many distinct usages, or kernel keys of them, has to end before its time: it is written, and makes room.
/// A quarter of what the kernel's map of repeats has places for, so that a repeat seldom finds none.
const FULL: usize = 32_768;

/// A window that holds so many gets room for [`ROOM`] at once: growing in steps, it would find a place for each of them anew in
/// each step, in memory that it has not touched before.
const BUSY: usize = 2_048;

/// As many as hash tables of 32,768 places hold.
const ROOM: usize = 28_672;

/// Most distinct usages of one window, and most kernel keys: what is still in the ring when a full window ends must find room.
/// Accesses past it are counted as unresolved.
pub const MOST_USAGES: usize = 262_144;

/// Who did what to what, how often, and when, in one window.
#[derive(Clone, Copy, Debug)]
pub struct Usage<'a> {
    /// Who did what.
    pub doing: &'a Doing,
    /// To what: exact bytes.
    pub resource: &'a [u8],
    /// How often.
    pub count: u64,
    /// First, on `CLOCK_BOOTTIME`.
    pub first_boottime_ns: u64,
    /// Last, on `CLOCK_BOOTTIME`.
    pub last_boottime_ns: u64,
}

/// A [`Usage`] as the window keeps it.
#[derive(Clone, Copy, Debug)]
struct Kept {
    /// Where in `resources` its own begins.
    start: usize,
    bytes: u32,
    /// Number of the [`Doing`].
    doing: u32,
    count: u64,
    first_boottime_ns: u64,
    last_boottime_ns: u64,
}

impl Kept {
    fn resource(&self) -> Range<usize> {
        self.start..self.start + self.bytes as usize
    }
}

/// What repeats of an access count for.
#[derive(Clone, Copy, Debug)]
struct Repeated {
    /// Number in `usages`.
    usage: usize,
    /// The kernel's id of who did it.
    subject: u64,
}

/// What became of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// The window had not seen this usage yet.
    New,
    /// It had.
    Again,
    /// The window is full.
    Refused,
}

/// A subject's instance, and when it acted.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Who.
    pub subject: Rc<Subject>,
    /// First, on `CLOCK_BOOTTIME`.
    pub first_boottime_ns: u64,
    /// Last, on `CLOCK_BOOTTIME`.
    pub last_boottime_ns: u64,
}

/// The usage of one generation.
#[derive(Debug, Default)]
pub struct Window {
    doings: Doings,
    /// What was touched, one behind the other.
    resources: Vec<u8>,
    usages: Vec<Kept>,
    /// By doing and resource: what is looked for is compared where it stands, and copied nowhere.
    index: HashTable<Place>,
    hasher: RandomState,
    /// By the kernel's key, for the repeats.
    keys: HashMap<UsageId, Repeated>,
    /// By the kernel's id: instances of one subject share their usage, and each is a row of its own.
    seen: HashMap<u64, Seen>,
    unresolved: [u64; Family::ALL.len()],
    /// Accesses that were lost, in the kernel or here, by family and subject id, where that is known.
    lost_by: BTreeMap<(Family, String), u64>,
    arrived: [u64; Family::ALL.len()],
    /// Accesses that came as records; the others are repeats.
    sent: u64,
    /// Calls to a cloud, and the endpoints that were talked to.
    pub calls: Calls,
}

/// Where a usage is, and half of its hash, so that a table that grows makes none again.
#[derive(Clone, Copy, Debug)]
struct Place {
    part: u32,
    /// Its number in `usages`.
    usage: u32,
}

impl Place {
    /// The half of a hash that is kept.
    fn part(hash: u64) -> u32 {
        u32::try_from(hash >> 32).expect("half of the bits are left")
    }

    /// What the table finds a place with: its lowest bits and its highest ones.
    fn hash(part: u32) -> u64 {
        u64::from(part) << 32 | u64::from(part)
    }
}

impl Window {
    /// Adds one access of a subject, and gives the usage that it is part of; None where the window is full.
    pub fn add(&mut self, subject: &Rc<Subject>, touch: &Touch<'_>) -> Option<Usage<'_>> {
        self.sent += 1;
        let deed = &touch.deed;
        let place = self.doings.number(subject, deed, MOST_USAGES);
        let place =
            place.and_then(|doing| self.place_of(doing, &touch.resource, touch.boottime_ns));
        let Some(index) = place else {
            self.lose(deed.family, 1);
            self.lost_by(deed.family, subject, 1);
            return None;
        };
        let subject_id = touch.key.subject;
        self.see(subject, subject_id, touch.boottime_ns);
        if self.keys.len() < MOST_USAGES {
            // Without its key the repeats are counted as unresolved.
            let of = Repeated {
                usage: index,
                subject: subject_id,
            };
            self.keys.insert(touch.key.id, of);
        }
        let usage = &mut self.usages[index];
        usage.count += 1;
        usage.first_boottime_ns = usage.first_boottime_ns.min(touch.boottime_ns);
        usage.last_boottime_ns = usage.last_boottime_ns.max(touch.boottime_ns);
        Some(self.usage(&self.usages[index]))
    }

    /// The number of a usage, which is made where it is new; None where it is, and the window is full.
    fn place_of(&mut self, doing: u32, resource: &[u8], boottime_ns: u64) -> Option<usize> {
        let hash = self.hasher.hash_one((doing, resource));
        let part = Place::part(hash);
        let is_same = |place: &Place| {
            let usage = &self.usages[place.usage as usize];
            place.part == part
                && usage.doing == doing
                && self.resources[usage.resource()] == *resource
        };
        if let Some(place) = self.index.find(Place::hash(part), is_same) {
            return Some(place.usage as usize);
        }
        let index = self.usages.len();
        if index == BUSY {
            self.make_room();
        }
        if index >= MOST_USAGES {
            return None;
        }
        let usage = u32::try_from(index).expect("a window has fewer than 2^32");
        let hash = |place: &Place| Place::hash(place.part);
        self.index
            .insert_unique(Place::hash(part), Place { part, usage }, hash);
        self.usages.push(Kept {
            start: self.resources.len(),
            bytes: u32::try_from(resource.len()).expect("a record is far below 4 GiB"),
            doing,
            count: 0,
            first_boottime_ns: boottime_ns,
            last_boottime_ns: boottime_ns,
        });
        self.resources.extend_from_slice(resource);
        Some(index)
    }

    fn make_room(&mut self) {
        self.usages.reserve(ROOM.saturating_sub(self.usages.len()));
        let hash = |place: &Place| Place::hash(place.part);
        self.index
            .reserve(ROOM.saturating_sub(self.index.len()), hash);
        self.keys.reserve(ROOM.saturating_sub(self.keys.len()));
    }

    /// Whether the window has to end now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.usages.len() >= FULL || self.keys.len() >= FULL || self.calls.usages().len() >= FULL
    }

    fn see(&mut self, subject: &Rc<Subject>, id: u64, boottime_ns: u64) {
        if self.seen.len() >= MOST_USAGES && !self.seen.contains_key(&id) {
            // The subject has a row of an earlier instance: else its first access here were a new usage.
            return;
        }
        let seen = self.seen.entry(id).or_insert_with(|| Seen {
            subject: Rc::clone(subject),
            first_boottime_ns: boottime_ns,
            last_boottime_ns: boottime_ns,
        });
        seen.first_boottime_ns = seen.first_boottime_ns.min(boottime_ns);
        seen.last_boottime_ns = seen.last_boottime_ns.max(boottime_ns);
    }

    /// Adds the repeats of an access that came before. Those of an unknown one are counted as unresolved, and may be anybody's.
    pub fn repeat(&mut self, id: UsageId, repeats: u64, last_boottime_ns: u64) {
        if repeats == 0 {
            return;
        }
        let Some(of) = self.keys.get(&id) else {
            if let Some(family) = id.family() {
                self.lose(family, repeats);
            }
            return;
        };
        let usage = &mut self.usages[of.usage];
        usage.count += repeats;
        usage.last_boottime_ns = usage.last_boottime_ns.max(last_boottime_ns);
        if let Some(seen) = self.seen.get_mut(&of.subject) {
            seen.last_boottime_ns = seen.last_boottime_ns.max(last_boottime_ns);
        }
    }

    /// Says that so many of the accesses that were lost were this subject's.
    pub fn lost_by(&mut self, family: Family, subject: &Subject, accesses: u64) {
        let place = (family, subject.subject_id.clone());
        *self.lost_by.entry(place).or_default() += accesses;
    }

    /// Subjects that lost accesses of a family, and how many.
    pub fn losers(&self, family: Family) -> impl Iterator<Item = (&str, u64)> {
        let of_family = (family, String::new())..;
        let entries = self.lost_by.range(of_family);
        entries
            .take_while(move |((other, _), _)| *other == family)
            .map(|((_, subject), accesses)| (subject.as_str(), *accesses))
    }

    /// Counts accesses of which it cannot be told what they were.
    pub fn lose(&mut self, family: Family, accesses: u64) {
        self.unresolved[family as usize] += accesses;
    }

    /// Accesses of a family of which it cannot be told what they were.
    #[must_use]
    pub fn unresolved(&self, family: Family) -> u64 {
        self.unresolved[family as usize]
    }

    /// Counts a record that is no access itself, such as a part of a conversation.
    pub fn arrive(&mut self, family: Family) {
        self.arrived[family as usize] += 1;
    }

    /// Accesses of a family that are in the window, and records of it that arrived.
    #[must_use]
    pub fn recorded(&self, family: Family) -> u64 {
        let accesses = self
            .usages()
            .filter(|usage| usage.doing.deed.family == family)
            .map(|usage| usage.count);
        self.arrived[family as usize] + accesses.sum::<u64>()
    }

    /// Accesses that came through the ring, one by one.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Everybody who acted.
    pub fn seen(&self) -> impl Iterator<Item = &Seen> {
        self.seen.values()
    }

    /// All usage, in the order of its first sight.
    pub fn usages(&self) -> impl Iterator<Item = Usage<'_>> {
        self.usages.iter().map(|usage| self.usage(usage))
    }

    /// The same, in stretches of one [`Doing`] each, which differ in nothing but what was touched, how often and when.
    pub fn alike(&self) -> impl Iterator<Item = impl Iterator<Item = Usage<'_>> + Clone> {
        let alike = self.usages.chunk_by(|one, other| one.doing == other.doing);
        alike.map(|usages| usages.iter().map(|usage| self.usage(usage)))
    }

    fn usage(&self, kept: &Kept) -> Usage<'_> {
        Usage {
            doing: self.doings.get(kept.doing),
            resource: &self.resources[kept.resource()],
            count: kept.count,
            first_boottime_ns: kept.first_boottime_ns,
            last_boottime_ns: kept.last_boottime_ns,
        }
    }
}

#[cfg(test)]
mod tests;
