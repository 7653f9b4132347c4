//! Real requests of Python's own HTTP client, over plain HTTP and OpenSSL, to a server on loopback: the rows are what was
//! asked, and none of the secrets that were sent and answered is anywhere.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use whittle_schemas::table::{EndpointRow, Surface, UsageRow};
use whittle_tests::{
    peer::peer,
    recorded::{self, record},
};

/// Longest wait for the recorder to write down what it saw.
const PATIENCE: Duration = Duration::from_mins(1);
/// What every secret of the two programs has in it.
const PLANTED: &str = "planted";

const NIGHTLY: &str = "arn:aws:iam::029608264753:role/nightly";
const DEPLOY: &str = "arn:aws:iam::029608264753:role/teams/deploy";
const USER: &str = "AKIAQNZGKIQY56JQ7WML";

/// A server, and where it listens.
struct Server {
    process: Child,
    plain: String,
    tls: String,
    certificate: PathBuf,
}

impl Server {
    fn start(folder: &Path) -> Result<Self> {
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
            ])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .context("openssl cannot be started: install it")?;
        ensure!(made.status.success(), "no certificate was made: {made:?}");
        let mut process = Command::new("python3")
            .arg(peer("cloud_server.py"))
            .args([&certificate, &key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("python3 cannot be started: install it")?;
        let mut ports = String::new();
        let output = process.stdout.take().context("stdout is a pipe")?;
        BufReader::new(output).read_line(&mut ports)?;
        let (plain, tls) = ports
            .trim()
            .split_once(' ')
            .context("it prints two ports")?;
        let (plain, tls) = (plain.to_owned(), tls.to_owned());
        Ok(Self {
            process,
            plain,
            tls,
            certificate,
        })
    }

    fn calls(&self) -> Vec<OsString> {
        let mut command: Vec<OsString> = vec!["python3".into(), peer("cloud_calls.py").into()];
        command.extend([&self.plain, &self.tls].map(Into::into));
        command.push(self.certificate.clone().into());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its input; where that is not enough there is nothing left to do about it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[test]
fn requests_of_a_real_client_become_the_rows_that_they_are() -> Result<()> {
    let root = tempfile::tempdir()?;
    let root = fs::canonicalize(root.path())?;
    let server = Server::start(&root)?;
    let recording = record(&root.join("data"), &root, &server.calls())?;
    let messages = String::from_utf8_lossy(&recording.output.stderr);
    ensure!(recording.output.status.success(), "{messages}");
    let tables = &recording.tables;

    let calls = tables
        .usage
        .iter()
        .filter(|row| row.surface == Surface::Cloud);
    let found: BTreeSet<String> = calls.map(line).collect();
    let (plain, tls) = (
        format!("127.0.0.1:{} cloud/http", server.plain),
        format!("localhost:{} cloud/openssl", server.tls),
    );
    let expected = [
        format!("1 {NIGHTLY} s3:GetObject arn:aws:s3:::orders/before-the-keys allowed - {plain}"),
        format!("1 {NIGHTLY} s3:GetObject arn:aws:s3:::orders/large allowed - {plain}"),
        format!("1 {NIGHTLY} s3:PutObject arn:aws:s3:::orders/denied denied AccessDenied {plain}"),
        format!("1 {NIGHTLY} s3:PutObject arn:aws:s3:::orders/upload allowed - {plain}"),
        format!("3 {NIGHTLY} s3:GetObject arn:aws:s3:::orders/again allowed - {plain}"),
        format!("1 {USER} sts:AssumeRole {DEPLOY} allowed - {tls}"),
        format!("1 {DEPLOY} s3:GetObject arn:aws:s3:::orders/large allowed - {tls}"),
        format!(
            "1 {DEPLOY} dynamodb:PutItem arn:aws:dynamodb:eu-west-1:029608264753:table/orders allowed - {tls}"
        ),
        format!("1 {DEPLOY} dynamodb:* * allowed - {tls}"),
        format!("1 {DEPLOY} s3:DeleteObject arn:aws:s3:::orders/byte-by-byte allowed - {tls}"),
    ];
    assert_eq!(found, expected.into_iter().collect());

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
    let mut recorder = recorded::recorder(&data, &root, &server.calls())?
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

fn line(row: &UsageRow) -> String {
    format!(
        "{} {} {} {} {} {} {} {}",
        row.count,
        row.principal.as_deref().unwrap_or("-"),
        row.action,
        String::from_utf8_lossy(&row.resource),
        row.outcome,
        row.error.as_deref().unwrap_or("-"),
        row.endpoint.as_deref().unwrap_or("-"),
        row.source,
    )
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
