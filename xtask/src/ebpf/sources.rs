//! The digest of everything that the BPF object is made of. Its toolchain is not part of it, so that
//! stable Rust alone can tell whether the committed object is stale.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use toml::Table;

/// Files and folders whose content decides what the object does.
const PARTS: [&str; 4] = [
    "ebpf/Cargo.toml",
    "ebpf/src",
    "schemas/src/lib.rs",
    "schemas/src/record",
];
/// Names, or beginnings of names, of the packages that are compiled into it.
const PACKAGES: [&str; 2] = ["aya-ebpf", "zerocopy"];
/// The profile it is built with, and the one which that inherits from.
const PROFILES: [&str; 2] = ["bpf", "release"];

/// SHA-256 over the sources, in lower-case hex.
///
/// # Errors
/// When a part cannot be read.
pub fn digest(repository: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for file in files(repository)? {
        let content = fs::read(repository.join(&file))
            .with_context(|| format!("cannot read {}", file.display()))?;
        add(&mut hash, file.as_os_str().as_encoded_bytes(), &content);
    }
    let manifest = table(&repository.join("Cargo.toml"))?;
    for name in PROFILES {
        let profile = manifest
            .get("profile")
            .and_then(|profiles| profiles.get(name));
        add(
            &mut hash,
            name.as_bytes(),
            profile
                .map(ToString::to_string)
                .unwrap_or_default()
                .as_bytes(),
        );
    }
    for package in packages(&table(&repository.join("Cargo.lock"))?) {
        add(&mut hash, b"package", package.as_bytes());
    }
    Ok(hex::encode(hash.finalize()))
}

/// Each field goes in with its length, so that no two inputs run together into the same bytes.
fn add(hash: &mut Sha256, name: &[u8], content: &[u8]) {
    for field in [name, content] {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field);
    }
}

fn files(repository: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = PARTS.iter().map(PathBuf::from).collect();
    while let Some(part) = open.pop() {
        let path = repository.join(&part);
        if !path.is_dir() {
            found.push(part);
            continue;
        }
        let entries =
            fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read {}", path.display()))?;
            open.push(part.join(entry.file_name()));
        }
    }
    found.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "rs" || extension == "toml")
    });
    found.sort();
    Ok(found)
}

fn table(path: &Path) -> Result<Table> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.parse()
        .with_context(|| format!("{} is not TOML", path.display()))
}

fn packages(lock: &Table) -> Vec<String> {
    let listed = lock.get("package").and_then(toml::Value::as_array);
    let text = |package: &toml::Value, key: &str| {
        package
            .get(key)
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut packages: Vec<String> = listed
        .into_iter()
        .flatten()
        .filter(|package| {
            PACKAGES
                .iter()
                .any(|name| text(package, "name").starts_with(name))
        })
        .map(|package| format!("{} {}", text(package, "name"), text(package, "version")))
        .collect();
    packages.sort();
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        file("ebpf/Cargo.toml", "[package]");
        file("ebpf/src/main.rs", "fn main() {}");
        file("schemas/src/lib.rs", "pub mod record;");
        file("schemas/src/record/mod.rs", "");
        file("schemas/src/table/mod.rs", "");
        file(
            "Cargo.toml",
            "[profile.bpf]\nopt-level = 3\n[profile.release]\ndebug = 1\n",
        );
        file(
            "Cargo.lock",
            "[[package]]\nname = \"aya-ebpf\"\nversion = \"0.2.1\"\n[[package]]\nname = \"clap\"\nversion = \"4.6.0\"\n",
        );
        folder
    }

    fn changes_with(path: &str, text: &str) -> bool {
        let folder = repository();
        let before = digest(folder.path()).expect("a digest");
        fs::write(folder.path().join(path), text).expect("a file");
        digest(folder.path()).expect("a digest") != before
    }

    #[test]
    fn the_digest_changes_with_every_part_of_the_object() {
        assert!(changes_with("ebpf/src/main.rs", "fn main() { }"));
        assert!(changes_with("ebpf/src/new.rs", ""));
        assert!(changes_with("ebpf/Cargo.toml", "[package]\n"));
        assert!(changes_with("schemas/src/record/mod.rs", "//!"));
        assert!(changes_with(
            "Cargo.toml",
            "[profile.bpf]\nopt-level = 2\n[profile.release]\ndebug = 1\n"
        ));
        assert!(changes_with(
            "Cargo.lock",
            "[[package]]\nname = \"aya-ebpf\"\nversion = \"0.2.2\"\n"
        ));
    }

    #[test]
    fn the_digest_stays_when_something_else_changes() {
        assert!(!changes_with("schemas/src/table/mod.rs", "//!"));
        assert!(!changes_with(
            "Cargo.lock",
            "[[package]]\nname = \"aya-ebpf\"\nversion = \"0.2.1\"\n"
        ));
        assert!(!changes_with("ebpf/src/.main.rs.swp", "x"));
    }
}
