//! An access as the spool keeps it: borrowed from the window while it is written, for one stands there for each first
//! sight, and a row of `usage` once it is recovered.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};
use whittle_schemas::{
    record::Family,
    table::{Outcome, Surface, UsageRow},
};

use super::Place;
use crate::model::{Deed, Subject};

/// One access. What all accesses of a spool share is in its first frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Touched<'a> {
    subject_id: Cow<'a, str>,
    surface: Surface,
    action: Cow<'a, str>,
    #[serde(serialize_with = "in_one_piece")]
    resource: Cow<'a, [u8]>,
    detail: Option<Cow<'a, str>>,
    outcome: Outcome,
    error: Option<Cow<'a, str>>,
    /// Number of the [`Family`].
    family: u8,
    backend: Cow<'a, str>,
    /// In microseconds UTC.
    at_us: i64,
}

impl<'a> Touched<'a> {
    /// What a subject did to a resource at a time, in microseconds UTC; `backend` saw it.
    #[must_use]
    pub fn new(
        subject: &'a Subject,
        deed: &'a Deed,
        resource: &'a [u8],
        backend: &'a str,
        at_us: i64,
    ) -> Self {
        Self {
            subject_id: Cow::Borrowed(&subject.subject_id),
            surface: deed.surface,
            action: Cow::Borrowed(&deed.action),
            resource: Cow::Borrowed(resource),
            detail: deed.detail.as_deref().map(Cow::Borrowed),
            outcome: deed.outcome,
            error: deed.error.map(Cow::Borrowed),
            family: deed.family as u8,
            backend: Cow::Borrowed(backend),
            at_us,
        }
    }

    /// The row of a window that is not known yet.
    pub(super) fn into_row(self, place: &Place) -> UsageRow {
        UsageRow {
            window_start_us: 0,
            window_end_us: 0,
            cluster: place.cluster.clone(),
            node: place.node.clone(),
            subject_id: self.subject_id.into_owned(),
            principal: None,
            surface: self.surface,
            action: self.action.into_owned(),
            resource: self.resource.into_owned(),
            resource_detail: self.detail.map(Cow::into_owned),
            outcome: self.outcome,
            error: self.error.map(Cow::into_owned),
            count: 1,
            first_seen_us: self.at_us,
            last_seen_us: self.at_us,
            source: format!("{}/{}", name(self.family), self.backend),
            operation: None,
            endpoint: None,
            region: None,
            account: None,
            access_key_id: None,
        }
    }
}

/// An access that differs from an earlier one in nothing but what was touched and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Like<'a> {
    #[serde(serialize_with = "in_one_piece")]
    resource: Cow<'a, [u8]>,
    later_us: i64,
}

impl<'a> Like<'a> {
    /// An access that was made so much later, in microseconds.
    pub(super) fn new(resource: &'a [u8], later_us: i64) -> Self {
        Self {
            resource: Cow::Borrowed(resource),
            later_us,
        }
    }
}

impl Like<'static> {
    /// The access.
    pub(super) fn touched(self, earlier: &Touched<'static>) -> Touched<'static> {
        Touched {
            resource: self.resource,
            at_us: earlier.at_us.wrapping_add(self.later_us),
            ..earlier.clone()
        }
    }
}

/// A number that is none of a family comes of damage that the checksum has not found.
fn name(family: u8) -> &'static str {
    Family::from_number(family).map_or("unknown", Family::name)
}

/// By itself serde takes bytes for a list, and writes one after the other. What is written is the same.
fn in_one_piece<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}
