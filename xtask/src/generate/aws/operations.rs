//! The table of operations that a request can ask for: how each looks on the wire (`model`, `wire`), which actions it
//! needs (`action`, `tagging`, `overrides.txt`), on which resources (`resource`), and which roles it passes (`pass_role`).
//! `whittle_protocol::aws` reads it; its format is described there, in `table.rs`.

mod action;
mod iam;
mod model;
mod pass_role;
mod resource;
mod tagging;
mod wire;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};

use self::action::Actions;
use self::iam::Iam;
use self::model::Model;
use crate::generate::packages;
use crate::places;

/// The committed table, from the repository's root.
const TABLE: &str = "protocol/src/aws/table/operations.gz";
/// The actions in the table that no list of actions has, from the repository's root.
const UNDOCUMENTED: &str = "protocol/src/aws/table/undocumented.txt";

/// Makes the table.
///
/// # Errors
/// A package cannot be fetched, or does not hold what it did.
pub(super) fn run() -> Result<()> {
    let models = model::read(&packages::BOTOCORE.unpacked()?)?;
    let iam = Iam::read(&packages::IAM_DATA.unpacked()?)?;
    let actions = Actions::new(&iam)?;
    let table = text(&models, &actions);
    actions.all_overrides_were_used()?;
    let mut file = GzBuilder::new().write(Vec::new(), Compression::best());
    file.write_all(table.text.as_bytes())
        .context("the table cannot be compressed")?;
    let bytes = file.finish().context("the table cannot be compressed")?;
    write(TABLE, &bytes)?;
    let mut undocumented = String::from(
        "# Actions named after their operation that no published list of actions has (yet).\n# Made by `cargo xtask generate aws`.\n",
    );
    for action in &table.undocumented {
        undocumented.push_str(action);
        undocumented.push('\n');
    }
    write(UNDOCUMENTED, undocumented.as_bytes())?;
    println!(
        "{TABLE}: {} services, {} operations, {} bytes of {}; {} actions are in no list",
        table.services,
        table.operations,
        bytes.len(),
        table.text.len(),
        table.undocumented.len()
    );
    Ok(())
}

struct Table {
    text: String,
    services: usize,
    operations: usize,
    undocumented: BTreeSet<String>,
}

fn text(models: &[Model], actions: &Actions) -> Table {
    let mut services = String::new();
    let mut operations = 0;
    let mut undocumented = BTreeSet::new();
    let mut written: BTreeSet<(String, String)> = BTreeSet::new();
    let mut names = BTreeSet::new();
    for model in models {
        let mut lines = String::new();
        for operation in &model.operations {
            let wire = wire::line(model, operation);
            // An older version of an API is there for what it says otherwise than the newer one.
            let identity = wire::identity(model, operation, &wire);
            if !written.insert((model.service.clone(), identity)) {
                continue;
            }
            let actions = actions.of(model, operation, &mut undocumented);
            writeln!(lines, "O\t{}\t{wire}\t{actions}", operation.name)
                .expect("a String takes everything");
            operations += 1;
        }
        if !lines.is_empty() {
            names.insert(&model.service);
            services.push_str(&wire::service(model));
            services.push_str(&lines);
        }
    }
    let header = format!(
        "whittle aws operations 1\tbotocore {}\t{}\t{}\t{operations}\n",
        packages::BOTOCORE.version,
        packages::BOTOCORE_RELEASED,
        names.len(),
    );
    Table {
        text: header + &services,
        services: names.len(),
        operations,
        undocumented,
    }
}

fn write(path: &str, bytes: &[u8]) -> Result<()> {
    let path = places::repository().join(path);
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
