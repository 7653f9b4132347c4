//! The ring's records of one run, as the kernel sent them, decode to what they meant when they were captured. A change
//! of the ABI or the decoder that alters the meaning of recorded bytes shows here.
//!
//! The captures of `replay/` are made anew, as root, after a change of the ABI: one by `cargo run -p whittle-tests --bin capture syscall`, and
//! in a guest, for it takes trampolines, the other by
//!
//! ```text
//! cargo xtask vm 6.1 --with target/debug/capture -- '/payload/capture trampoline /tmp; tar -C /tmp -c trampoline.ring trampoline.txt | base64 | sed s/^/@/' |
//!     sed -n 's/^6.1| @//p' | base64 --decode | tar -C tests/replay -x
//! ```
//!
//! The difference in the text is then what the change means, and belongs into its review.

use std::{collections::HashSet, fs, path::Path};

use anyhow::{Context, Result, ensure};
use whittle_agent::{
    decode::{DecodeError, Decoder},
    model::Event,
};
use whittle_tests::replay::{deed, from_bytes, to_bytes, to_text};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/replay"))
}

/// The backends whose probes made the captures.
const BACKENDS: [&str; 2] = ["syscall", "trampoline"];

/// The captures, each with its backend.
fn captures() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let captures = BACKENDS.into_iter().map(|backend| {
        let capture = fs::read(folder().join(format!("{backend}.ring")));
        Ok((backend, capture.context("the capture is committed")?))
    });
    captures.collect()
}

/// Where the length of the whole record is in its header.
const LENGTH: std::ops::Range<usize> = 4..8;

/// Where the header says how long the fixed part is.
const FIXED: usize = 3;

/// What `job.sh` and `job.py` do, by their own words and the kernel's manual pages.
const DONE: [&str; 32] = [
    "process file execute /usr/bin/cat allowed",
    "process file execute /usr/bin/env allowed",
    "process file execute /tmp/whittle-capture/./input denied EACCES",
    "file file read /tmp/whittle-capture/job.sh allowed",
    "file file write+create+truncate /tmp/whittle-capture/copy allowed",
    "file file write+append /tmp/whittle-capture/copy allowed",
    "file file read /tmp/whittle-capture/input allowed",
    "file file write+truncate /dev/null (character device) allowed",
    "file file read /tmp/whittle-capture/missing failed ENOENT",
    "file file write+create+truncate /sys/kernel/refused denied EACCES",
    "file file read /tmp/whittle-capture/job.py allowed",
    r"file file read+write+create+truncate /tmp/whittle-capture/line\nbreak \xff allowed",
    "file file path /tmp/whittle-capture/copy allowed",
    "file file write+create /tmp/whittle-capture/deleted allowed",
    "file file read /tmp/whittle-capture/deleted (deleted) allowed",
    "file file read memfd:code (deleted) allowed",
    "file file read /tmp/whittle-capture (directory) allowed",
    "socket network connect 127.0.0.1:9/tcp failed ECONNREFUSED",
    "socket network connect [::1]:9/tcp failed ECONNREFUSED",
    "socket network send 127.0.0.1:9/udp allowed",
    "socket network bind unix:/tmp/whittle-capture/socket allowed",
    "socket network listen unix:/tmp/whittle-capture/socket allowed",
    "socket network connect unix:/tmp/whittle-capture/socket allowed",
    "socket network bind unix:@whittle capture allowed",
    "socket network accept unix:/tmp/whittle-capture/socket allowed",
    "file file unlink /tmp/whittle-capture/deleted allowed",
    "file file mkdir /tmp/whittle-capture/folder allowed",
    "file file rename-to /tmp/whittle-capture/folder/renamed allowed",
    "file file chmod /tmp/whittle-capture/folder/renamed allowed",
    "file file rmdir /tmp/whittle-capture/folder failed ENOTEMPTY",
    "privilege privilege make namespace uts allowed",
    "file file read /etc/ld.so.cache allowed",
];

#[test]
fn captured_records_decode_to_what_they_meant_when_they_were_captured() -> Result<()> {
    for (backend, capture) in captures()? {
        let text = to_text(from_bytes(&capture)?);
        let meant = fs::read_to_string(folder().join(format!("{backend}.txt")))?;
        for (number, (now, then)) in text.lines().zip(meant.lines()).enumerate() {
            let number = number + 1;
            assert_eq!(
                now, then,
                "{backend}, record {number}: left now, right then"
            );
        }
        assert_eq!(text.lines().count(), meant.lines().count());
    }
    Ok(())
}

#[test]
fn captured_records_tell_what_the_job_did() -> Result<()> {
    for (backend, capture) in captures()? {
        tell_what_the_job_did(&capture, backend).context(backend)?;
    }
    Ok(())
}

fn tell_what_the_job_did(capture: &[u8], backend: &str) -> Result<()> {
    let (mut done, mut executables, mut scripts) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut decoder = Decoder::default();
    for record in from_bytes(capture)? {
        match decoder.decode(record)? {
            Event::Touch(touch) => drop(done.insert(deed(&touch))),
            Event::Subject(subject) => drop(executables.insert(subject.executable)),
            Event::Script(script) => drop(scripts.insert(script.name)),
            Event::Opened(_) | Event::Payload(_) | Event::Closed(_) => {}
        }
    }
    for expected in DONE {
        ensure!(done.contains(expected), "not in the capture: {expected}");
    }
    // 600 folders are more than are walked; the name is there, and that its beginning is not.
    let bottom = done
        .iter()
        .find(|deed| deed.contains("/d/bottom "))
        .context("the deepest file")?;
    assert!(
        bottom.starts_with("file file write+create .../d/d/")
            && bottom.contains("(path truncated: "),
        "{bottom}"
    );
    // Trampolines are behind the copy of the path, where the kernel refuses it.
    if backend == "syscall" {
        let too_long = done.iter().find(|deed| deed.contains("ENAMETOOLONG"));
        let too_long = too_long.context("the path that is longer than PATH_MAX")?;
        assert!(
            too_long.contains("(path longer than PATH_MAX"),
            "{too_long}"
        );
    }
    for executable in ["/usr/bin/dash", "/usr/bin/cat", "/usr/bin/env"] {
        assert!(executables.contains(executable.as_bytes()), "{executable}");
    }
    for script in [
        "/tmp/whittle-capture/job.sh",
        "/tmp/whittle-capture/job.py",
        "-m keyword",
    ] {
        assert!(scripts.contains(script.as_bytes()), "{script}");
    }
    Ok(())
}

#[test]
fn every_prefix_of_a_captured_record_is_decoded_or_refused() -> Result<()> {
    for (_, capture) in captures()? {
        for record in from_bytes(&capture)? {
            for end in 0..record.len() {
                let short = Err(DecodeError::Short { bytes: end });
                assert_eq!(Decoder::default().decode(&record[..end]), short);
                // The same, where the header owns up to the length: the text is then what lies.
                let Some(mut owning) = record.get(..end.max(LENGTH.end)).map(<[u8]>::to_vec) else {
                    continue;
                };
                let length = u32::try_from(owning.len())?;
                owning[LENGTH].copy_from_slice(&length.to_le_bytes());
                let mut anew = Decoder::default();
                let decoded = anew.decode(&owning);
                assert!(
                    decoded.is_err() || owning.len() >= usize::from(owning[FIXED]) * 8,
                    "{end} bytes of a record were decoded: {decoded:?}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn what_the_ring_pads_a_record_with_means_nothing() -> Result<()> {
    for (_, capture) in captures()? {
        let (mut one, mut other) = (Decoder::default(), Decoder::default());
        for record in from_bytes(&capture)? {
            let padded = [record, &[0xff; 7]].concat();
            assert_eq!(one.decode(&padded), other.decode(record));
        }
    }
    Ok(())
}

#[test]
fn a_capture_that_is_cut_short_is_no_capture() -> Result<()> {
    let records: [&[u8]; 3] = [b"one", b"", b"three"];
    let bytes = to_bytes(records);
    assert_eq!(from_bytes(&bytes)?, records);
    let whole = [0, 7, 11];
    for end in (0..bytes.len()).filter(|end| !whole.contains(end)) {
        assert!(from_bytes(&bytes[..end]).is_err(), "cut at {end}");
    }
    Ok(())
}
