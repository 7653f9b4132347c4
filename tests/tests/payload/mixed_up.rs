//! Processes that preempt each other inside of OpenSSL: what each said is heard as its own.

use std::process::Command;

use anyhow::{Result, ensure};
use whittle_agent::{
    kernel::Limits,
    model::{Direction, Transport},
};
use whittle_tests::{payload::overhear, peer::peer};

/// Processes, and bytes that each says.
const TURNS: [usize; 2] = [4, 600];

#[test]
fn bytes_of_processes_that_take_each_others_cpu_are_not_mixed_up() -> Result<()> {
    let [processes, length] = TURNS;
    let folder = tempfile::tempdir()?;
    let mut client = Command::new("/usr/bin/python3");
    client
        .arg(peer("tls_turns.py"))
        .args([processes.to_string(), length.to_string()])
        .arg(folder.path());
    // An emulated CPU leaves the agent few turns.
    let limits = Limits {
        ring_bytes: 64 << 20,
        ..Limits::default()
    };
    let overheard = overhear(&mut client, limits)?;
    ensure!(overheard.status.success(), "{:?}", overheard.status);
    assert_eq!(overheard.lost(), 0, "{:?}", overheard.counts);
    for direction in [Direction::Sent, Direction::Received] {
        let mut streams = overheard.streams(Transport::Tls, direction);
        streams.sort_by(|one, other| one.bytes.cmp(&other.bytes));
        assert_eq!(streams.len(), processes, "{direction:?}");
        for (number, stream) in streams.iter().enumerate() {
            let text = turn(number, length);
            let heard = String::from_utf8_lossy(&stream.bytes);
            let differs = text
                .bytes()
                .zip(heard.bytes())
                .position(|(one, other)| one != other);
            ensure!(
                differs.is_none(),
                "{direction:?}, {number}: byte {differs:?} of {heard}"
            );
            ensure!(
                stream.gaps.is_empty(),
                "{direction:?}, {number}: {stream:?}"
            );
            // Of what is received before anything is sent only the start is kept.
            let least = if direction == Direction::Sent {
                text.len()
            } else {
                500
            };
            ensure!(
                heard.len() >= least,
                "{direction:?}, {number}: {} bytes",
                heard.len()
            );
        }
    }
    Ok(())
}

/// What `tls_turns.py` says.
fn turn(number: usize, length: usize) -> String {
    let mut text = format!("GET /of-{number}/");
    text.extend(('a'..='z').cycle().skip(number).take(length));
    text.truncate(length);
    text + " HTTP/1.1\r\n\r\n"
}
