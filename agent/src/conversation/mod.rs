//! Connections and their bytes to calls; pure. `connection` decides what the bytes of one are, `names` and `keys` remember
//! what was said about addresses and access keys, `calls` names what a request asks for, `ledger` tells at the end of a
//! window with whom there were connections and how much of them was read.

mod calls;
mod connection;
mod endpoint;
mod keys;
mod ledger;
mod names;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, net::SocketAddr};

use whittle_protocol::{
    credentials,
    http1::{Chunk, Exchange, Request},
};

use crate::model::{Call, Closed, ConnectionId, Endpoint, Medium, Opened, Payload, Transport};
use connection::{Connection, Heard};
use keys::Keys;
use names::Names;

/// Most connections that are followed at once.
pub const MOST_CONNECTIONS: usize = 16_384;
/// Most connections that ended in a window and are kept until its end, for a TLS object may belong to them.
const MOST_ENDED: usize = 65_536;
/// Most bytes of messages that are not complete, over all connections.
const MOST_HELD: usize = 256 * 1024 * 1024;

/// All conversations of this host.
#[derive(Default)]
pub struct Conversations {
    live: HashMap<ConnectionId, Connection>,
    /// Those that ended and are in no window's rows yet.
    ended: Vec<(ConnectionId, Connection)>,
    names: Names,
    keys: Keys,
    held_bytes: usize,
    /// Connections that were not followed, by window.
    refused: [u64; 2],
}

/// When something happened, to whom.
#[derive(Clone, Copy)]
struct Moment {
    subject: u64,
    generation: usize,
    boottime_ns: u64,
}

impl Conversations {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A connection was opened; gives the calls of the one that had its number before.
    pub fn opened(&mut self, opened: &Opened) -> Vec<Call> {
        let at = Moment {
            subject: opened.subject,
            generation: opened.generation & 1,
            boottime_ns: opened.boottime_ns,
        };
        let calls = self.end(opened.connection, at.generation, at.boottime_ns);
        let peer = opened.peer.as_deref();
        self.begin(opened.connection, opened.transport, peer, at);
        calls
    }

    /// Bytes were moved; gives the calls that they complete.
    pub fn payload(&mut self, payload: &Payload) -> Vec<Call> {
        let at = Moment {
            subject: payload.subject,
            generation: payload.generation & 1,
            boottime_ns: payload.boottime_ns,
        };
        let id = payload.connection;
        let peer = payload.peer.as_deref();
        if !self.live.contains_key(&id) && !self.begin(id, payload.transport, peer, at) {
            return Vec::new();
        }
        self.link(payload);
        let Some(connection) = self.live.get_mut(&id) else {
            return Vec::new();
        };
        connection.seen(at);
        connection.is_midstream |= payload.midstream;
        let held_before = connection.held_bytes();
        let chunk = Chunk {
            offset: payload.offset,
            bytes: &payload.bytes,
            length: payload.length.into(),
            lost_before: payload.lost_before,
        };
        let heard = connection.heard(payload.direction, chunk);
        self.held_bytes = (self.held_bytes + connection.held_bytes()).saturating_sub(held_before);
        if self.held_bytes > MOST_HELD {
            self.held_bytes -= connection.held_bytes();
            connection.give_up();
        }
        match heard {
            Heard::Nothing => Vec::new(),
            Heard::Names(answers) => {
                for answer in answers {
                    self.names.learn(id.tgid, &answer, at.boottime_ns);
                }
                Vec::new()
            }
            Heard::Exchanges(exchanges) => self.calls(id, &exchanges, at),
        }
    }

    /// Subjects of connections that are in no window's rows yet.
    pub fn subjects(&self) -> impl Iterator<Item = u64> {
        let ended = self.ended.iter().map(|(_, connection)| connection);
        let all = self.live.values().chain(ended);
        all.map(|connection| connection.subject)
    }

    /// A connection was closed; gives the calls that were not answered.
    pub fn closed(&mut self, closed: &Closed) -> Vec<Call> {
        let generation = closed.generation & 1;
        if closed.connection.is_whole_process() {
            let of_process = |id: &&ConnectionId| id.tls && id.tgid == closed.connection.tgid;
            let ids: Vec<_> = self.live.keys().filter(of_process).copied().collect();
            let ended = ids.into_iter();
            return ended
                .flat_map(|id| self.end(id, generation, closed.boottime_ns))
                .collect();
        }
        let id = closed.connection;
        let Some(connection) = self.live.get_mut(&id) else {
            return Vec::new();
        };
        let at = Moment {
            subject: connection.subject,
            generation,
            boottime_ns: closed.boottime_ns,
        };
        let held_before = connection.held_bytes();
        let exchanges = connection.check_end(closed);
        self.held_bytes = (self.held_bytes + connection.held_bytes()).saturating_sub(held_before);
        let mut calls = self.calls(id, &exchanges, at);
        calls.extend(self.end(id, generation, closed.boottime_ns));
        calls
    }

    /// Nothing more will be seen; gives the calls that were not answered.
    pub fn finish(&mut self, generation: usize) -> Vec<Call> {
        let open = self.live.iter();
        let open: Vec<_> = open
            .map(|(id, connection)| (*id, connection.last_boottime_ns))
            .collect();
        let ended = open.into_iter();
        ended
            .flat_map(|(id, last_ns)| self.end(id, generation & 1, last_ns))
            .collect()
    }

    /// With whom there were connections in the window that ends, and how many could not be followed.
    pub fn end_window(&mut self, generation: usize) -> (Vec<Endpoint>, u64) {
        let generation = generation & 1;
        let endpoints = ledger::endpoints(&mut self.live, &mut self.ended, &self.names, generation);
        (endpoints, std::mem::take(&mut self.refused[generation]))
    }

    /// The role or user that a key belongs to, as far as answers said so.
    #[must_use]
    pub fn principal(&self, access_key_id: &str) -> Option<&str> {
        self.keys.principal(access_key_id)
    }

    /// Follows a connection from now on. False: there are too many.
    fn begin(
        &mut self,
        id: ConnectionId,
        transport: Transport,
        peer: Option<&str>,
        at: Moment,
    ) -> bool {
        if self.live.len() >= MOST_CONNECTIONS {
            self.refused[at.generation] += 1;
            return false;
        }
        let peer = peer.and_then(|peer| peer.parse::<SocketAddr>().ok());
        let connection = Connection::new(transport, peer, at);
        self.live.insert(id, connection);
        true
    }

    /// Remembers which TCP connection an OpenSSL object writes to.
    fn link(&mut self, payload: &Payload) {
        let Some(number) = payload.socket else { return };
        let carrier = ConnectionId {
            tls: false,
            number,
            ..payload.connection
        };
        let Some(tls) = self.live.get_mut(&payload.connection) else {
            return;
        };
        if tls.carrier.is_some() {
            return;
        }
        tls.carrier = Some(carrier);
        if tls.peer.is_none() {
            let peer = payload.peer.as_deref();
            tls.peer = peer.and_then(|peer| peer.parse().ok());
        }
    }

    fn end(&mut self, id: ConnectionId, generation: usize, boottime_ns: u64) -> Vec<Call> {
        let Some(connection) = self.live.get_mut(&id) else {
            return Vec::new();
        };
        let at = Moment {
            subject: connection.subject,
            generation,
            boottime_ns,
        };
        if !connection.is_unused_datagram() {
            connection.seen(at);
        }
        self.held_bytes = self.held_bytes.saturating_sub(connection.held_bytes());
        let exchanges = connection.finish();
        let calls = self.calls(id, &exchanges, at);
        if let Some(mut connection) = self.live.remove(&id) {
            connection.ended = Some(generation);
            if self.ended.len() < MOST_ENDED {
                self.ended.push((id, connection));
            } else {
                self.refused[generation] += 1;
            }
        }
        calls
    }

    fn calls(&mut self, id: ConnectionId, exchanges: &[Exchange], at: Moment) -> Vec<Call> {
        let mut calls = Vec::new();
        for exchange in exchanges {
            self.find_name(id, &exchange.request, at.boottime_ns);
            let Some(connection) = self.live.get_mut(&id) else {
                break;
            };
            let medium = if id.tls {
                Medium::Openssl
            } else {
                Medium::Http
            };
            let asked = calls::of(exchange, &connection.name_or_address().name, medium);
            connection.count(&asked, at.generation);
            if let Some(response) = &exchange.response
                && let Some(binding) = credentials::read(&exchange.request, response)
            {
                self.keys.learn(binding, asked.access_key_id.as_deref());
            }
            calls.extend(asked.requests.into_iter().map(|request| Call {
                subject: at.subject,
                generation: at.generation,
                boottime_ns: at.boottime_ns,
                request,
            }));
        }
        calls
    }

    /// Names a connection: an OpenSSL object as the TCP connection underneath.
    fn find_name(&mut self, id: ConnectionId, request: &Request, boottime_ns: u64) {
        let Some(connection) = self.live.get(&id) else {
            return;
        };
        if connection.name.is_some() {
            return;
        }
        let carrier = connection.carrier.filter(|id| self.live.contains_key(id));
        let named = carrier.unwrap_or(id);
        let Some(connection) = self.live.get_mut(&named) else {
            return;
        };
        connection.find_name(id.tgid, Some(request), &self.names, boottime_ns);
        let name = connection.name.clone();
        if let Some(connection) = self.live.get_mut(&id) {
            connection.name = name;
        }
    }
}
