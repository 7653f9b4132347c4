//! The same build, watched and not, in turns: what it takes longer, and in CPU.

use anyhow::Result;

use super::{Bench, row, said::Said, spread};

const MARK: &str = "whittle-time";

/// Seconds of one build.
struct Took {
    wall: f64,
    cpu: f64,
    agent: f64,
}

pub(super) fn rows(bench: &Bench, pairs: usize) -> Result<Vec<String>> {
    let folder = bench.project().join("src");
    let folder = folder.to_string_lossy();
    // As in the guest, but with a job for each processor.
    let jobs = format!(
        "--jobs={}",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    let build = [
        "time",
        "make",
        "--silent",
        "--always-make",
        &jobs,
        "--directory",
        &folder,
        "all",
        "CFLAGS=-O0 -w",
        "AR=ar rc",
    ];
    // What fills the page cache.
    bench.unwatched(&build)?;
    let (mut wall, mut cpu, mut agent) = (Vec::new(), Vec::new(), Vec::new());
    let (mut alone, mut alone_cpu) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        // Each goes first in half of the pairs: what the machine does meanwhile changes slowly.
        let (nobody, whittle) = if pair % 2 == 0 {
            let nobody = took(&bench.unwatched(&build)?)?;
            (nobody, took(&bench.watched(&build)?)?)
        } else {
            let whittle = took(&bench.watched(&build)?)?;
            (took(&bench.unwatched(&build)?)?, whittle)
        };
        wall.push(percent(whittle.wall, nobody.wall));
        cpu.push(percent(whittle.cpu + whittle.agent, nobody.cpu));
        agent.push(whittle.agent);
        alone.push(nobody.wall);
        alone_cpu.push(nobody.cpu);
    }
    let seconds = |what: &str, values| {
        let (median, least, most) = spread(values);
        let spread = format!("{least:.2} to {most:.2}");
        row(what, &format!("{median:.2} s"), &spread)
    };
    let more = |what: &str, values| {
        let (median, least, most) = spread(values);
        let spread = format!("{least:+.1} to {most:+.1} in {pairs} pairs");
        row(what, &format!("{median:+.1} %"), &spread)
    };
    Ok(vec![
        seconds("a build, unwatched", alone),
        more("the same, watched", wall),
        seconds("CPU of the build, unwatched", alone_cpu),
        more("CPU of build and whittle, watched", cpu),
        seconds("of it whittle's own", agent),
    ])
}

fn took(said: &Said) -> Result<Took> {
    #[expect(clippy::cast_precision_loss, reason = "durations are below 2^53 µs")]
    let seconds = |name| Ok::<_, anyhow::Error>(said.number(MARK, name)? as f64 / 1e6);
    Ok(Took {
        wall: seconds("us")?,
        cpu: seconds("cpu_us")?,
        agent: seconds("agent_us")?,
    })
}

fn percent(with: f64, without: f64) -> f64 {
    (with / without - 1.0) * 100.0
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn what_takes_longer_is_more() {
        assert!((percent(1.02, 1.0) - 2.0).abs() < 1e-9);
        assert!(percent(0.9, 1.0) < 0.0);
    }
}
