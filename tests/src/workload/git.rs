//! `git clone` of a local repository.

use std::path::Path;

use anyhow::Result;

use super::{Workload, needs, prepare, script};

const CLONES: &str = "\
set -e
export HOME=\"$PWD\" GIT_CONFIG_NOSYSTEM=1
git clone -q source linked
git clone -q \"file://$PWD/source\" packed
git clone -q --bare --depth 1 \"file://$PWD/source\" shallow
git -C packed log --stat >log.txt
";

/// Clones over a path, which links objects, and over `file://`, which packs them in a second process.
///
/// # Errors
/// The repository cannot be made.
pub fn git(folder: &Path) -> Result<Workload> {
    needs(&["git"])?;
    prepare(folder, "git", &["init", "-q", "source"])?;
    let source = folder.join("source");
    for (at, name) in ["first", "second", "with space", "fo\u{308}urth"]
        .into_iter()
        .enumerate()
    {
        script(&source, name, &format!("line {at}\n").repeat(50))?;
        prepare(&source, "git", &["add", "--all"])?;
        let author = [
            "-c",
            "user.name=whittle",
            "-c",
            "user.email=whittle@localhost",
        ];
        prepare(
            &source,
            "git",
            &[author.as_slice(), &["commit", "-q", "-m", name]].concat(),
        )?;
    }
    script(folder, "clones.sh", CLONES)?;
    Ok(Workload::new("git clone", &["sh", "clones.sh"]))
}
