//! `apt-get update` against a `file:` source, with all of its state in a private folder.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{Workload, needs, script};

const PACKAGES: &str = "\
Package: whittle-peer
Version: 1.0
Architecture: all
Maintainer: nobody
Filename: ./whittle-peer_1.0_all.deb
Size: 0
SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
Description: a package that there is not

";

/// A repository of one package without a signature. Nothing of the machine's own configuration is used.
///
/// # Errors
/// The folder cannot be written.
pub fn apt(folder: &Path) -> Result<Workload> {
    needs(&["apt-get"])?;
    for state in [
        "repository",
        "etc/apt.conf.d",
        "etc/preferences.d",
        "etc/trusted.gpg.d",
        "state/lists/partial",
    ] {
        let path = folder.join(state);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    }
    for state in ["cache/archives/partial", "log"] {
        fs::create_dir_all(folder.join(state)).context("cannot make apt's folders")?;
    }
    script(folder, "status", "")?;
    script(folder, "repository/Packages", PACKAGES)?;
    let root = folder.display();
    script(
        folder,
        "etc/sources.list",
        &format!("deb [trusted=yes] file:{root}/repository ./\n"),
    )?;
    let configuration = format!(
        "Dir::Etc \"{root}/etc\";\n\
         Dir::State \"{root}/state\";\n\
         Dir::State::status \"{root}/status\";\n\
         Dir::Cache \"{root}/cache\";\n\
         Dir::Log \"{root}/log\";\n\
         Acquire::Languages \"none\";\n"
    );
    script(folder, "apt.conf", &configuration)?;
    let configuration = format!("APT_CONFIG={root}/apt.conf");
    Ok(Workload::new(
        "apt-get update",
        &["env", &configuration, "apt-get", "update", "-q"],
    ))
}
