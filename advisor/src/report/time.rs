//! Times as people write them.

use arrow::temporal_conversions::timestamp_us_to_datetime;

/// Microseconds UTC as `2026-11-22T00:18:35.123456Z`.
pub(crate) fn rfc3339(time_us: i64) -> String {
    timestamp_us_to_datetime(time_us)
        .map_or_else(|| format!("{time_us} µs"), |time| format!("{time:?}Z"))
}

/// An RFC 3339 time to the second, as `2026-11-22 00:18:35`.
pub(crate) fn to_the_second(time: &str) -> String {
    time.get(..19).unwrap_or(time).replace('T', " ")
}

/// A length of time in the unit that suits it.
pub(super) fn duration(microseconds: u64) -> String {
    match microseconds {
        0..1_000_000 => format!("{} ms", microseconds.div_ceil(1000)),
        1_000_000..120_000_000 => format!(
            "{}.{} s",
            microseconds / 1_000_000,
            microseconds / 100_000 % 10
        ),
        120_000_000..7_200_000_000 => format!("{} min", microseconds / 60_000_000),
        _ => format!("{} h", microseconds / 3_600_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_as_people_write_them() {
        assert_eq!(
            rfc3339(1_795_306_715_000_001),
            "2026-11-22T00:18:35.000001Z"
        );
        assert_eq!(
            to_the_second(&rfc3339(1_795_306_715_999_999)),
            "2026-11-22 00:18:35"
        );
        assert_eq!(rfc3339(i64::MIN), format!("{} µs", i64::MIN));
        assert_eq!(duration(1), "1 ms");
        assert_eq!(duration(12_340_000), "12.3 s");
        assert_eq!(duration(180_000_000), "3 min");
        assert_eq!(duration(10_000_000_000), "2 h");
    }
}
