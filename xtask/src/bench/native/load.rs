//! What whittle takes while a node is busy: at a published load, and at the highest rate that this machine can make.

use anyhow::Result;
use indicatif::HumanCount;

use super::{Bench, row, said::Said};

/// How long the highest rate lasts.
const FASTEST_SECONDS: u32 = 30;

pub(super) fn rows(bench: &Bench, seconds: u32) -> Result<Vec<String>> {
    let mut rows = Vec::new();
    for (pace, seconds) in [("steady", seconds), ("fastest", FASTEST_SECONDS)] {
        let said = bench.watched(&[pace, &seconds.to_string()])?;
        rows.extend(of(&said, pace)?);
    }
    Ok(rows)
}

fn of(said: &Said, pace: &str) -> Result<Vec<String>> {
    let mark = format!("whittle-load {pace}");
    let number = |name| said.number(&mark, name);
    let ms = number("ms")?.max(1);
    let rate = |name| Ok::<_, anyhow::Error>((number(name)? * 1000 + ms / 2) / ms);
    let what = format!(
        "{} opens, {} connects, {} execs a second for {} s",
        HumanCount(rate("opens")?),
        HumanCount(rate("connects")?),
        HumanCount(rate("execs")?),
        ms / 1000
    );
    // In ten-thousandths of a processor.
    let share = number("agent_ms")? * 10_000 / ms;
    let share = format!("{}.{:04} processors", share / 10_000, share % 10_000);
    let mib = |name| Ok::<_, anyhow::Error>(number(name)?.div_ceil(1024));
    let window = ": window ";
    let sum = |name| said.sum(window, name);
    let (seen, recorded, lost) = (sum("seen"), sum("recorded"), sum("lost"));
    let accesses = format!(
        "{} through the ring, {} lost, {} unaccounted for",
        HumanCount(sum("ring")),
        HumanCount(lost),
        HumanCount(seen.abs_diff(recorded + lost))
    );
    Ok(vec![
        row(&format!("{what}: whittle"), &share, ""),
        row(
            "memory after it",
            &format!("{} MiB", mib("agent_kib")?),
            &format!("at most {} MiB", mib("agent_peak_kib")?),
        ),
        row("accesses seen", &HumanCount(seen).to_string(), &accesses),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_shown_as_rates_a_share_and_what_became_of_its_accesses() -> Result<()> {
        let said = Said::of(
            "whittle-load steady ms=2000 opens=2000 connects=200 execs=20 agent_ms=30 agent_kib=2048 agent_peak_kib=4096\n\
             DEBUG whittle_agent::pipeline::rows: window ring=5 seen=2500 recorded=2490 lost=9\n",
        );
        let rows = of(&said, "steady")?;
        assert_eq!(
            rows,
            [
                "| 1,000 opens, 100 connects, 10 execs a second for 2 s: whittle | 0.0150 processors |  |",
                "| memory after it | 2 MiB | at most 4 MiB |",
                "| accesses seen | 2,500 | 5 through the ring, 9 lost, 1 unaccounted for |",
            ]
        );
        Ok(())
    }
}
