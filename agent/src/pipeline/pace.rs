//! How often the recorder looks into the ring: at once while little happens, and in steps while much does. Being woken for each
//! record costs the machine several times what the record does.

use std::time::Duration;

/// Records that come in one of these, in nanoseconds, are looked at one by one up to [`EAGER`].
const SLICE_NS: u64 = 100_000_000;

/// A program that starts opens fewer files than this, and one of them may be the OpenSSL that it is about to use.
const EAGER: u32 = 64;

/// How long records gather then: the ring holds what a busy machine does in many times this.
const REST: Duration = Duration::from_millis(2);

/// Decides when the recorder rests.
#[derive(Debug, Default)]
pub(super) struct Pace {
    slice: u64,
    looks: u32,
}

impl Pace {
    /// The recorder has read the ring empty, and there were records. Says for how long it should not look again; None: at
    /// the next record.
    pub(super) fn looked(&mut self, now_ns: u64) -> Option<Duration> {
        let slice = now_ns / SLICE_NS;
        if slice != self.slice {
            *self = Self { slice, looks: 0 };
        }
        self.looks += 1;
        (self.looks > EAGER).then_some(REST)
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
}
