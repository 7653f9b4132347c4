//! What time it is, on the calendar and on the kernel's clock. The pure stages get their time from here, as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::model::Clock;

/// Now, in microseconds UTC.
#[must_use]
pub fn now_us() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Now, on the kernel's clock, which nobody sets: nanoseconds of `CLOCK_BOOTTIME`.
#[must_use]
pub fn boottime_ns() -> u64 {
    let boot = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(boot.tv_sec).unwrap_or(0);
    let ns = u64::try_from(boot.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(ns)
}

/// How the kernel's clock relates to the calendar, now.
#[must_use]
pub fn now() -> Clock {
    let boot_us = i64::try_from(boottime_ns() / 1_000).unwrap_or(i64::MAX);
    Clock {
        offset_us: now_us() - boot_us,
    }
}
