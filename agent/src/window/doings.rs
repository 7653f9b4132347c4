//! What usages of a window have in common: who acted, what was done and how it ended. A build touches thousands of files in a
//! few ways; each way is here once, and known by its number.

use std::{hash::BuildHasher, rc::Rc};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::model::{Deed, Subject};

/// Who did what, to whatever it was done.
#[derive(Clone, Debug)]
pub struct Doing {
    /// Its number in the window.
    pub number: u32,
    /// Who: the first of its instances that did it.
    pub subject: Rc<Subject>,
    /// What.
    pub deed: Deed,
}

impl Doing {
    fn is(&self, subject: &Rc<Subject>, deed: &Deed) -> bool {
        let is_same =
            Rc::ptr_eq(&self.subject, subject) || self.subject.subject_id == subject.subject_id;
        is_same && self.deed == *deed
    }
}

/// All of a window.
#[derive(Debug, Default)]
pub(super) struct Doings {
    all: Vec<Doing>,
    /// By subject and deed.
    index: HashTable<u32>,
    hasher: RandomState,
    /// The last one: who opens a file mostly opens another one.
    last: usize,
}

impl Doings {
    /// The number of a doing, which is made where it is new; None where it is, and there are `most` already.
    pub(super) fn number(
        &mut self,
        subject: &Rc<Subject>,
        deed: &Deed,
        most: usize,
    ) -> Option<u32> {
        if let Some(last) = self.all.get(self.last)
            && last.is(subject, deed)
        {
            return Some(last.number);
        }
        let number = self.find_or_make(subject, deed, most)?;
        self.last = number as usize;
        Some(number)
    }

    fn find_or_make(&mut self, subject: &Rc<Subject>, deed: &Deed, most: usize) -> Option<u32> {
        let hash = hash(&self.hasher, subject, deed);
        let is_same = |number: &u32| self.all[*number as usize].is(subject, deed);
        if let Some(number) = self.index.find(hash, is_same) {
            return Some(*number);
        }
        if self.all.len() >= most {
            return None;
        }
        let number = u32::try_from(self.all.len()).expect("a window has fewer than 2^32");
        self.all.push(Doing {
            number,
            subject: Rc::clone(subject),
            deed: deed.clone(),
        });
        let (all, hasher) = (&self.all, &self.hasher);
        self.index.insert_unique(hash, number, |number| {
            let doing = &all[*number as usize];
            self::hash(hasher, &doing.subject, &doing.deed)
        });
        Some(number)
    }

    /// The doing of a number that this gave.
    pub(super) fn get(&self, number: u32) -> &Doing {
        &self.all[number as usize]
    }
}

fn hash(hasher: &RandomState, subject: &Subject, deed: &Deed) -> u64 {
    hasher.hash_one((&subject.subject_id, deed))
}
