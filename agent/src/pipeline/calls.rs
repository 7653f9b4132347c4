//! What the pipeline does with connections: records to the conversations, calls to the window and the spool, and at the
//! end of a window their rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use whittle_schemas::{record::Family, table::Tables};

use crate::{
    conversation::Conversations,
    model::{Call, Closed, Medium, Opened, Payload},
    sink::Frame as Spooled,
    window::{
        Added, CallUsage, Frame, Window, call_row, calls_coverage_row, endpoint_row, subject_row,
    },
};

use super::{Recorder, who};

impl Recorder {
    pub(super) fn opened(&mut self, opened: &Opened) {
        self.arrive(opened.generation);
        let calls = self.conversations.opened(opened);
        self.called(calls);
    }

    pub(super) fn payload(&mut self, payload: &Payload) {
        self.arrive(payload.generation);
        let calls = self.conversations.payload(payload);
        self.called(calls);
    }

    pub(super) fn closed(&mut self, closed: &Closed) {
        self.arrive(closed.generation);
        let calls = self.conversations.closed(closed);
        self.called(calls);
    }

    /// Ends what is still open, in the window that is the last one.
    pub(super) fn end_conversations(&mut self, generation: usize) {
        let calls = self.conversations.finish(generation);
        self.called(calls);
    }

    /// Counts a record of a connection.
    fn arrive(&mut self, generation: usize) {
        self.windows[generation & 1].arrive(Family::Payload);
    }

    fn called(&mut self, calls: Vec<Call>) {
        for call in calls {
            let window = &mut self.windows[call.generation & 1];
            let Some(subject) = self.identities.subject_of(call.subject) else {
                window.calls.lose(call.request.medium, 1);
                continue;
            };
            let usage = CallUsage {
                subject: Rc::clone(&subject),
                request: call.request.clone(),
                count: 1,
                first_boottime_ns: call.boottime_ns,
                last_boottime_ns: call.boottime_ns,
            };
            if window.calls.add(subject, call) != Added::Refused {
                self.spool_call(&usage);
            }
        }
    }

    fn spool_call(&mut self, usage: &CallUsage) {
        let now_us = self.clock.utc_us(usage.last_boottime_ns);
        let frame = self.frame(now_us);
        let row = call_row(usage, &frame, principal(&self.conversations, usage));
        let subject = &usage.subject;
        self.writer.spool(
            who(subject),
            |spool| spool.add(&Spooled::Usage(row)),
            || subject_row(subject, &frame, now_us, now_us),
        );
    }

    /// Tells the window that ends with whom there were connections.
    pub(super) fn end_endpoints(&mut self, generation: usize) {
        let (endpoints, refused) = self.conversations.end_window(generation);
        let window = &mut self.windows[generation];
        for endpoint in endpoints {
            match self.identities.subject_of(endpoint.subject) {
                Some(subject) => window.calls.talked(subject, endpoint),
                None => window.calls.lose(Medium::Http, endpoint.connections),
            }
        }
        window.calls.lose(Medium::Http, refused);
    }
}

/// Adds the rows of calls and endpoints to those of a window.
pub(super) fn add_rows(
    tables: &mut Tables,
    window: &Window,
    conversations: &Conversations,
    frame: &Frame,
) {
    let usages = window.calls.usages().iter();
    tables
        .usage
        .extend(usages.map(|usage| call_row(usage, frame, principal(conversations, usage))));
    for medium in Medium::ALL {
        let (recorded, lost) = (window.calls.recorded(medium), window.calls.lost(medium));
        let row = calls_coverage_row(medium, recorded, lost, frame);
        tables.coverage.push(row);
    }
    let endpoints = window.calls.endpoints();
    tables
        .endpoints
        .extend(endpoints.map(|(subject, endpoint)| endpoint_row(subject, endpoint, frame)));
    let mut principals: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in &tables.usage {
        if let Some(principal) = &row.principal {
            let of_subject = principals.entry(&row.subject_id).or_default();
            of_subject.insert(principal);
        }
    }
    for subject in &mut tables.subjects {
        let of_subject = principals.get(subject.subject_id.as_str());
        subject.principals =
            of_subject.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    }
}

fn principal<'a>(conversations: &'a Conversations, usage: &CallUsage) -> Option<&'a str> {
    conversations.principal(usage.request.access_key_id.as_deref()?)
}
