//! How long it takes until the command runs, and what that takes.

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

use super::{Bench, row, spread};

/// Starts of which the median is shown.
const ROUNDS: usize = 11;

const MARK: &str = "whittle-started";

pub(super) fn rows(bench: &Bench) -> Result<Vec<String>> {
    let (mut seconds, mut cpu, mut peak) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let before = now_ns()?;
        let said = bench.watched(&["started"])?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "durations and sizes are below 2^53"
        )]
        let number =
            |name, unit: f64| Ok::<_, anyhow::Error>(said.number(MARK, name)? as f64 / unit);
        let after = said.number(MARK, "ns")?;
        #[expect(clippy::cast_precision_loss, reason = "seconds")]
        seconds.push(after.saturating_sub(before) as f64 / 1e9);
        cpu.push(number("agent_ms", 1e3)?);
        peak.push(number("agent_peak_kib", 1024.0)?);
    }
    let shown = |what: &str, values, unit: &str| {
        let (median, least, most) = spread(values);
        let spread = format!("{least:.2} to {most:.2} in {ROUNDS} rounds");
        row(what, &format!("{median:.2} {unit}"), &spread)
    };
    Ok(vec![
        shown("start until the command runs", seconds, "s"),
        shown("CPU of whittle until then", cpu, "s"),
        shown("most memory until then", peak, "MiB"),
    ])
}

/// The clock that tests/bench/load.c reads, too.
fn now_ns() -> Result<u64> {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).context("the clock is before its start")?;
    Ok(seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or_default())
}
