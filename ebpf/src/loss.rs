//! Whose a lost access was, so that nothing is doubted of anybody else. Off the hot path: nothing comes here but what is lost.

use aya_ebpf::maps::HashMap;
use whittle_schemas::record::loss::LossKey;

use crate::{
    count,
    maps::{LOSSES_0, LOSSES_1},
    scratch::BPF_NOEXIST,
    sighting::Sighting,
    subject,
};

/// Of a [`mark`]: the running process, if its subject is known.
pub(crate) const RUNNING: u64 = 0;

/// Says that so many accesses, which were counted as lost, were this subject's. Where that cannot be said, the agent finds fewer
/// here than were counted, and takes the rest for anybody's.
#[inline(always)]
pub(crate) fn mark(sighting: Sighting, subject: u64, accesses: u64) {
    mark_loss(sighting.packed(), subject, accesses);
}

/// A global function, which the verifier checks once.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn mark_loss(sighting: u32, subject: u64, accesses: u64) -> u32 {
    let sighting = Sighting::unpacked(sighting);
    let subject = match subject {
        RUNNING => subject::known_of_running(),
        subject => subject,
    };
    if subject == RUNNING {
        return 0;
    }
    let key = LossKey {
        subject,
        family: sighting.family as u32,
        pad: 0,
    };
    let map = if sighting.generation.number() == 0 {
        &LOSSES_0
    } else {
        &LOSSES_1
    };
    if !add(map, &key, accesses) && map.insert(key, accesses, BPF_NOEXIST).is_err() {
        // Another CPU was quicker, or the map is full.
        add(map, &key, accesses);
    }
    0
}

#[inline(always)]
fn add(map: &HashMap<LossKey, u64>, key: &LossKey, accesses: u64) -> bool {
    let Some(place) = map.get_ptr_mut(key) else {
        return false;
    };
    count::add(place, accesses);
    true
}
