//! Which name an address had for a process, as its name servers answered it.

use std::{collections::HashMap, net::IpAddr};

use whittle_protocol::dns::Answer;

/// Most names of addresses that are remembered.
const MOST_NAMES: usize = 65_536;
/// A name holds at least so long: programs use what they resolved a little later than they should.
const SHORTEST_S: u32 = 60;
/// And no longer than this.
const LONGEST_S: u32 = 86_400;

/// Names of addresses, by process.
#[derive(Default)]
pub(super) struct Names {
    names: HashMap<(u32, IpAddr), (String, u64)>,
}

impl Names {
    /// Remembers an answer. The latest name of an address is the one that is used.
    pub(super) fn learn(&mut self, tgid: u32, answer: &Answer, boottime_ns: u64) {
        let seconds = u64::from(answer.ttl_s.clamp(SHORTEST_S, LONGEST_S));
        let until_ns = boottime_ns.saturating_add(seconds * 1_000_000_000);
        if self.names.len() + answer.addresses.len() > MOST_NAMES {
            self.names
                .retain(|_, (_, until_ns)| *until_ns > boottime_ns);
        }
        for address in &answer.addresses {
            let place = (tgid, address.to_canonical());
            // A connection whose name is forgotten goes by its address, and by what is said on it.
            if self.names.len() < MOST_NAMES || self.names.contains_key(&place) {
                self.names.insert(place, (answer.name.clone(), until_ns));
            }
        }
    }

    /// The name that a process had for an address.
    pub(super) fn of(&self, tgid: u32, address: IpAddr, boottime_ns: u64) -> Option<&str> {
        let (name, until_ns) = self.names.get(&(tgid, address.to_canonical()))?;
        (*until_ns > boottime_ns).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_for_its_process_and_its_time() {
        let mut names = Names::default();
        let address = IpAddr::from([192, 0, 2, 7]);
        let answer = |name: &str, ttl_s| Answer {
            name: name.to_owned(),
            addresses: vec![address],
            ttl_s,
        };
        names.learn(1, &answer("first", 300), 0);
        names.learn(1, &answer("second", 300), 5);
        assert_eq!(names.of(1, address, 6), Some("second"));
        assert_eq!(names.of(2, address, 6), None);
        assert_eq!(names.of(1, address, 300_000_000_005), None);
        names.learn(1, &answer("short", 0), 0);
        assert_eq!(names.of(1, address, 59_000_000_000), Some("short"));
    }

    #[test]
    fn there_is_a_most() {
        let mut names = Names::default();
        for number in 0..MOST_NAMES + 10 {
            let number = u32::try_from(number).expect("it is small");
            let answer = Answer {
                name: "n".to_owned(),
                addresses: vec![IpAddr::from(number.to_be_bytes())],
                ttl_s: 60,
            };
            names.learn(1, &answer, 0);
        }
        assert_eq!(names.names.len(), MOST_NAMES);
    }
}
