//! How TCP connects end that go on without their caller: what the sockets say themselves is what the table says of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use whittle_tests::{peer::peer, recorded};

/// Resource, outcome and error.
type Connect = (String, String, Option<String>);

#[test]
fn a_connect_is_established_refused_timed_out_or_still_in_progress_as_its_socket_says() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    let work = folder.path().join("work");
    std::fs::create_dir(&work)?;
    let command = ["python3".into(), peer("connects.py").into()];
    let recording = recorded::record(&folder.path().join("data"), &work, &command)?;
    ensure!(recording.output.status.success(), "{:?}", recording.output);

    let said: Vec<Connect> = serde_json::from_slice(&recording.output.stdout)
        .context("the program prints how its connects ended")?;
    let mut expected: BTreeMap<Connect, u64> = BTreeMap::new();
    for connect in said {
        *expected.entry(connect).or_default() += 1;
    }
    let mut found: BTreeMap<Connect, u64> = BTreeMap::new();
    for row in &recording.tables.usage {
        if row.action == "connect" && row.resource.ends_with(b"/tcp") {
            let resource = String::from_utf8(row.resource.clone())?;
            let connect = (resource, row.outcome.to_string(), row.error.clone());
            *found.entry(connect).or_default() += row.count;
        }
    }
    for error in ["ECONNREFUSED", "ETIMEDOUT", "EINPROGRESS"] {
        let has = |connect: &Connect| connect.2.as_deref() == Some(error);
        ensure!(expected.keys().any(has), "nothing ended with {error}");
    }
    assert_eq!(found, expected);
    Ok(())
}
