//! Privileged acts: what a program says that it did, by what each of its calls returned, is what the table says of it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use whittle_schemas::table::Surface;
use whittle_tests::{peer::peer, recorded};

type Acts = BTreeMap<(String, String, String), u64>;

#[test]
fn acts_are_those_that_the_program_made_each_as_it_ended() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let work = folder.path().join("work");
    std::fs::create_dir(&work)?;
    let command = ["python3".into(), peer("acts.py").into()];
    let recording = recorded::record(&folder.path().join("data"), &work, &command)?;
    ensure!(recording.output.status.success(), "{:?}", recording.output);

    let said: Vec<(String, String, String)> = serde_json::from_slice(&recording.output.stdout)
        .context("the program prints what it did")?;
    let mut expected = Acts::new();
    for act in said {
        *expected.entry(act).or_default() += 1;
    }
    let mut found = Acts::new();
    let rows = recording.tables.usage.iter();
    for row in rows.filter(|row| row.surface == Surface::Privilege) {
        let act = (
            row.action.clone(),
            String::from_utf8(row.resource.clone())?,
            row.outcome.to_string(),
        );
        *found.entry(act).or_default() += row.count;
    }
    ensure!(expected.len() > 20, "the program did little: {expected:?}");
    assert_eq!(found, expected);
    Ok(())
}
