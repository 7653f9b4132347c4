//! The repository's rules as tests: who may depend on whom (`crates`, `layers`), what must stay pure (`purity`),
//! where `unsafe` and aya may be (`kernel`), sizes (`size`), what must not be in the tree (`leaks`), and that the
//! committed BPF object belongs to the sources (`object`). Each rule is a function over a path and a text, and
//! has a test of its own that it finds a planted breach.

mod crates;
mod kernel;
mod layers;
mod leaks;
mod object;
mod paths;
mod purity;
mod size;

use std::fs;
use std::path::Path;
use std::process::Command;

/// A file of the repository: its path from the root, and its text.
struct Source {
    path: String,
    text: String,
}

/// Holds every file that `applies` to `rule`, which gives the breaches in one; shows all of them.
fn check(applies: impl Fn(&str) -> bool, rule: impl Fn(&str, &str) -> Vec<String>) {
    let sources: Vec<Source> = sources()
        .into_iter()
        .filter(|source| applies(&source.path))
        .collect();
    assert!(
        !sources.is_empty(),
        "the rule applies to no file: a folder was renamed, and the rule was not"
    );
    let breaches: Vec<String> = sources
        .iter()
        .flat_map(|source| {
            let found = rule(&source.path, &source.text);
            found
                .into_iter()
                .map(|breach| format!("{}: {breach}", source.path))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(
        breaches.is_empty(),
        "{} breaches\n{}",
        breaches.len(),
        breaches.join("\n")
    );
}

/// All files that are, or would be, in git.
fn sources() -> Vec<Source> {
    let repository = xtask::places::repository();
    let listed = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(&repository)
        .output()
        .expect("git lists the repository's files");
    assert!(
        listed.status.success(),
        "git cannot list the files: {}",
        String::from_utf8_lossy(&listed.stderr)
    );
    let names = String::from_utf8(listed.stdout).expect("our file names are UTF-8");
    let paths = names
        .split_terminator('\0')
        .filter(|path| repository.join(path).is_file());
    paths
        .map(|path| {
            let bytes = fs::read(repository.join(path))
                .unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
            Source {
                path: path.to_owned(),
                text: String::from_utf8_lossy(&bytes).into_owned(),
            }
        })
        .collect()
}

/// Rust files that are built into a program or library: not tests, which may do what they like.
fn is_product(path: &str) -> bool {
    let in_tests =
        path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs");
    is_rust(path) && !in_tests
}

fn is_rust(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "rs")
}
