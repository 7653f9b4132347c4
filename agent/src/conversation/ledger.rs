//! At the end of a window: with whom each subject had connections, and how far each of them was read. A TLS connection is
//! read when plaintext of it was seen at OpenSSL's functions; every other one is said not to be.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::{ConnectionId, Endpoint};

use super::{
    connection::{Activity, Connection, NO_PLAINTEXT, Reading},
    endpoint::Name,
    names::Names,
};

/// Why a TLS connection of another process is not read.
const NO_OPENSSL: &str = "no OpenSSL found in the process";

/// Gives the endpoints of the window that ends, and forgets the connections that ended in it.
pub(super) fn endpoints(
    live: &mut HashMap<ConnectionId, Connection>,
    ended: &mut Vec<(ConnectionId, Connection)>,
    names: &Names,
    generation: usize,
) -> Vec<Endpoint> {
    let mut all: Vec<(ConnectionId, &mut Connection)> = ended
        .iter_mut()
        .map(|(id, connection)| (*id, connection))
        .chain(live.iter_mut().map(|(id, connection)| (*id, connection)))
        .collect();
    for (id, connection) in &mut all {
        if connection.carrier.is_none() {
            connection.find_name(id.tgid, None, names, connection.last_boottime_ns);
        }
    }
    let carriers = carriers(&mut all);
    let mut rows: BTreeMap<(u64, String), Endpoint> = BTreeMap::new();
    let with_openssl: HashSet<u32> = all
        .iter()
        .filter(|(id, _)| id.tls)
        .map(|(id, _)| id.tgid)
        .collect();
    for index in 0..all.len() {
        let (id, connection) = &mut all[index];
        let was_there =
            connection.is_carried || connection.activity[generation].seen_boottime_ns.is_some();
        let activity = std::mem::take(&mut connection.activity[generation]);
        if !was_there {
            continue;
        }
        connection.is_carried = true;
        let mut row = requested(activity, connection);
        if let Some(carrier) = carriers.get(&index) {
            // It is counted with the TCP connection underneath.
            add(&mut rows, all[*carrier].1, row);
            continue;
        }
        let has_openssl = with_openssl.contains(&id.tgid);
        count(&mut row, connection.reading(), has_openssl);
        if row.connections > 0 {
            add(&mut rows, connection, row);
        }
    }
    drop(all);
    ended.retain(|(_, connection)| connection.ended != Some(generation));
    rows.into_values().collect()
}

/// Finds the TCP connection under each OpenSSL object, and tells it how far it was read: where the probes saw it, by its
/// number; else by the name in the hello, which is the one in the request.
fn carriers(all: &mut [(ConnectionId, &mut Connection)]) -> HashMap<usize, usize> {
    let mut by_id = HashMap::new();
    let mut by_name: HashMap<(u32, String), Vec<usize>> = HashMap::new();
    for (index, (id, connection)) in all.iter().enumerate() {
        if id.tls {
            continue;
        }
        by_id.insert(*id, index);
        if let Some(name) = connection
            .hello
            .as_ref()
            .and_then(|hello| hello.server_name.clone())
            && connection.plaintext.is_none()
        {
            by_name.entry((id.tgid, name)).or_default().push(index);
        }
    }
    let mut carriers = HashMap::new();
    for index in 0..all.len() {
        let (id, connection) = &mut all[index];
        if !id.tls {
            continue;
        }
        let carrier = match connection.carrier {
            Some(carrier) => by_id.get(&carrier).copied(),
            None => connection
                .name
                .as_ref()
                .and_then(|name| name.name.rsplit_once(':'))
                .and_then(|(host, _)| by_name.get_mut(&(id.tgid, host.to_owned()))?.pop()),
        };
        let Some(carrier) = carrier else { continue };
        let reading = connection.reading();
        let is_aws = connection.is_aws;
        let name = connection.name.clone();
        let (below_id, below) = &mut all[carrier];
        let below_id = *below_id;
        below.plaintext = Some(reading);
        below.is_aws |= is_aws;
        if below.name.is_none() {
            below.name = name;
        }
        all[index].1.carrier = Some(below_id);
        carriers.insert(index, carrier);
    }
    carriers
}

fn requested(activity: Activity, connection: &Connection) -> Endpoint {
    Endpoint {
        subject: connection.subject,
        requests: activity.requests,
        requests_unmapped: activity.unmapped,
        seen_boottime_ns: activity.seen_boottime_ns,
        ..Endpoint::default()
    }
}

fn count(row: &mut Endpoint, reading: Reading, has_openssl: bool) {
    let (readable, decoded, reason) = match reading {
        Reading::Served => return,
        Reading::Whole => (1, 1, None),
        Reading::Partly(reason) => (1, 0, Some(reason)),
        Reading::Unread(NO_PLAINTEXT) if !has_openssl => (0, 0, Some(NO_OPENSSL)),
        Reading::Unread(reason) => (0, 0, Some(reason)),
    };
    row.connections = 1;
    row.readable = readable;
    row.decoded = decoded;
    row.reasons.extend(reason);
}

fn add(rows: &mut BTreeMap<(u64, String), Endpoint>, named: &Connection, mut row: Endpoint) {
    let Name { name, source } = named.name_or_address();
    let is_aws = named.is_aws || named.name.as_ref().is_some_and(Name::is_aws);
    row.name.clone_from(&name);
    row.name_source = source;
    row.provider = is_aws.then_some("aws");
    let place = (row.subject, name);
    rows.entry(place)
        .and_modify(|known| known.add(&row))
        .or_insert(row);
}
