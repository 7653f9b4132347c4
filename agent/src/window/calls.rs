//! Calls to a cloud in one window, counted, and the endpoints that were talked to.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use crate::model::{Call, Endpoint, Medium, Requested, Subject};

use super::{Added, MOST_USAGES};

/// Most endpoints of one window; those past it are counted with [`OTHERS`].
const MOST_ENDPOINTS: usize = 100_000;
/// What stands for endpoints past the bound.
const OTHERS: &str = "(others)";

/// Who asked a cloud for what, how often, and when, in one window.
#[derive(Clone, Debug)]
pub struct CallUsage {
    /// Who.
    pub subject: Rc<Subject>,
    /// What.
    pub request: Requested,
    /// How often.
    pub count: u64,
    /// First, on `CLOCK_BOOTTIME`.
    pub first_boottime_ns: u64,
    /// Last, on `CLOCK_BOOTTIME`.
    pub last_boottime_ns: u64,
}

/// The calls of one window.
#[derive(Debug, Default)]
pub struct Calls {
    usages: Vec<CallUsage>,
    /// By subject and request.
    index: HashMap<(String, Requested), usize>,
    lost: [u64; Medium::ALL.len()],
    /// By subject and name.
    endpoints: BTreeMap<(String, String), (Rc<Subject>, Endpoint)>,
}

impl Calls {
    /// Adds one call.
    pub fn add(&mut self, subject: Rc<Subject>, call: Call) -> Added {
        let place = (subject.subject_id.clone(), call.request);
        if let Some(index) = self.index.get(&place) {
            let usage = &mut self.usages[*index];
            usage.count += 1;
            usage.first_boottime_ns = usage.first_boottime_ns.min(call.boottime_ns);
            usage.last_boottime_ns = usage.last_boottime_ns.max(call.boottime_ns);
            return Added::Again;
        }
        if self.usages.len() >= MOST_USAGES {
            self.lose(place.1.medium, 1);
            return Added::Refused;
        }
        self.usages.push(CallUsage {
            subject,
            request: place.1.clone(),
            count: 1,
            first_boottime_ns: call.boottime_ns,
            last_boottime_ns: call.boottime_ns,
        });
        self.index.insert(place, self.usages.len() - 1);
        Added::New
    }

    /// Counts calls that cannot be told.
    pub fn lose(&mut self, medium: Medium, calls: u64) {
        self.lost[medium as usize] += calls;
    }

    /// Adds the connections to one endpoint.
    pub fn talked(&mut self, subject: Rc<Subject>, mut endpoint: Endpoint) {
        if self.endpoints.len() >= MOST_ENDPOINTS {
            OTHERS.clone_into(&mut endpoint.name);
            (endpoint.name_source, endpoint.provider) = (None, None);
        }
        let place = (subject.subject_id.clone(), endpoint.name.clone());
        self.endpoints
            .entry(place)
            .and_modify(|(_, known)| known.add(&endpoint))
            .or_insert((subject, endpoint));
    }

    /// All calls, in the order of their first sight.
    #[must_use]
    pub fn usages(&self) -> &[CallUsage] {
        &self.usages
    }

    /// All endpoints.
    pub fn endpoints(&self) -> impl Iterator<Item = (&Rc<Subject>, &Endpoint)> {
        self.endpoints
            .values()
            .map(|(subject, endpoint)| (subject, endpoint))
    }

    /// Calls that were read through a medium.
    #[must_use]
    pub fn recorded(&self, medium: Medium) -> u64 {
        let usages = self.usages.iter();
        let through = usages.filter(|usage| usage.request.medium == medium);
        through.map(|usage| usage.count).sum()
    }

    /// Calls that cannot be told, of a medium.
    #[must_use]
    pub fn lost(&self, medium: Medium) -> u64 {
        self.lost[medium as usize]
    }
}
