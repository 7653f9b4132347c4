//! Real requests of Python's own HTTP client, over plain HTTP and OpenSSL, to a server on loopback: the rows are what was
//! asked, and none of the secrets that were sent and answered is anywhere.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use whittle_schemas::table::EndpointRow;
use whittle_tests::{
    cloud_server::{self, DEPLOY, NIGHTLY, PLANTED, Server, USER},
    recorded::{self, record},
};

/// Longest wait for the recorder to write down what it saw.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn requests_of_a_real_client_become_the_rows_that_they_are() -> Result<()> {
    let root = tempfile::tempdir()?;
    let root = fs::canonicalize(root.path())?;
    let server = Server::start(&root)?;
    let recording = record(&root.join("data"), &root, &server.client())?;
    let messages = String::from_utf8_lossy(&recording.output.stderr);
    ensure!(recording.output.status.success(), "{messages}");
    let tables = &recording.tables;

    assert_eq!(cloud_server::calls(&tables.usage), server.expected_calls());

    let endpoints: BTreeSet<String> = tables.endpoints.iter().map(endpoint_line).collect();
    let expected = [
        format!("127.0.0.1:{} - aws 1 1 1 8 0 -", server.plain),
        format!("localhost:{} sni aws 2 2 2 5 1 -", server.tls),
        format!(
            "kms.eu-west-1.amazonaws.com:{} sni aws 1 0 0 0 0 no plaintext of it was seen",
            server.tls
        ),
    ];
    assert_eq!(endpoints, expected.into_iter().collect());

    let subject = tables.subjects.iter().find(|row| row.principals.is_some());
    let principals = subject.and_then(|row| row.principals.clone());
    assert_eq!(
        principals,
        Some([USER, NIGHTLY, DEPLOY].map(str::to_owned).to_vec())
    );

    let rows = format!("{tables:?}");
    ensure!(!rows.contains(PLANTED), "a secret is in the tables");
    let output = String::from_utf8_lossy(&recording.output.stdout);
    ensure!(
        !output.contains(PLANTED) && !messages.contains(PLANTED),
        "a secret is in the output"
    );
    Ok(())
}

#[test]
fn a_recorder_that_is_killed_leaves_calls_and_no_secret_in_its_spool() -> Result<()> {
    let root = tempfile::tempdir()?;
    let root = fs::canonicalize(root.path())?;
    let server = Server::start(&root)?;
    let data = root.join("data");
    let mut recorder = recorded::recorder(&data, &root, &server.client())?
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let spool = wait_for_spooled(&data, b"byte-by-byte")?;
    recorder.kill()?;
    recorder.wait()?;
    drop(recorder.stdin.take());
    let has = |bytes: &[u8]| spool.windows(bytes.len()).any(|window| window == bytes);
    ensure!(
        has(b"s3:GetObject") && has(NIGHTLY.as_bytes()),
        "calls are in the spool"
    );
    ensure!(!has(PLANTED.as_bytes()), "a secret is in the spool");

    let report = Command::new(recorded::whittle()?.get_program())
        .args(["report", "--format", "json", "--data"])
        .arg(&data)
        .output()?;
    ensure!(report.status.success(), "{report:?}");
    let tables = recorded::tables(&data)?;
    let mediums: BTreeSet<&str> = tables
        .coverage
        .iter()
        .filter(|row| row.family == "cloud" && row.gap_reason.is_some())
        .map(|row| row.backend.as_str())
        .collect();
    assert_eq!(mediums, BTreeSet::from(["http", "openssl"]));
    Ok(())
}

/// Waits until a spool of the data root holds these bytes, and gives all that it holds.
fn wait_for_spooled(data: &Path, bytes: &[u8]) -> Result<Vec<u8>> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        for spool in fs::read_dir(data.join(".spool")).into_iter().flatten() {
            let content = fs::read(spool?.path()).unwrap_or_default();
            if content.windows(bytes.len()).any(|window| window == bytes) {
                return Ok(content);
            }
        }
        thread::yield_now();
    }
    bail!("nothing was spooled within {PATIENCE:?}")
}

fn endpoint_line(row: &EndpointRow) -> String {
    format!(
        "{} {} {} {} {} {} {} {} {}",
        row.endpoint,
        row.name_source.as_deref().unwrap_or("-"),
        row.provider.as_deref().unwrap_or("-"),
        row.connections,
        row.readable,
        row.decoded,
        row.requests,
        row.requests_unmapped,
        row.unreadable_reason.as_deref().unwrap_or("-"),
    )
}
