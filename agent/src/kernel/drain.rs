//! The usage map's two generations: swap, wait until no program looks at the old one, read it, empty it.

use aya::{
    Ebpf,
    maps::{Array, Map, MapData, MapError},
};
use rustix::time::{ClockId, clock_getres};
use whittle_schemas::record::usage::{Tick, UsageId, UsageSlot};

use super::{KernelError, grace::Grace, mapped::Mapped};

const USAGE: &str = "USAGE";
const SWITCH: &str = "GENERATION";
const TICK: &str = "TICK";

/// Repeats of an access, as the kernel counted them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeats {
    /// Of which access.
    pub id: UsageId,
    /// How many, after the first.
    pub count: u64,
    /// The last one's time on `CLOCK_BOOTTIME`, in nanoseconds, exact to a jiffy.
    pub last_boottime_ns: u64,
}

/// Both generations, and the switch between them.
pub struct Generations {
    usages: Mapped<UsageSlot>,
    switch: Array<MapData, u32>,
    tick: Array<MapData, [u64; 2]>,
    jiffy_ns: u64,
    grace: Grace,
    current: usize,
}

impl Generations {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, KernelError> {
        let switch = object
            .take_map(SWITCH)
            .ok_or(KernelError::Incomplete(SWITCH))?;
        let switch =
            Array::try_from(switch).map_err(|cause| KernelError::Map { map: SWITCH, cause })?;
        let Some(Map::Array(usages)) = object.take_map(USAGE) else {
            return Err(KernelError::Incomplete(USAGE));
        };
        let tick = object.take_map(TICK).ok_or(KernelError::Incomplete(TICK))?;
        let tick = Array::try_from(tick).map_err(|cause| KernelError::Map { map: TICK, cause })?;
        Ok(Self {
            tick,
            jiffy_ns: jiffy_ns(),
            usages: Mapped::new(usages).map_err(|cause| failed(USAGE, cause))?,
            switch,
            grace: Grace::new().map_err(|cause| failed(SWITCH, cause))?,
            current: 0,
        })
    }

    /// Lets the probes count in the other generation. When this returns, no program adds to the old one any
    /// more.
    ///
    /// The records that belong to the old generation are then all in the ring: read it empty before [`Self::drain`].
    ///
    /// # Errors
    /// The kernel does not let the switch be written, or does not say when its programs have ended.
    pub fn swap(&mut self) -> Result<usize, KernelError> {
        let old = self.current;
        self.current = 1 - old;
        let next = u32::from(self.current == 1);
        self.switch
            .set(0, next, 0)
            .map_err(|cause| KernelError::Map { map: SWITCH, cause })?;
        self.grace.wait().map_err(|cause| failed(SWITCH, cause))?;
        Ok(old)
    }

    /// The repeats of a generation that is not current, all of whose places are free then.
    ///
    /// # Errors
    /// The kernel does not let the map be mapped into memory.
    pub fn drain(&mut self, generation: usize) -> Result<Vec<Repeats>, KernelError> {
        let [jiffies, boottime_ns] = self
            .tick
            .get(&0, 0)
            .map_err(|cause| KernelError::Map { map: TICK, cause })?;
        let tick = Tick {
            jiffies,
            boottime_ns,
        };
        let jiffy_ns = self.jiffy_ns;
        let half = self.usages.entries() / 2;
        let first = half * (generation & 1);
        let mut repeats = Vec::new();
        // Most of them are never repeated, and there may be many.
        let took = |slot: UsageSlot| {
            if slot.repeats() > 0 {
                repeats.push(Repeats {
                    id: slot.id,
                    count: slot.repeats(),
                    last_boottime_ns: tick.boottime_ns_at(slot.last_jiffies, jiffy_ns),
                });
            }
        };
        let is_taken = |slot: &UsageSlot| slot.claims_and_repeats != 0;
        self.usages
            .take(first..first + half, is_taken, took)
            .map_err(|cause| failed(USAGE, cause))?;
        Ok(repeats)
    }
}

/// Nanoseconds of a jiffy: what the kernel's coarse clocks go on by (`KTIME_LOW_RES` of `include/linux/hrtimer_defs.h`).
fn jiffy_ns() -> u64 {
    let coarse = clock_getres(ClockId::MonotonicCoarse);
    u64::try_from(coarse.tv_nsec).unwrap_or(0).max(1)
}

fn failed(map: &'static str, cause: std::io::Error) -> KernelError {
    let cause = MapError::IoError(cause);
    KernelError::Map { map, cause }
}
