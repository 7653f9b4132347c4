//! A stand-in for a cloud on loopback, the client that calls it, and what the client asks for. Both are Python's own, in
//! `peers/`; the secrets in what they say have [`PLANTED`] in them.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use whittle_schemas::table::{Surface, UsageRow};

use crate::peer::peer;

/// What every secret of the two programs has in it.
pub const PLANTED: &str = "planted";
/// The role whose keys the metadata service gives.
pub const NIGHTLY: &str = "arn:aws:iam::029608264753:role/nightly";
/// The role that is assumed.
pub const DEPLOY: &str = "arn:aws:iam::029608264753:role/teams/deploy";
/// The key that assumes it.
pub const USER: &str = "AKIAQNZGKIQY56JQ7WML";

/// A server, and where it listens.
#[derive(Debug)]
pub struct Server {
    process: Child,
    /// Port of plain HTTP.
    pub plain: String,
    /// Port of TLS.
    pub tls: String,
    certificate: PathBuf,
}

impl Server {
    /// Starts it, with a new certificate in `folder`.
    ///
    /// # Errors
    /// openssl or python3 cannot be started.
    pub fn start(folder: &Path) -> Result<Self> {
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
            .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
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

    /// The client's command.
    #[must_use]
    pub fn client(&self) -> Vec<OsString> {
        let mut command: Vec<OsString> = vec!["python3".into(), peer("cloud_calls.py").into()];
        command.extend([&self.plain, &self.tls].map(Into::into));
        command.push(self.certificate.clone().into());
        command
    }

    /// What the client asks for, as [`calls`] writes it: how often, as whom, what, of what, with which end, where.
    #[must_use]
    pub fn expected_calls(&self) -> BTreeSet<String> {
        let (plain, tls) = (
            format!("127.0.0.1:{} cloud/http", self.plain),
            format!("localhost:{} cloud/openssl", self.tls),
        );
        let expected = [
            format!(
                "1 {NIGHTLY} s3:GetObject arn:aws:s3:::orders/before-the-keys allowed - {plain}"
            ),
            format!("1 {NIGHTLY} s3:GetObject arn:aws:s3:::orders/large allowed - {plain}"),
            format!(
                "1 {NIGHTLY} s3:PutObject arn:aws:s3:::orders/denied denied AccessDenied {plain}"
            ),
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
        expected.into_iter().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its input; where that is not enough there is nothing left to do about it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The rows that are calls to a cloud, a line each.
#[must_use]
pub fn calls(usage: &[UsageRow]) -> BTreeSet<String> {
    let calls = usage.iter().filter(|row| row.surface == Surface::Cloud);
    calls.map(line).collect()
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
