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

/// How the kernel's clock relates to the calendar, now.
#[must_use]
pub fn now() -> Clock {
    let boot = clock_gettime(ClockId::Boottime);
    let boot_us = boot
        .tv_sec
        .saturating_mul(1_000_000)
        .saturating_add(boot.tv_nsec / 1_000);
    Clock {
        offset_us: now_us() - boot_us,
    }
}
