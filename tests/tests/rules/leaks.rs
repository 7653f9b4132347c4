//! The tree says nothing of the machine it was written on: no registry's host, which comes from a machine's own
//! configuration, and no path of somebody's home.

use crate::check;

/// Written in parts, so that this file does not break its own rule.
const REFUSED: [&str; 12] = [
    concat!("deb.", "debian.org"),
    concat!("security.", "debian.org"),
    concat!("snapshot.", "debian.org"),
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("static.", "rust-lang.org"),
    concat!("pypi", ".org"),
    concat!("files.", "pythonhosted.org"),
    concat!("registry.", "npmjs.org"),
    concat!("/root", "/."),
    concat!("/work", "/main"),
    concat!("/work", "/shared"),
];

#[test]
fn no_registry_and_no_path_of_a_machine_is_in_the_tree() {
    check(|_| true, breaches);
}

fn breaches(_: &str, text: &str) -> Vec<String> {
    REFUSED
        .iter()
        .filter(|refused| text.contains(**refused))
        .map(|refused| format!("has {refused}"))
        .collect()
}

#[test]
fn a_planted_breach_is_found() {
    let planted = format!("deb http://{} bookworm main", REFUSED[0]);
    assert_eq!(breaches("a", &planted).len(), 1);
    assert_eq!(breaches("a", &format!("{}cargo/bin", REFUSED[9])).len(), 1);
    assert!(breaches("a", "/root/payload and crates").is_empty());
}
