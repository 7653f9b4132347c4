//! No secret of a watched program is in anything that whittle writes: tables, spool, logs, reports, core.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use arrow::{array::Array, array::ArrayData};
use rustix::{
    fs::{Mode, mkfifoat},
    process::{Pid, Signal, kill_process},
};
use whittle_schemas::table::Surface;
use whittle_tests::{
    cloud::{self, Aws, Job, ROLE},
    recorded::{self, Recording},
};

const IN_ENVIRONMENT: &str = "Env+planted/5ecret=&of%the environment";
const IN_FILE: &str = "File+planted/5ecret=&of%the file";
/// Fewer bytes than this can be anywhere by chance.
const SHORTEST: usize = 12;

/// A job full of secrets, and whittle around it, in a folder of its own.
struct Planted {
    aws: Aws,
    folder: PathBuf,
    data: PathBuf,
    _guard: tempfile::TempDir,
}

impl Planted {
    fn new() -> Result<Self> {
        let guard = tempfile::tempdir()?;
        let folder = fs::canonicalize(guard.path())?;
        let aws = Aws::start(&folder, &[])?;
        fs::write(folder.join("secret.txt"), IN_FILE)?;
        Ok(Self {
            aws,
            data: folder.join("data"),
            folder,
            _guard: guard,
        })
    }

    /// `whittle record` of the job, as loud as it can be.
    fn recorder(&self) -> Result<Command> {
        let words = Job::Secrets.command(false)?;
        let mut recorder = recorded::recorder(&self.data, &self.folder, &words)?;
        Job::Secrets.prepare(&self.aws, "none", &mut recorder)?;
        recorder
            .env("A_SECRET", IN_ENVIRONMENT)
            .env("PLANTED", self.folder.join("planted"))
            .env("WHITTLE_LOG", "trace");
        Ok(recorder)
    }

    /// Another command of whittle on what was recorded, whatever comes of it.
    fn whittle(&self, words: &[&str]) -> Result<Output> {
        let mut whittle = recorded::whittle()?;
        whittle.args(words).arg("--data").arg(&self.data);
        Ok(whittle.env("WHITTLE_LOG", "trace").output()?)
    }

    fn secrets(&self) -> Result<Vec<String>> {
        let planted = fs::read_to_string(self.folder.join("planted"))?;
        let mut secrets: Vec<String> = planted.lines().map(str::to_owned).collect();
        secrets.retain(|secret| secret.len() >= SHORTEST);
        secrets.sort();
        secrets.dedup();
        ensure!(secrets.len() > 50, "{} forms of secrets", secrets.len());
        Ok(secrets)
    }

    /// No secret is in any file of the data root, as it lies there and, where it is a table, unpacked.
    fn check_data(&self) -> Result<()> {
        let secrets = self.secrets()?;
        let mut files = 0;
        let mut folders = vec![self.data.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files += 1;
                    let content = fs::read(&path)?;
                    check(&secrets, &content, &path.display().to_string())?;
                }
            }
        }
        ensure!(files > 0, "there is nothing to look into");
        for table in ["usage", "subjects", "coverage", "endpoints"] {
            check(&secrets, &unpacked(&self.data, table)?, table)?;
        }
        Ok(())
    }

    /// The job, recorded to its end.
    fn recording(&self) -> Result<Recording> {
        let recorder = self.recorder()?;
        let recording =
            recorded::finish(&self.data, &mut self.aws.inside(&self.folder, &recorder))?;
        cloud::check(&self.aws, &recording.output)?;
        Ok(recording)
    }

    fn check_output(&self, output: &Output, what: &str) -> Result<()> {
        let secrets = self.secrets()?;
        check(&secrets, &output.stdout, what)?;
        check(&secrets, &output.stderr, what)
    }
}

#[test]
fn no_secret_is_in_tables_logs_and_reports() -> Result<()> {
    let planted = Planted::new()?;
    let recording = planted.recording()?;
    let cloud = recording.tables.usage.iter();
    let cloud = cloud.filter(|row| row.surface == Surface::Cloud).count();
    ensure!(
        cloud > 10,
        "{cloud} calls were seen: the test proves nothing"
    );
    planted.check_output(&recording.output, "the log of record")?;
    planted.check_data()?;
    let account = planted.aws.account();
    let account = account.to_str().context("a path of this test is text")?;
    let out = planted.folder.join("out");
    let out = out.to_str().context("a path of this test is text")?;
    let policy = format!("{out}/policy.json");
    let policy = policy.as_str();
    fs::create_dir(out)?;
    let commands: [&[&str]; 5] = [
        &["report", "--all"],
        &["report", "--grants", account],
        &["report", "--grants", account, "--format", "json"],
        &[
            "recommend",
            "--for",
            ROLE,
            "--as",
            "aws-iam",
            "--grants",
            account,
            "--out",
            out,
        ],
        &["replay", "--for", ROLE, "--policy", policy],
    ];
    for words in commands {
        let output = planted.whittle(words)?;
        ensure!(!output.stdout.is_empty() || !output.stderr.is_empty());
        planted.check_output(&output, &words.join(" "))?;
    }
    let secrets = planted.secrets()?;
    for policy in fs::read_dir(out)? {
        let policy = policy?.path();
        check(&secrets, &fs::read(&policy)?, &policy.display().to_string())?;
    }
    Ok(())
}

#[test]
fn no_secret_is_in_what_a_killed_recorder_leaves() -> Result<()> {
    let planted = Planted::new()?;
    let go = planted.folder.join("go");
    mkfifoat(rustix::fs::CWD, &go, Mode::RWXU)?;
    let mut recorder = planted.recorder()?;
    recorder.env("GO", &go);
    // A core is asked for, and none may come.
    let mut inside = Command::new("sh");
    let unlimited = "ulimit -c unlimited; exec \"$@\"";
    let moved = planted.aws.inside(&planted.folder, &recorder);
    inside
        .args(["-c", unlimited, "sh"])
        .arg(moved.get_program())
        .args(moved.get_args())
        .env_clear()
        .envs(
            moved
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(&planted.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(planted.folder.join("log"))?);
    let mut running = inside.spawn()?;
    let output = running.stdout.take().context("stdout is a pipe")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let log = || fs::read(planted.folder.join("log"));
    ensure!(
        line == "waiting\n",
        "the job failed: {}",
        String::from_utf8_lossy(&log()?)
    );
    kill_process(Pid::from_child(&running), Signal::ABORT)?;
    let status = running.wait()?;
    // The command outlives its recorder: let it end.
    fs::OpenOptions::new()
        .write(true)
        .open(&go)?
        .write_all(b"go\n")?;
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()));
    assert!(!status.core_dumped(), "a core of the recorder was written");
    planted.check_data()?;
    check(&planted.secrets()?, &log()?, "the log of record")?;
    let report = planted.whittle(&["report", "--all"])?;
    planted.check_output(&report, "the report")?;
    planted.check_data()
}

#[test]
fn a_planted_secret_is_found_in_every_form_and_in_a_table() -> Result<()> {
    let planted = Planted::new()?;
    planted.recording()?;
    let secrets = planted.secrets()?;
    let forms = [
        IN_FILE.to_owned(),
        "File%2Bplanted%2F5ecret%3D%26of%25the%20file".to_owned(),
        "RmlsZStwbGFudGVkLzVlY3JldD0mb2YldGhlIGZpbGU=".to_owned(),
    ];
    for form in forms {
        let text = format!("before {form} after");
        assert!(check(&secrets, text.as_bytes(), "text").is_err(), "{form}");
    }
    // The tables are unpacked where they are looked into: a path that is in them is found.
    let path = planted.folder.join("secret.txt");
    let path = path.to_str().context("a path of this test is text")?;
    assert!(
        check(
            &[path.to_owned()],
            &unpacked(&planted.data, "usage")?,
            "usage"
        )
        .is_err()
    );
    Ok(())
}

/// Every value of every column of a table, one after the other.
fn unpacked(data: &Path, table: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for batch in recorded::batches(data, table)? {
        for column in batch.columns() {
            append(&column.to_data(), &mut bytes);
        }
    }
    Ok(bytes)
}

fn append(data: &ArrayData, bytes: &mut Vec<u8>) {
    for buffer in data.buffers() {
        bytes.extend_from_slice(buffer);
        bytes.push(0);
    }
    for child in data.child_data() {
        append(child, bytes);
    }
}

fn check(secrets: &[String], content: &[u8], what: &str) -> Result<()> {
    // A needle at a time over the whole content: the standard library has no search for bytes, so the text is made one.
    let text = String::from_utf8_lossy(content);
    for secret in secrets {
        ensure!(!text.contains(secret.as_str()), "{what} has {secret}");
    }
    Ok(())
}
