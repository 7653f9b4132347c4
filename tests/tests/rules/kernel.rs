//! Invariant 2: only `agent/src/kernel` names aya; only it and `ebpf` contain `unsafe`.

use crate::{check, is_rust, paths};

const KERNEL: &str = "agent/src/kernel/";
const PROBES: &str = "ebpf/";

#[test]
fn only_the_kernel_stage_names_aya() {
    check(|path| is_rust_outside(path, &[KERNEL, PROBES]), names_aya);
}

#[test]
fn only_the_kernel_stage_and_the_probes_contain_unsafe() {
    check(
        |path| is_rust_outside(path, &[KERNEL, PROBES]),
        contains_unsafe,
    );
}

fn is_rust_outside(path: &str, folders: &[&str]) -> bool {
    is_rust(path) && !folders.iter().any(|folder| path.starts_with(folder))
}

fn names_aya(path: &str, text: &str) -> Vec<String> {
    let named = paths::named(path, text).into_iter();
    let breaches = named.filter(|segments| segments[0] == "aya" || segments[0].starts_with("aya_"));
    breaches
        .map(|segments| format!("names {}", segments.join("::")))
        .collect()
}

fn contains_unsafe(path: &str, text: &str) -> Vec<String> {
    let named = paths::named(path, text);
    named
        .iter()
        .filter(|segments| segments[0] == "unsafe")
        .map(|_| "contains unsafe".to_owned())
        .collect()
}

#[test]
fn a_planted_breach_is_found() {
    assert_eq!(names_aya("a.rs", "use aya::Ebpf;").len(), 1);
    assert_eq!(names_aya("a.rs", "fn f(map: &aya_obj::Map) {}").len(), 1);
    assert!(names_aya("a.rs", "//! loads with aya::Ebpf\nuse ayah::X;").is_empty());
    assert_eq!(
        contains_unsafe("a.rs", "fn f() { unsafe { g() } }").len(),
        1
    );
    assert!(
        contains_unsafe(
            "a.rs",
            "//! unsafe is elsewhere\nconst A: &str = \"unsafe\";"
        )
        .is_empty()
    );
}
