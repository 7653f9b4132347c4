//! How often the recorder looks into the ring: five times a second, and at once for what cannot wait; in steps while much of that
//! comes. Being woken for each record costs the machine several times what the record does. What can wait is `ebpf/src/wake.rs`'s to say.

use std::time::Duration;

/// Records that come in one of these, in nanoseconds, are looked at one by one up to [`EAGER`].
const SLICE_NS: u64 = 100_000_000;

/// A program that starts opens fewer files than this, and one of them may be the OpenSSL that it is about to use.
const EAGER: u32 = 64;

/// As [`EAGER`], where the slice before was one of a storm, which most likely goes on: each of these looks costs several records'.
const WARY: u32 = 4;

/// A storm goes on where there are so many looks in a slice, of at most some fifty.
const GOES_ON: u32 = 32;

/// How long what can wait gathers in the ring, once something has come: the first after a silence wakes the recorder.
pub(super) const LATER: Duration = Duration::from_millis(200);

/// How long records gather then: the ring holds what a busy machine does in many times this.
const REST: Duration = Duration::from_millis(2);

/// Decides when the recorder rests.
#[derive(Debug)]
pub(super) struct Pace {
    slice: u64,
    looks: u32,
    /// Looks of this slice after which there is no rest.
    free: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            slice: 0,
            looks: 0,
            free: EAGER,
        }
    }
}

impl Pace {
    /// The recorder has read the ring empty, and there were records. Says for how long it should not look again; None: at
    /// the next record.
    pub(super) fn looked(&mut self, now_ns: u64) -> Option<Duration> {
        let slice = now_ns / SLICE_NS;
        if slice != self.slice {
            let goes_on = self.is_storm() && slice == self.slice + 1;
            *self = Self {
                slice,
                looks: 0,
                free: if goes_on { WARY } else { EAGER },
            };
        }
        self.looks += 1;
        (self.looks > self.free).then_some(REST)
    }

    fn is_storm(&self) -> bool {
        match self.free {
            WARY => self.looks >= GOES_ON,
            free => self.looks > free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_records_of_a_program_are_looked_at_at_once() {
        let mut pace = Pace::default();
        for look in 0..EAGER {
            assert_eq!(pace.looked(1_000_000_000 + u64::from(look)), None);
        }
    }

    #[test]
    fn a_storm_is_looked_at_in_steps_until_its_slice_is_over() {
        let mut pace = Pace::default();
        for look in 0..EAGER {
            pace.looked(u64::from(look));
        }
        assert_eq!(pace.looked(99_999_999), Some(REST));
        assert_eq!(pace.looked(100_000_000), None);
    }

    #[test]
    fn a_storm_that_goes_on_is_looked_at_in_steps_from_its_beginning() {
        let mut pace = Pace::default();
        let mut slice = |number: u64, looks: u32| {
            let looked = (0..looks).map(|_| pace.looked(number * SLICE_NS));
            looked.filter(Option::is_none).count()
        };
        assert_eq!(slice(1, EAGER + 1), EAGER as usize);
        assert_eq!(slice(2, 50), WARY as usize);
        assert_eq!(slice(3, GOES_ON - 1), WARY as usize);
        assert_eq!(slice(4, 1_000), EAGER as usize);
        // After a slice with nothing in it, it is another one.
        assert_eq!(slice(6, 1_000), EAGER as usize);
    }
}
