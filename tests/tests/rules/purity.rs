//! Invariant 1: decode, protocol, window, evidence and recommend do no I/O and read no clock.

use crate::{check, is_product, paths};

const PURE: [&str; 9] = [
    "agent/src/decode",
    "agent/src/conversation",
    "protocol/src",
    "grants/src",
    "agent/src/window",
    "advisor/src/evidence",
    "advisor/src/history",
    "advisor/src/recommend",
    "advisor/src/replay",
];
/// Beginnings of paths that lead to files, other processes, the environment or the kernel.
const IMPURE: [&[&str]; 9] = [
    &["std", "fs"],
    &["std", "env"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "os", "unix", "net"],
    &["tokio"],
    &["rustix"],
    &["procfs"],
    &["libc"],
];
/// Names that do the same wherever they come from. The addresses of `std::net` are values, and allowed.
const NAMES: [&str; 7] = [
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "UnixStream",
    "UnixListener",
    "UnixDatagram",
];
const CLOCKS: [&str; 2] = ["SystemTime", "Instant"];

#[test]
fn pure_stages_do_no_io_and_read_no_clock() {
    check(is_pure, breaches);
}

#[test]
fn the_stages_that_exist_are_found() {
    check(
        |path| path.starts_with("agent/src/decode/"),
        |_, _| Vec::new(),
    );
}

fn is_pure(path: &str) -> bool {
    let inside =
        |folder: &&str| path.starts_with(&format!("{folder}/")) || path == format!("{folder}.rs");
    is_product(path) && PURE.iter().any(inside)
}

fn breaches(path: &str, text: &str) -> Vec<String> {
    let named = paths::named(path, text);
    named
        .iter()
        .filter(|segments| is_impure(segments))
        .map(|segments| format!("names {}", segments.join("::")))
        .collect()
}

fn is_impure(segments: &[String]) -> bool {
    let starts = |beginning: &&[&str]| {
        segments.len() >= beginning.len()
            && segments
                .iter()
                .zip(*beginning)
                .all(|(segment, name)| segment == name)
    };
    let clock = segments
        .windows(2)
        .any(|pair| CLOCKS.contains(&pair[0].as_str()) && pair[1] == "now");
    IMPURE.iter().any(starts)
        || clock
        || segments
            .iter()
            .any(|segment| NAMES.contains(&segment.as_str()))
}

#[test]
fn a_planted_breach_is_found() {
    for planted in [
        "use std::{fmt, fs};",
        "fn f() { std::env::var(\"X\"); }",
        "use std::time::Instant; fn f() { Instant::now(); }",
        "fn f() { std::time::SystemTime::now(); }",
        "use std::net::TcpStream;",
        "use rustix::fs::stat;",
        "fn f() { assert!(procfs::process::all_processes().is_ok()); }",
    ] {
        assert_eq!(breaches("a.rs", planted).len(), 1, "{planted}");
    }
    for allowed in [
        "use std::net::Ipv4Addr;",
        "use std::time::Duration;",
        "//! std::fs is not used here",
        "use crate::model;",
    ] {
        assert!(breaches("a.rs", allowed).is_empty(), "{allowed}");
    }
}
