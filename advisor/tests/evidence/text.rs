//! The report on a terminal.

use super::*;

#[test]
fn the_report_fits_its_width_and_has_what_matters() {
    let output = nightly().report(&[]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("the report is text");
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    for words in [
        "granted 5 actions, used 1, attempted 1, implied 1, unused 2, unknown 0, ungranted 1",
        "privilege escalation: 1\n      iam:PassRole",
        "no use in 1.0 covered hours",
        "1 endpoint: 2 of 2 connections were read to their end.",
        "CAP_NET_RAW",
    ] {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
}
