//! A server that says what it received.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use whittle_agent::{
    kernel::Limits,
    model::{Direction, Transport},
};
use whittle_tests::{
    payload::{Overheard, Stream, overhear},
    peer::peer,
};

/// The server, and what it received.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
    folder: tempfile::TempDir,
    transport: Transport,
}

impl Server {
    pub(crate) fn plain() -> Result<Self> {
        Self::start(Transport::Tcp)
    }

    pub(crate) fn tls() -> Result<Self> {
        Self::start(Transport::Tls)
    }

    fn start(transport: Transport) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let received = folder.path().join("received");
        fs::create_dir(&received)?;
        let mut command = Command::new("python3");
        command.arg(peer("server.py")).arg(&received);
        if transport == Transport::Tls {
            let (key, certificate) = (folder.path().join("key"), folder.path().join("certificate"));
            let made = Command::new("openssl")
                .args([
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                ])
                .args(["-subj", "/CN=localhost"])
                .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
                .arg("-keyout")
                .arg(&key)
                .arg("-out")
                .arg(&certificate)
                .output()?;
            ensure!(made.status.success(), "{made:?}");
            command.arg(&certificate).arg(&key);
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("python3 cannot be started: install it")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("stdout is a pipe")?).read_line(&mut line)?;
        Ok(Self {
            process,
            port: line.trim().parse()?,
            folder,
            transport,
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = match self.transport {
            Transport::Tls => "https",
            _ => "http",
        };
        format!("{scheme}://localhost:{}{path}", self.port)
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate")
    }

    /// Plaintext of each connection that sent any, in the order of their acceptance.
    pub(crate) fn received(mut self) -> Result<Vec<Vec<u8>>> {
        drop(self.process.stdin.take());
        self.process.wait()?;
        let mut files: Vec<_> = fs::read_dir(self.folder.path().join("received"))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        files.sort();
        let files = files.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
        Ok(files
            .into_iter()
            .filter(|bytes| !bytes.is_empty())
            .collect())
    }

    /// Runs a client, and checks that every byte that the server received was overheard, and a response to each request.
    pub(crate) fn check(self, client: &mut Command) -> Result<Overheard> {
        let overheard = overhear(client, Limits::default())?;
        self.compare(&overheard)?;
        Ok(overheard)
    }

    /// As [`Self::check`], of a client that has run.
    pub(crate) fn compare(self, overheard: &Overheard) -> Result<()> {
        let transport = self.transport;
        ensure!(
            overheard.status.success(),
            "the client failed: {:?}",
            overheard.status
        );
        let received = self.received()?;
        ensure!(!received.is_empty(), "the server received nothing");
        assert_eq!(overheard.lost(), 0, "records were lost");
        let sent = overheard.streams(transport, Direction::Sent);
        assert_eq!(sent.len(), received.len(), "connections that sent anything");
        for (number, (stream, bytes)) in sent.iter().zip(&received).enumerate() {
            assert!(
                stream.gaps.is_empty(),
                "connection {number}: {:?}",
                stream.gaps
            );
            assert_eq!(stream.length, bytes.len() as u64, "connection {number}");
            assert!(stream.bytes == *bytes, "connection {number}: other bytes");
        }
        let answers = overheard.streams(transport, Direction::Received);
        let responses = |stream: &Stream| count(&stream.bytes, b"HTTP/1.1 200 OK\r\n");
        let answered: usize = answers.iter().map(responses).sum();
        let asked: usize = received
            .iter()
            .map(|bytes| count(bytes, b" HTTP/1.1\r\n"))
            .sum();
        assert_eq!(answered, asked, "responses");
        Ok(())
    }
}

/// How often bytes have these in them.
pub(crate) fn count(bytes: &[u8], part: &[u8]) -> usize {
    bytes
        .windows(part.len())
        .filter(|window| *window == part)
        .count()
}
